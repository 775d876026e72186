package accounts

import (
	"context"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/session"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// DeleteAccountPayload is GraphQL's type of that name.
type DeleteAccountPayload struct{ Success bool }

// DeleteAccount deletes the caller's account and its sessions. Its id is never reused. Problems: LAST_ADMIN,
// UNAUTHENTICATED.
func (s *Service) DeleteAccount(ctx context.Context, v *viewer.Viewer) (*DeleteAccountPayload, error) {
	now := s.now()
	err := s.writeAdministrators(ctx, v, now, func(ctx context.Context, tx *transaction, row *ent.User) error {
		if err := s.revokeSessions(ctx, tx, now, session.UserID(row.ID)); err != nil { // the record outlives the rows
			return err
		}
		if err := tx.User.DeleteOne(row).Exec(ctx); err != nil {
			return err
		}
		tx.emit(Event{Kind: AccountDeleted, UserID: row.ID})
		if !isAdmin(row) {
			return nil
		}
		return keepAnAdministrator(ctx, tx)
	})
	if err != nil {
		return nil, err
	}
	return &DeleteAccountPayload{Success: true}, nil
}
