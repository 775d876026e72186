package accounts

import (
	"context"
	"time"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// newcomer is who makes an account by the link of a mail.
type newcomer struct {
	*newAccount
	link token.OneTime
	row  *ent.OneTimeToken // the link's, as it was before the transaction
}

// newcomer checks the link of a mail and what its reader chose. Problems: BAD_USER_INPUT, INVALID_TOKEN, RATE_LIMITED.
func (s *Service) newcomer(
	ctx context.Context, v *viewer.Viewer, purpose token.OneTimePurpose, in AcceptInvitationInput, now time.Time,
) (*newcomer, error) {
	if err := in.Check(); err != nil {
		return nil, err
	}
	t, err := s.presented(ctx, v, purpose, in.Token, now)
	if err != nil {
		return nil, err
	}
	row, err := usable(ctx, s.config.Client.OneTimeToken, t, now)
	if err != nil {
		return nil, err
	}
	if err := checkPassword("password", in.Password, row.Address); err != nil {
		return nil, err
	}
	d := &newAccount{address: row.Address, password: in.Password, locale: row.Locale, proved: true, caller: v.Caller()}
	d.name, err = cleanName(in.Name)
	return &newcomer{d, t, row}, err
}

// linkRefusedIfTaken refuses the link of an address that has got an account meanwhile.
func linkRefusedIfTaken(err error) error {
	if problem.Is(err, problem.EmailTaken) {
		return linkRefused(tokenRevoked).WithCause(err)
	}
	return err
}
