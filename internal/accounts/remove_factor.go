package accounts

import (
	"context"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/passkey"
	"github.com/gatehouse/gatehouse/ent/recoverycode"
	"github.com/gatehouse/gatehouse/ent/totpfactor"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// RemoveFactorPayload is GraphQL's type of that name.
type RemoveFactorPayload struct{ Success bool }

// RemoveFactor takes a factor away from the caller's account, in a session that has proved a second factor. With the last
// one the recovery codes go, and not before. Problems: NOT_FOUND, REAUTHENTICATION_REQUIRED, UNAUTHENTICATED.
func (s *Service) RemoveFactor(ctx context.Context, v *viewer.Viewer, id uuid.UUID) (*RemoveFactorPayload, error) {
	now := s.now()
	err := s.write(ctx, v, now, func(ctx context.Context, tx *transaction, caller *ent.User) error {
		if _, err := needFactor(ctx, tx, v, caller); err != nil {
			return err
		}
		removed, err := tx.removeFactor(ctx, caller, id)
		if err != nil {
			return err
		}
		left, err := secondFactors(ctx, tx.Client(), caller)
		if err != nil {
			return err
		}
		if len(left) == 0 {
			if _, err := tx.RecoveryCode.Delete().Where(recoverycode.UserID(caller.ID)).Exec(ctx); err != nil {
				return err
			}
		}
		tx.emit(Event{Kind: FactorRemoved, UserID: caller.ID, SessionID: v.SessionID, Factor: removed})
		return tx.factorsChanged(ctx, caller, now)
	})
	if err != nil {
		return nil, err
	}
	return &RemoveFactorPayload{Success: true}, nil
}

// removeFactor deletes one factor of an account. Problem: NOT_FOUND.
func (tx *transaction) removeFactor(ctx context.Context, caller *ent.User, id uuid.UUID) (FactorKind, error) {
	n, err := tx.TotpFactor.Delete().
		Where(totpfactor.ID(id), totpfactor.UserID(caller.ID), totpfactor.Confirmed(true)).Exec(ctx)
	if err != nil || n == 1 {
		return FactorTotp, err
	}
	n, err = tx.Passkey.Delete().Where(passkey.ID(id), passkey.UserID(caller.ID)).Exec(ctx)
	if err != nil || n == 1 {
		return FactorPasskey, err
	}
	return "", problem.New(problem.NotFound, "There is no such factor.")
}
