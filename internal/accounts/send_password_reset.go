package accounts

import (
	"context"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// SendPasswordResetPayload is GraphQL's type of that name.
type SendPasswordResetPayload struct{ Success bool }

// SendPasswordReset has a link mailed to a user, by which they choose a new password: the administrator learns neither.
// The mail says nothing of where the administrator is. Problems: NOT_FOUND, FORBIDDEN for a suspended or deleted account,
// MAIL_OFF, RATE_LIMITED, UNAUTHENTICATED.
func (s *Service) SendPasswordReset(
	ctx context.Context, v *viewer.Viewer, id uuid.UUID,
) (*SendPasswordResetPayload, error) {
	now := s.now()
	account, err := s.User(ctx, id)
	if err != nil {
		return nil, err
	}
	if account != nil { // or administer says that there is none
		if err := s.chargeMail(ctx, v, MailReset, account.Email, now); err != nil {
			return nil, err
		}
	}
	err = s.administer(ctx, v, now, id, func(ctx context.Context, tx *transaction, target *ent.User) error {
		if target.Status != string(StatusActive) {
			return notActive(target, now)
		}
		tx.emit(Event{Kind: PasswordResetRequested, UserID: target.ID})
		return tx.mail(ctx, mailArgs{Kind: MailReset, Address: target.Email}, viewer.Origin{}, now)
	})
	if err != nil {
		return nil, err
	}
	return &SendPasswordResetPayload{Success: true}, nil
}
