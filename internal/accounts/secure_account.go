package accounts

import (
	"context"
	"crypto/rand"
	"slices"
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

// SecureAccountInput is GraphQL's input of that name.
type SecureAccountInput struct{ Token string }

// SecureAccountPayload is GraphQL's type of that name.
type SecureAccountPayload struct{ Success bool }

// SecureAccount shuts everyone out of an account, by the link of a notice: what the notice tells of was not the owner. The
// link opens nothing: who has only the mailbox gets what a reset gives. It is of the address that the account had then, and
// counts as long as the account has it. Problems: INVALID_TOKEN, MAIL_OFF, RATE_LIMITED.
func (s *Service) SecureAccount(
	ctx context.Context, v *viewer.Viewer, in SecureAccountInput,
) (*SecureAccountPayload, error) {
	now := s.now()
	err := s.lockOut(ctx, v, mailProof{purpose: token.SecureAccount, token: &in.Token}, now,
		func(ctx context.Context, tx *transaction, r redeemed) error {
			if r.token.Address != r.account.Email {
				return linkRefused(tokenRevoked)
			}
			tx.emit(Event{Kind: AccountSecured, UserID: r.account.ID})
			return tx.expireTokens(ctx, r.account.ID, now, token.VerifyEmail, token.ResetAccess, token.Invitation,
				token.SecureAccount)
		})
	if err != nil {
		return nil, err
	}
	return &SecureAccountPayload{Success: true}, nil
}

// lockOut uses up the token of a link by which the owner of a mailbox says that another person is in their account.
// Beside what f does, nothing opens the account any more: its password counts no more, its devices become unknown, its
// sessions and personal access tokens end, a change of address that is pending is taken back, and a link to choose a new
// password is mailed to the token's address. Problems: INVALID_TOKEN, MAIL_OFF, RATE_LIMITED.
func (s *Service) lockOut(ctx context.Context, v *viewer.Viewer, p mailProof, now time.Time, f redeemFunc) error {
	if err := s.needMail(); err != nil {
		return err
	}
	t, err := s.presented(ctx, v, p.purpose, *p.token, now)
	if err != nil {
		return err
	}
	if _, err := usable(ctx, s.config.Client.OneTimeToken, t, now); err != nil {
		return err
	}
	hash, err := s.hash(ctx, unknown(v.Caller()), rand.Text()) // of a random password
	if err != nil {
		return err
	}
	return s.inTx(ctx, v.Caller(), func(ctx context.Context, tx *transaction) error {
		r, err := s.redeem(ctx, tx, t, now)
		if err != nil {
			return err
		}
		if err := f(ctx, tx, r); err != nil {
			return err
		}
		if err := tx.cancelPending(ctx, now, onetimetoken.UserID(r.account.ID)); err != nil {
			return err
		}
		own := user.ID(r.account.ID)
		err = tx.User.Update().Where(own).SetPasswordHash(hash).AddCredentialGeneration(1).ClearPendingEmail().
			SetUpdatedAt(now).Exec(ctx)
		if err != nil {
			return err
		}
		if err := s.revokeSessions(ctx, tx, now, session.UserID(r.account.ID)); err != nil {
			return err
		}
		if err := s.revokeTokens(ctx, tx, now, accesstoken.UserID(r.account.ID)); err != nil {
			return err
		}
		return tx.mail(ctx, mailArgs{Kind: MailReset, Address: r.token.Address}, v.Origin, now)
	})
}

// canSecure reports whether a notice has a link that secures the account: it is still the reader's, and can be used.
func (k MailKind) canSecure() bool {
	return slices.Contains([]MailKind{MailNewDevice, MailPasswordChanged, MailAccessTokenCreated, MailFactorAdded, MailFactorRemoved,
		MailRecoveryCodesReplaced, MailRecoveryCodeUsed, MailPasskeyCloned}, k)
}

// noticeLetter returns the mail of a notice, with a link when there is something to secure.
func (s *Service) noticeLetter(ctx context.Context, job uuid.UUID, a mailArgs) (*Letter, error) {
	l := a.letter()
	if !a.Kind.canSecure() {
		return l, nil
	}
	row, err := s.secureToken(ctx, job, a)
	if err != nil || row == nil || row.UsedAt != nil || !s.now().Before(row.ExpiresAt) {
		return l, err
	}
	if t, ok := s.config.OneTime.Stored(token.SecureAccount, row.UserID, row.ID, row.Digest); ok {
		l.Purpose, l.Token, l.Expires = t.Purpose, t.Text(), row.ExpiresAt.UTC()
	}
	return l, nil
}

// secureToken returns the token of the job of a notice, issued at the first call, so that no sign-in waits for it; nil when
// the account is gone, suspended or moved, or was secured since.
func (s *Service) secureToken(ctx context.Context, job uuid.UUID, a mailArgs) (row *ent.OneTimeToken, err error) {
	now := s.now()
	err = s.inTx(ctx, nil, func(ctx context.Context, tx *transaction) error {
		row = nil
		held, err := lockUser(ctx, tx, user.ID(a.User), user.Email(a.Address), isActive())
		if err != nil || held == nil {
			return err
		}
		own := onetimetoken.UserID(held.ID)
		secured, err := tx.OneTimeToken.Query().
			Where(own, onetimetoken.Purpose(string(token.SecureAccount)), onetimetoken.UsedAtGTE(a.When)).Exist(ctx)
		if err != nil || secured {
			return err
		}
		row, err = tx.OneTimeToken.Query().Where(onetimetoken.ID(job), own).Only(ctx)
		if ent.IsNotFound(err) {
			row, err = s.issue(ctx, tx,
				newOneTime{id: job, purpose: token.SecureAccount, user: held.ID, address: a.Address}, now)
		}
		return err
	})
	return row, err
}
