package accounts

import (
	"context"
	"errors"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// RequestEmailVerificationPayload is GraphQL's type of that name.
type RequestEmailVerificationPayload struct{ Success bool }

// VerifyEmailInput is GraphQL's input of that name.
type VerifyEmailInput struct {
	Token, Code    *string
	Password, Name *string // of the account that the token of a registration makes
}

// VerifyEmailPayload is GraphQL's type of that name.
type VerifyEmailPayload struct{ Success bool }

// RequestEmailVerification mails the caller a link and a code that confirm the account's address, unless it is
// confirmed. Problems: MAIL_OFF, RATE_LIMITED, UNAUTHENTICATED.
func (s *Service) RequestEmailVerification(
	ctx context.Context, v *viewer.Viewer,
) (*RequestEmailVerificationPayload, error) {
	now := s.now()
	me, err := s.Me(ctx, v)
	if err != nil {
		return nil, err
	}
	if err := s.chargeMail(ctx, v, MailVerify, me.Email, now); err != nil {
		return nil, err
	}
	err = s.write(ctx, v, now, func(ctx context.Context, tx *transaction, caller *ent.User) error {
		if caller.EmailVerified {
			return nil
		}
		tx.emit(Event{Kind: EmailVerificationRequested, UserID: caller.ID, SessionID: v.SessionID})
		return s.mailToken(ctx, tx, MailVerify, newOneTime{purpose: token.VerifyEmail, user: caller.ID,
			address: caller.Email, session: v.SessionID}, v.Origin, now)
	})
	if err != nil {
		return nil, err
	}
	return &RequestEmailVerificationPayload{Success: true}, nil
}

// check refuses wrong values that do not depend on the link. Problem: BAD_USER_INPUT.
func (in VerifyEmailInput) check() error {
	_, err := cleanName(in.Name)
	if in.Password != nil {
		err = errors.Join(checkPassword("password", *in.Password, ""), err)
	}
	return err
}

// VerifyEmail confirms the address of an account, or makes the one of a registration. Problems: those of redeemProof and
// of confirmRegistration.
func (s *Service) VerifyEmail(ctx context.Context, v *viewer.Viewer, in VerifyEmailInput) (*VerifyEmailPayload, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	now := s.now()
	if in.Token != nil && in.Code == nil {
		if _, err := s.config.OneTime.Parse(token.Registration, *in.Token); err == nil {
			return s.confirmRegistration(ctx, v, in, now)
		}
	}
	err := s.redeemProof(ctx, v, mailProof{token.VerifyEmail, in.Token, in.Code}, now,
		func(ctx context.Context, tx *transaction, r redeemed) error {
			if r.token.Address != r.account.Email {
				return linkRefused(tokenRevoked)
			}
			if r.account.EmailVerified {
				return nil
			}
			tx.emit(Event{Kind: EmailVerified, UserID: r.account.ID})
			return recordProof(r.account.Update().SetEmailVerified(true).SetUpdatedAt(now), r).Exec(ctx)
		})
	if err != nil {
		return nil, err
	}
	return &VerifyEmailPayload{Success: true}, nil
}
