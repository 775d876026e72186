package accounts

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/accesstoken"
	"github.com/gatehouse/gatehouse/ent/session"
	"github.com/gatehouse/gatehouse/ent/user"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/token"
)

// newestSessions is how many sessions an AccountSummary has at most.
const newestSessions = 3

// AccountSummary is what tells an operator whose account it is.
type AccountSummary struct {
	User     *User
	Factors  []FactorKind
	Sessions []*Session // the latest use first; those that have ended are among them
}

// AccountByEmail returns the account of an address in any spelling that Login accepts. Problems: BAD_USER_INPUT,
// NOT_FOUND.
func (s *Service) AccountByEmail(ctx context.Context, address string) (*AccountSummary, error) {
	folded, err := lookupAddress(address)
	if err != nil {
		return nil, err
	}
	row, err := s.userByAddress(ctx, folded)
	if err != nil {
		return nil, err
	}
	if row == nil {
		return nil, problem.New(problem.NotFound, "There is no account with this e-mail address.")
	}
	rows, err := s.config.Client.Session.Query().Where(session.UserID(row.ID)).
		Order(ent.Desc(session.FieldLastUsedAt), ent.Desc(session.FieldID)).Limit(newestSessions).All(ctx)
	if err != nil {
		return nil, err
	}
	summary := &AccountSummary{User: userOf(row)}
	if summary.Factors, err = secondFactors(ctx, s.config.Client, row); err != nil {
		return nil, err
	}
	for _, row := range rows {
		summary.Sessions = append(summary.Sessions, sessionOf(row, uuid.Nil))
	}
	return summary, nil
}

// ResetAccount gives an account that AccountByEmail returned a new password. The operator names the account by its
// address, and another person may have registered that address: so nothing that opened the account before opens it any
// more. Its sessions and personal access tokens end, and its devices become unknown. Its second factors stay, for which a sign-in asks as before,
// unless they are to go too: their owner has lost them. Problems: BAD_USER_INPUT; NOT_FOUND when the account
// has gone since; FORBIDDEN for a suspended account, which no password opens.
func (s *Service) ResetAccount(ctx context.Context, account *User, password string, factors bool) (*User, error) {
	return s.resetAccount(ctx, account, accountReset{password: password, factors: factors})
}

// Promote is ResetAccount that also gives the role ADMIN. The second factors go: who chose them may be another person.
func (s *Service) Promote(ctx context.Context, account *User, password string) (*User, error) {
	return s.resetAccount(ctx, account, accountReset{password: password, factors: true, add: []Role{RoleAdmin}})
}

// accountReset is what an operator does to an account.
type accountReset struct {
	password string
	factors  bool // they are removed
	add      []Role
}

func (s *Service) resetAccount(ctx context.Context, account *User, r accountReset) (*User, error) {
	now := s.now()
	if err := checkPassword("password", r.password, account.Email); err != nil {
		return nil, err
	}
	hash, err := s.hash(ctx, nil, r.password)
	if err != nil {
		return nil, err
	}
	var reset *User
	err = s.inTx(ctx, nil, func(ctx context.Context, tx *transaction) error {
		if err := lockAdministrators(ctx, tx); err != nil {
			return err
		}
		row, err := setPassword(ctx, tx, account, hash, now)
		if err != nil {
			return err
		}
		if row, err = s.addRoles(ctx, tx, row, r.add, now); err != nil {
			return err
		}
		if err := s.revokeSessions(ctx, tx, now, session.UserID(row.ID)); err != nil {
			return err
		}
		if err := s.revokeTokens(ctx, tx, now, accesstoken.UserID(row.ID)); err != nil {
			return err
		}
		tx.emit(Event{Kind: PasswordChanged, UserID: row.ID})
		if r.factors {
			if err := tx.removeFactors(ctx, row, now); err != nil {
				return err
			}
		}
		reset = userOf(row)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return reset, nil
}

// setPassword locks the account as the operator saw it: since then another may have got its address. Problems:
// NOT_FOUND, FORBIDDEN.
func setPassword(ctx context.Context, tx *transaction, account *User, hash string, now time.Time) (*ent.User, error) {
	n, err := tx.User.Update().Where(user.ID(account.ID), user.Email(account.Email)).
		SetPasswordHash(hash).AddCredentialGeneration(1).ClearPendingEmail().SetUpdatedAt(now).Save(ctx)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, problem.New(problem.NotFound, "The account has gone meanwhile.")
	}
	err = tx.expireTokens(ctx, account.ID, now, append(pendingPurposes(), token.VerifyEmail, token.ResetAccess,
		token.UndoEmail, token.Invitation, token.SecureAccount)...)
	if err != nil {
		return nil, err
	}
	row, err := lockUser(ctx, tx, user.ID(account.ID))
	if err == nil && row.Status != string(StatusActive) {
		return nil, notActive(row, now)
	}
	return row, err
}

// notActive says why a password does not open an account.
func notActive(row *ent.User, now time.Time) *problem.Problem {
	message := "The account is suspended; an administrator has to reinstate it first."
	switch {
	case isRestorable(row, now):
		message = "The account is deleted; its owner can sign in again, or an administrator reinstate it."
	case row.Status == string(StatusDeleted):
		message = "The account is deleted; an administrator has to reinstate it first."
	}
	return problem.New(problem.Forbidden, message)
}

// addRoles gives an account roles that it may have already.
func (s *Service) addRoles(
	ctx context.Context, tx *transaction, row *ent.User, add []Role, now time.Time,
) (*ent.User, error) {
	roles := roleNames(append(userOf(row).Roles, add...)...)
	if slices.Equal(roles, row.Roles) {
		return row, nil
	}
	changed, err := row.Update().SetRoles(roles).Save(ctx)
	if err != nil {
		return nil, err
	}
	return changed, s.recordRoles(ctx, tx, changed, row, now)
}
