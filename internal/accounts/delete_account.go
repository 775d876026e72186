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

// DeleteAccountPayload is GraphQL's type of that name.
type DeleteAccountPayload struct{ Success bool }

// DeleteUserPayload is GraphQL's type of that name.
type DeleteUserPayload struct{ Success bool }

// DeleteAccount ends the sessions of the caller's account, which nobody can use any more. For Config.DeletionGrace it
// keeps its address, and a sign-in takes the deletion back; then it is erased. Its id is never reused. Problems:
// LAST_ADMIN, UNAUTHENTICATED.
func (s *Service) DeleteAccount(ctx context.Context, v *viewer.Viewer) (*DeleteAccountPayload, error) {
	now := s.now()
	lock := v.HasRole(string(RoleAdmin))
	err := s.inAdministratorsTx(ctx, v.Caller(), lock, func(ctx context.Context, tx *transaction) error {
		row, err := s.lockCaller(ctx, tx, v, now)
		if err != nil {
			return err
		}
		return s.deleteHeld(ctx, tx, row, true, now)
	})
	if err != nil {
		return nil, err
	}
	return &DeleteAccountPayload{Success: true}, nil
}

// DeleteUser is DeleteAccount by an administrator, which only an administrator takes back. Problems: NOT_FOUND,
// LAST_ADMIN, FORBIDDEN, UNAUTHENTICATED.
func (s *Service) DeleteUser(ctx context.Context, v *viewer.Viewer, id uuid.UUID) (*DeleteUserPayload, error) {
	now := s.now()
	err := s.administer(ctx, v, now, id, func(ctx context.Context, tx *transaction, target *ent.User) error {
		return s.deleteHeld(ctx, tx, target, false, now)
	})
	if err != nil {
		return nil, err
	}
	return &DeleteUserPayload{Success: true}, nil
}

// deleteHeld deletes an account that the transaction holds. One that is deleted already is erased no later than before.
// Problem: LAST_ADMIN.
func (s *Service) deleteHeld(ctx context.Context, tx *transaction, row *ent.User, byOwner bool, now time.Time) error {
	if err := s.revokeSessions(ctx, tx, now, session.UserID(row.ID)); err != nil { // the record outlives the rows
		return err
	}
	if err := s.revokeTokens(ctx, tx, now, accesstoken.UserID(row.ID)); err != nil {
		return err
	}
	e := Event{Kind: AccountDeleted, UserID: row.ID}
	if s.config.DeletionGrace <= 0 {
		if err := s.remove(ctx, tx, row, now); err != nil {
			return err
		}
	} else {
		err := errors.Join(tx.cancelPending(ctx, now, onetimetoken.UserID(row.ID)),
			tx.expireTokens(ctx, row.ID, now, token.Invitation))
		if err != nil {
			return err
		}
		eraseAt := now.Add(s.config.DeletionGrace)
		if row.Status == string(StatusDeleted) && row.EraseAt != nil && row.EraseAt.Before(eraseAt) {
			eraseAt = row.EraseAt.UTC()
		}
		err = tx.User.Update().Where(user.ID(row.ID)).SetStatus(string(StatusDeleted)).SetEraseAt(eraseAt).
			SetRestorable(byOwner).SetUpdatedAt(now).AddCredentialGeneration(1).Exec(ctx)
		if err != nil {
			return err
		}
		if byOwner {
			e.EraseAt = eraseAt
		}
	}
	tx.emit(e)
	return keepAnAdministrator(ctx, tx, row)
}

// restore makes an account that is deleted active again, for a session that begins, or uuid.Nil. Others it returns as
// they are.
func (tx *transaction) restore(ctx context.Context, row *ent.User, session uuid.UUID, now time.Time) (*ent.User, error) {
	if row.Status != string(StatusDeleted) {
		return row, nil
	}
	tx.emit(Event{Kind: AccountRestored, UserID: row.ID, SessionID: session})
	return row.Update().SetStatus(string(StatusActive)).ClearEraseAt().ClearRestorable().SetUpdatedAt(now).Save(ctx)
}
