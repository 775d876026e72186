package accounts

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/accesstoken"
	"github.com/gatehouse/gatehouse/ent/onetimetoken"
	"github.com/gatehouse/gatehouse/ent/session"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// SuspendUserPayload is GraphQL's type of that name.
type SuspendUserPayload struct{ User *User }

// ReinstateUserPayload is GraphQL's type of that name.
type ReinstateUserPayload struct{ User *User }

// SuspendUser suspends an account and revokes its sessions. A suspended account stays suspended. Problems: NOT_FOUND,
// LAST_ADMIN, FORBIDDEN (also for a deleted account), UNAUTHENTICATED.
func (s *Service) SuspendUser(ctx context.Context, v *viewer.Viewer, id uuid.UUID) (*SuspendUserPayload, error) {
	row, err := s.setStatus(ctx, v, id, StatusSuspended)
	if err != nil {
		return nil, err
	}
	return &SuspendUserPayload{User: row}, nil
}

// ReinstateUser makes a suspended account active, or one that is deleted and not erased; its sessions stay revoked.
// Problems: NOT_FOUND, FORBIDDEN, UNAUTHENTICATED.
func (s *Service) ReinstateUser(ctx context.Context, v *viewer.Viewer, id uuid.UUID) (*ReinstateUserPayload, error) {
	row, err := s.setStatus(ctx, v, id, StatusActive)
	if err != nil {
		return nil, err
	}
	return &ReinstateUserPayload{User: row}, nil
}

var statusEvents = map[UserStatus]EventKind{StatusActive: AccountReinstated, StatusSuspended: AccountSuspended}

func (s *Service) setStatus(ctx context.Context, v *viewer.Viewer, id uuid.UUID, status UserStatus) (*User, error) {
	now := s.now()
	var changed *User
	err := s.administer(ctx, v, now, id, func(ctx context.Context, tx *transaction, before *ent.User) (err error) {
		row := before
		switch {
		case row.Status == string(status):
		case row.Status == string(StatusDeleted) && status == StatusSuspended:
			return notActive(row, now)
		case row.Status == string(StatusDeleted):
			row, err = tx.restore(ctx, row, uuid.Nil, now)
		default:
			row, err = row.Update().SetStatus(string(status)).SetUpdatedAt(now).AddCredentialGeneration(1).Save(ctx)
			tx.emit(Event{Kind: statusEvents[status], UserID: id})
		}
		if err != nil {
			return err
		}
		changed = userOf(row)
		if status == StatusActive {
			return nil
		}
		changed.PendingEmail = nil
		err = errors.Join(tx.cancelPending(ctx, now, onetimetoken.UserID(id)),
			tx.expireTokens(ctx, id, now, token.Invitation))
		if err != nil {
			return err
		}
		if err := s.revokeSessions(ctx, tx, now, session.UserID(id)); err != nil {
			return err
		}
		if err := s.revokeTokens(ctx, tx, now, accesstoken.UserID(id)); err != nil {
			return err
		}
		return keepAnAdministrator(ctx, tx, before)
	})
	if err != nil {
		return nil, err
	}
	return changed, nil
}
