package accounts

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/accesstoken"
	"github.com/gatehouse/gatehouse/ent/onetimetoken"
	"github.com/gatehouse/gatehouse/ent/session"
	"github.com/gatehouse/gatehouse/ent/user"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// RequestPasswordResetInput is GraphQL's input of that name.
type RequestPasswordResetInput struct{ Email string }

// RequestPasswordResetPayload is GraphQL's type of that name.
type RequestPasswordResetPayload struct{ Success bool }

// ResetPasswordInput is GraphQL's input of that name.
type ResetPasswordInput struct {
	Token       string
	NewPassword string
	Cookie      bool
}

// RequestPasswordReset has a link mailed to the owner of an address, if an account has it. Here it is not even looked
// up: for every address one job is written, whose worker finds the account. Problems: BAD_USER_INPUT, MAIL_OFF,
// RATE_LIMITED.
func (s *Service) RequestPasswordReset(
	ctx context.Context, v *viewer.Viewer, in RequestPasswordResetInput,
) (*RequestPasswordResetPayload, error) {
	now := s.now()
	address, err := lookupAddress(in.Email)
	if err != nil {
		return nil, err
	}
	if err := s.chargeMail(ctx, v, MailReset, address, now); err != nil {
		return nil, err
	}
	err = s.inTx(ctx, v.Caller(), func(ctx context.Context, tx *transaction) error {
		tx.emit(Event{Kind: PasswordResetRequested})
		return tx.mail(ctx, mailArgs{Kind: MailReset, Address: address}, v.Origin, now)
	})
	if err != nil {
		return nil, err
	}
	return &RequestPasswordResetPayload{Success: true}, nil
}

// resetMail returns the token of the job of a mail, issued at the first call; nil when no account has the address that
// may be used, or a newer mail has replaced this one.
func (s *Service) resetMail(ctx context.Context, job uuid.UUID, address string) (*mailed, error) {
	account, err := s.userByAddress(ctx, address)
	if err != nil || account == nil {
		return nil, err
	}
	now := s.now()
	var m *mailed
	err = s.inTx(ctx, nil, func(ctx context.Context, tx *transaction) error {
		m = nil
		held, err := lockUser(ctx, tx, user.ID(account.ID), user.Email(address), mayReturn(now))
		if err != nil || held == nil {
			return err
		}
		newest, err := tx.OneTimeToken.Query().Where(onetimetoken.UserID(held.ID),
			onetimetoken.Purpose(string(token.ResetAccess)), onetimetoken.IDGTE(job)).Order(ent.Desc(onetimetoken.FieldID)).
			First(ctx)
		if ent.IsNotFound(err) {
			newest, err = s.issue(ctx, tx,
				newOneTime{id: job, purpose: token.ResetAccess, user: held.ID, address: address}, now)
		}
		if err == nil && newest.ID == job {
			m = &mailed{token: newest, account: held}
		}
		return err
	})
	return m, err
}

// Check refuses what ResetPassword refuses of the input alone. Problem: BAD_USER_INPUT.
func (in ResetPasswordInput) Check() error { return checkPassword("newPassword", in.NewPassword, "") }

// ResetPassword gives the account of a mailed token a new password and signs in, or asks for the second factor of the
// account: who reads its mail has not shown that. Nothing that opened the account before
// opens it any more: its sessions end, its devices become unknown, and a change of address that is pending is cancelled.
// But the owner of a former address can still undo the change away from it: the token may be in a thief's mailbox.
// The token shows that its sender reads the mail of the account's address, which is confirmed by it. Problems:
// BAD_USER_INPUT, INVALID_TOKEN, RATE_LIMITED, SECOND_FACTOR_REQUIRED.
func (s *Service) ResetPassword(ctx context.Context, v *viewer.Viewer, in ResetPasswordInput) (*AuthPayload, error) {
	now := s.now()
	if err := in.Check(); err != nil {
		return nil, err
	}
	t, err := s.presented(ctx, v, token.ResetAccess, in.Token, now)
	if err != nil {
		return nil, err
	}
	row, err := usable(ctx, s.config.Client.OneTimeToken, t, now)
	if err != nil {
		return nil, err
	}
	if err := checkPassword("newPassword", in.NewPassword, row.Address); err != nil {
		return nil, err
	}
	hash, err := s.hash(ctx, unknown(v.Caller()), in.NewPassword)
	if err != nil {
		return nil, err
	}
	var result entered
	err = s.inTx(ctx, v.Caller(), func(ctx context.Context, tx *transaction) error {
		result = entered{}
		account, err := s.resetCredential(ctx, tx, t, hash, now)
		if err != nil {
			return err
		}
		result, err = s.enter(ctx, tx, newSession{account, token.Password, v.Origin}, now)
		return err
	})
	if err != nil {
		return nil, err
	}
	return result.payload, result.asked
}

// resetCredential uses a token up and takes away whatever opened its account.
func (s *Service) resetCredential(
	ctx context.Context, tx *transaction, t token.OneTime, hash string, now time.Time,
) (*ent.User, error) {
	r, err := s.redeem(ctx, tx, t, now)
	if err != nil {
		return nil, err
	}
	if r.token.Address != r.account.Email {
		return nil, linkRefused(tokenRevoked)
	}
	tx.emit(Event{Kind: PasswordReset, UserID: r.account.ID})
	if r.account.FactorGeneration > 0 && neverProvedEmail(r.account) {
		if err := tx.removeFactors(ctx, r.account, now); err != nil {
			return nil, err
		}
	}
	account, err := r.account.Update().SetPasswordHash(hash).AddCredentialGeneration(1).SetEmailVerified(true).
		SetEmailProvedGeneration(r.account.CredentialGeneration + 1).ClearPendingEmail().SetUpdatedAt(now).Save(ctx)
	if err != nil {
		return nil, err
	}
	err = tx.expireTokens(ctx, account.ID, now, append(pendingPurposes(), token.VerifyEmail, token.ResetAccess,
		token.Invitation)...)
	if err != nil {
		return nil, err
	}
	err = s.revokeSessions(ctx, tx, now, session.UserID(account.ID))
	return account, errors.Join(err, s.revokeTokens(ctx, tx, now, accesstoken.UserID(account.ID)))
}
