package accounts

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/address"
	"github.com/gatehouse/gatehouse/ent/onetimetoken"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// RegistrationMode says who gets an account.
type RegistrationMode string

// The modes, as GATEHOUSE_REGISTRATION names them.
const (
	RegistrationOpen      RegistrationMode = "open"      // every client that registers; "" is the same
	RegistrationConfirmed RegistrationMode = "confirmed" // who follows the link of a mail
	RegistrationClosed    RegistrationMode = "closed"    // whom administrators invite
)

// mayRegister refuses registrations where there are none. Problem: FORBIDDEN.
func (s *Service) mayRegister() error {
	if s.config.Registration == RegistrationClosed {
		return problem.New(problem.Forbidden, "Nobody registers here; an administrator has to invite you.")
	}
	return nil
}

// requestRegistration has a mail sent to an address, and tells nobody but its reader whether an account has it: it is not
// even looked up, and for every address one job is written, whose worker finds out.
//
// Nothing is kept of the password and the name, which anybody may have typed for the address of another: who follows the
// link chooses them. If the password counted, an account could open to the client that registered its address first. Problems:
// VERIFICATION_REQUIRED when the mail is on its way; MAIL_OFF, RATE_LIMITED.
func (s *Service) requestRegistration(ctx context.Context, v *viewer.Viewer, d *newAccount, now time.Time) error {
	if err := s.needMail(); err != nil {
		return err
	}
	if err := s.charge(ctx, v, s.throttle.registration(d.address, v.Origin, now)); err != nil {
		return err
	}
	from := v.Origin
	from.Language = valueOr(d.locale, from.Language)
	err := s.inTx(ctx, v.Caller(), func(ctx context.Context, tx *transaction) error {
		tx.emit(Event{Kind: RegistrationRequested})
		return tx.mail(ctx, mailArgs{Kind: MailRegister, Address: d.address, Locale: d.locale}, from, now)
	})
	if err != nil {
		return err
	}
	return problem.New(problem.VerificationRequired, "A mail is on its way to this address; it says how to go on.")
}

// registrationMail returns the token of the job of a mail, issued at the first call: one that makes an account; or when
// there is one, one by which its owner chooses a new password. It is nil for an account that may not be used, and for an
// address that an account can go back to.
func (s *Service) registrationMail(ctx context.Context, job uuid.UUID, a mailArgs) (*mailed, error) {
	issued, err := s.config.Client.OneTimeToken.Query().Where(onetimetoken.ID(job)).Only(ctx)
	if err == nil && issued.Purpose == string(token.Registration) {
		return &mailed{token: issued}, nil
	}
	if err != nil && !ent.IsNotFound(err) {
		return nil, err
	}
	account, err := s.userByAddress(ctx, a.Address)
	if err != nil {
		return nil, err
	}
	if account != nil {
		m, err := s.resetMail(ctx, job, a.Address)
		if m != nil {
			m.kind = MailRegistered
		}
		return m, err
	}
	if issued != nil {
		return nil, nil // its account has left the address
	}
	return s.beginRegistration(ctx, job, a)
}

func (s *Service) beginRegistration(ctx context.Context, job uuid.UUID, a mailArgs) (*mailed, error) {
	now := s.now()
	var m *mailed
	err := s.inTx(ctx, nil, func(ctx context.Context, tx *transaction) error {
		m = nil
		taken, err := tx.Address.Query().Where(address.ID(a.Address)).Exist(ctx)
		if err != nil || taken {
			return err
		}
		row, err := s.issue(ctx, tx, newOneTime{id: job, purpose: token.Registration, user: job, address: a.Address,
			locale: a.Locale}, now)
		m = &mailed{token: row}
		return err
	})
	if err != nil {
		return nil, err
	}
	return m, nil
}

// confirmRegistration makes the account of a registration, with the password that the reader of its mail chooses, and
// signs nobody in. Problems: BAD_USER_INPUT, INVALID_TOKEN, RATE_LIMITED, FORBIDDEN.
func (s *Service) confirmRegistration(
	ctx context.Context, v *viewer.Viewer, in VerifyEmailInput, now time.Time,
) (*VerifyEmailPayload, error) {
	if err := s.mayRegister(); err != nil {
		return nil, err
	}
	chosen := AcceptInvitationInput{Token: *in.Token, Password: valueOr(in.Password, ""), Name: in.Name}
	d, err := s.newcomer(ctx, v, token.Registration, chosen, now)
	if err != nil {
		return nil, err
	}
	err = s.createAccount(ctx, d.newAccount, []Role{RoleUser}, now,
		func(ctx context.Context, tx *transaction, made *ent.User) error {
			row, err := usable(ctx, tx.OneTimeToken, d.link, now)
			if err != nil {
				return err
			}
			tx.emit(Event{Kind: EmailVerified, UserID: made.ID})
			return tx.useUp(ctx, row, now)
		})
	if err != nil {
		return nil, linkRefusedIfTaken(err)
	}
	return &VerifyEmailPayload{Success: true}, nil
}
