package accounts

import (
	"context"
	"fmt"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/accesstoken"
	"github.com/gatehouse/gatehouse/ent/onetimetoken"
	"github.com/gatehouse/gatehouse/ent/passkey"
	"github.com/gatehouse/gatehouse/ent/session"
	"github.com/gatehouse/gatehouse/ent/user"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// ChangePasswordInput is GraphQL's input of that name.
type ChangePasswordInput struct {
	CurrentPassword string
	NewPassword     string
}

// ChangePassword changes the caller's password, revokes every session of the account, the caller's too, and starts a
// new one: copied tokens are of no more use. Problems: BAD_USER_INPUT, INVALID_CREDENTIALS, RATE_LIMITED,
// UNAUTHENTICATED.
func (s *Service) ChangePassword(ctx context.Context, v *viewer.Viewer, in ChangePasswordInput) (*AuthPayload, error) {
	now := s.now()
	account, err := userOrNil(s.config.Client.User.Get(ctx, v.UserID))
	if err != nil {
		return nil, err
	}
	if account == nil {
		return nil, sessionEnded()
	}
	if err := checkPassword("newPassword", in.NewPassword, account.Email); err != nil {
		return nil, err
	}
	proved, err := s.prove(ctx, v, in.CurrentPassword, now)
	if err != nil {
		return nil, err
	}
	hash, err := s.hash(ctx, proved.try.caller(v), in.NewPassword)
	if err != nil {
		return nil, s.refundUnverified(ctx, proved.try, err)
	}
	var payload *AuthPayload
	err = s.write(ctx, v, now, func(ctx context.Context, tx *transaction, row *ent.User) (err error) {
		if err := replaceHash(ctx, tx, row, proved.verified, hash); err != nil {
			return err
		}
		replaced, err := tx.Session.Query().Where(session.ID(v.SessionID), session.UserID(row.ID)).Only(ctx)
		if err != nil {
			return fmt.Errorf("reading the session that the new one replaces: %w", err)
		}
		change := tx.User.Update().Where(user.ID(row.ID)).AddCredentialGeneration(1).SetUpdatedAt(now)
		if hasProvedEmail(row) { // who knew the password chose the next one
			change.SetEmailProvedGeneration(row.CredentialGeneration + 1)
		}
		if err := change.Exec(ctx); err != nil {
			return err
		}
		// Their owner has just proved the password, and so passkeys go on opening the account.
		_, err = tx.Passkey.Update().
			Where(passkey.UserID(row.ID), passkey.CredentialGeneration(row.CredentialGeneration)).AddCredentialGeneration(1).Save(ctx)
		if err != nil {
			return err
		}
		if err := s.revokeSessions(ctx, tx, now, session.UserID(row.ID)); err != nil {
			return err
		}
		if err := s.revokeTokens(ctx, tx, now, accesstoken.UserID(row.ID)); err != nil {
			return err
		}
		if err := tx.expireTokens(ctx, row.ID, now, token.ResetAccess); err != nil {
			return err
		}
		if err := tx.cancelPending(ctx, now, onetimetoken.UserID(row.ID)); err != nil {
			return err
		}
		row.UpdatedAt, row.PendingEmail = now, nil
		row.CredentialGeneration++
		tx.emit(Event{Kind: PasswordChanged, UserID: row.ID})
		begun := newSession{row, token.ParseAMR(replaced.Amr).With(token.Password), v.Origin}
		if payload, err = s.signIn(ctx, tx, begun, now); err != nil {
			return err
		}
		return s.refundSucceeded(ctx, tx, proved.try)
	})
	if err != nil {
		return nil, err
	}
	return payload, nil
}
