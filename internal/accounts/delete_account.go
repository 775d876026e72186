package accounts

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/session"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// DeleteAccountPayload is GraphQL's type of that name.
type DeleteAccountPayload struct{ Success bool }

// DeleteUserPayload is GraphQL's type of that name.
type DeleteUserPayload struct{ Success bool }

// DeleteAccount deletes the caller's account and its sessions; its address is free. Its id is never reused. Problems: LAST_ADMIN,
// UNAUTHENTICATED.
func (s *Service) DeleteAccount(ctx context.Context, v *viewer.Viewer) (*DeleteAccountPayload, error) {
	now := s.now()
	lock := v.HasRole(string(RoleAdmin))
	err := s.inAdministratorsTx(ctx, v.Caller(), lock, func(ctx context.Context, tx *transaction) error {
		row, err := s.lockCaller(ctx, tx, v, now)
		if err != nil {
			return err
		}
		return s.deleteHeld(ctx, tx, row, now)
	})
	if err != nil {
		return nil, err
	}
	return &DeleteAccountPayload{Success: true}, nil
}

// DeleteUser is DeleteAccount by an administrator. Problems: NOT_FOUND, LAST_ADMIN, FORBIDDEN, UNAUTHENTICATED.
func (s *Service) DeleteUser(ctx context.Context, v *viewer.Viewer, id uuid.UUID) (*DeleteUserPayload, error) {
	now := s.now()
	err := s.administer(ctx, v, now, id, func(ctx context.Context, tx *transaction, target *ent.User) error {
		return s.deleteHeld(ctx, tx, target, now)
	})
	if err != nil {
		return nil, err
	}
	return &DeleteUserPayload{Success: true}, nil
}

// deleteHeld deletes an account that the transaction holds. Problem: LAST_ADMIN.
func (s *Service) deleteHeld(ctx context.Context, tx *transaction, row *ent.User, now time.Time) error {
	if err := s.revokeSessions(ctx, tx, now, session.UserID(row.ID)); err != nil { // the record outlives the rows
		return err
	}
	if err := s.remove(ctx, tx, row, now); err != nil {
		return err
	}
	tx.emit(Event{Kind: AccountDeleted, UserID: row.ID})
	return keepAnAdministrator(ctx, tx, row)
}
