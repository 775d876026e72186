package accounts

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/accesstoken"
	"github.com/gatehouse/gatehouse/ent/onetimetoken"
	"github.com/gatehouse/gatehouse/ent/session"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// SetRolesInput is GraphQL's input of that name.
type SetRolesInput struct {
	UserID               uuid.UUID
	Roles                []Role
	AllowUnverifiedEmail bool // give ADMIN although who has the password has not shown that the address is theirs
}

// SetRolesPayload is GraphQL's type of that name.
type SetRolesPayload struct{ User *User }

// SetRoles gives a user exactly these roles: for the user's writes immediately, for reads within 100 ms. Every account has
// USER. ADMIN is refused to a password whose holder has not shown that they read the mail of the address, unless the input
// allows it: another person may have registered the account. Then its sessions end, because that person may have begun
// them; the caller vouches only for who has the password. Problems: BAD_USER_INPUT, NOT_FOUND, LAST_ADMIN, FORBIDDEN,
// UNAUTHENTICATED.
func (s *Service) SetRoles(ctx context.Context, v *viewer.Viewer, in SetRolesInput) (*SetRolesPayload, error) {
	now := s.now()
	var payload *SetRolesPayload
	err := s.administer(ctx, v, now, in.UserID, func(ctx context.Context, tx *transaction, before *ent.User) error {
		unproved, err := makesUnprovedAdmin(ctx, tx, before, in, now)
		if err := errors.Join(err, checkRoles(in.Roles), checkVouched(in, unproved)); err != nil {
			return err
		}
		update := before.Update().SetRoles(roleNames(in.Roles...)).SetUpdatedAt(now)
		if unproved {
			update.AddCredentialGeneration(1)
		}
		row, err := update.Save(ctx)
		if err != nil {
			return err
		}
		if err := s.recordRoles(ctx, tx, row, before, now); err != nil {
			return err
		}
		payload = &SetRolesPayload{User: userOf(row)}
		if isAdmin(before) && !isAdmin(row) {
			if err := tx.expireTokens(ctx, row.ID, now, token.Invitation); err != nil {
				return err
			}
		}
		if unproved {
			payload.User.PendingEmail = nil
			err := tx.expireTokens(ctx, row.ID, now, token.UndoEmail)
			err = errors.Join(err, tx.cancelPending(ctx, now, onetimetoken.UserID(row.ID)))
			err = errors.Join(err, s.revokeSessions(ctx, tx, now, session.UserID(row.ID)))
			if err := errors.Join(err, s.revokeTokens(ctx, tx, now, accesstoken.UserID(row.ID))); err != nil {
				return err
			}
		}
		return keepAnAdministrator(ctx, tx, before)
	})
	if err != nil {
		return nil, err
	}
	return payload, nil
}

// checkRoles refuses roles that no account has.
func checkRoles(roles []Role) error {
	if !slices.Contains(roles, RoleUser) {
		return problem.BadInput("roles", problem.Required,
			"Every account has the role USER; suspend an account that should not be used.")
	}
	if slices.ContainsFunc(roles, func(r Role) bool { return r != RoleUser && r != RoleAdmin }) {
		return problem.BadInput("roles", problem.Malformed, "The roles are USER and ADMIN.")
	}
	return nil
}

// makesUnprovedAdmin reports whether an account becomes an administrator's whose password another person may have chosen
// than the owner of its address, or which the owner of a former address can still take back.
func makesUnprovedAdmin(
	ctx context.Context, tx *transaction, row *ent.User, in SetRolesInput, now time.Time,
) (bool, error) {
	if isAdmin(row) || !slices.Contains(in.Roles, RoleAdmin) {
		return false, nil
	}
	if !hasProvedEmail(row) {
		return true, nil
	}
	return tx.OneTimeToken.Query().Where(onetimetoken.UserID(row.ID), onetimetoken.Purpose(string(token.UndoEmail)),
		onetimetoken.UsedAtIsNil(), onetimetoken.ExpiresAtGT(now)).Exist(ctx)
}

// checkVouched refuses an unproved administrator for whom the caller does not vouch.
func checkVouched(in SetRolesInput, unproved bool) error {
	if !unproved || in.AllowUnverifiedEmail {
		return nil
	}
	return problem.BadInput("allowUnverifiedEmail", problem.Required,
		"Who has this account's password has not shown that they read the mail of its address, or the owner of a former "+
			"address can still take it back: so it may be another person's. Its owner shows it by choosing a new password by "+
			"mail (requestPasswordReset). If you know that the account is theirs whom you mean, set allowUnverifiedEmail.")
}
