package accounts

import (
	"context"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	entpasskey "github.com/gatehouse/gatehouse/ent/passkey"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// RenameFactorPayload is GraphQL's type of that name.
type RenameFactorPayload struct{ Factor *Passkey }

// RenameFactor gives one of the caller's passkeys another name, or none. Problems: BAD_USER_INPUT, NOT_FOUND, also for a
// factor of another kind, UNAUTHENTICATED.
func (s *Service) RenameFactor(
	ctx context.Context, v *viewer.Viewer, id uuid.UUID, name *string,
) (*RenameFactorPayload, error) {
	clean, err := cleanName(name)
	if err != nil {
		return nil, err
	}
	var payload *RenameFactorPayload
	err = s.write(ctx, v, s.now(), func(ctx context.Context, tx *transaction, caller *ent.User) error {
		payload = nil
		own := tx.Passkey.Update().Where(entpasskey.ID(id), entpasskey.UserID(caller.ID))
		if own.SetNillableName(clean); clean == nil {
			own.ClearName()
		}
		n, err := own.Save(ctx)
		if err != nil {
			return err
		}
		if n == 0 {
			return problem.New(problem.NotFound, "There is no such passkey.")
		}
		row, err := tx.Passkey.Get(ctx, id)
		if err == nil {
			payload = &RenameFactorPayload{passkeyOf(row)}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return payload, nil
}
