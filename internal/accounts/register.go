package accounts

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/user"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// Register makes an account with the role USER and signs it in. Of parallel calls with one address, one wins and the
// others get EMAIL_TAKEN: the unique index decides. Problems: BAD_USER_INPUT, EMAIL_TAKEN, RATE_LIMITED.
func (s *Service) Register(ctx context.Context, v *viewer.Viewer, in RegisterInput) (*AuthPayload, error) {
	var payload *AuthPayload
	err := s.create(ctx, in, []Role{RoleUser}, func(ctx context.Context, tx *transaction, row *ent.User, now time.Time) (err error) {
		payload, err = s.signIn(ctx, tx, row, v.Origin, now)
		return err
	})
	if err != nil {
		return nil, err
	}
	return payload, nil
}

// create makes an account and, in the same transaction, what follows it.
func (s *Service) create(ctx context.Context, in RegisterInput, roles []Role, then func(context.Context, *transaction, *ent.User, time.Time) error) error {
	now := s.now()
	address, err := foldAddress(in.Email)
	if err != nil {
		return err
	}
	name, err := cleanName(in.Name)
	if err != nil {
		return err
	}
	if err := checkPassword("password", in.Password, address); err != nil {
		return err
	}
	hash, err := s.hash(ctx, in.Password)
	if err != nil {
		return err
	}
	id, err := s.config.NewID()
	if err != nil {
		return err
	}
	return s.inTx(ctx, func(ctx context.Context, tx *transaction) error {
		err := tx.User.Create().
			SetID(id).SetEmail(address).SetNillableName(name).SetPasswordHash(hash).
			SetRoles(roleNames(roles...)).SetStatus(string(StatusActive)).
			SetCreatedAt(now).SetUpdatedAt(now).
			OnConflictColumns(user.FieldEmail).DoNothing(). // and no error, whose text Ent would have to understand
			Exec(ctx)
		if errors.Is(err, sql.ErrNoRows) {
			return problem.New(problem.EmailTaken, "There is an account with this e-mail address; log in instead.")
		}
		if err != nil {
			return err
		}
		row, err := tx.User.Get(ctx, id)
		if err != nil {
			return err
		}
		tx.note(Event{Kind: AccountMade, UserID: id})
		return then(ctx, tx, row, now)
	})
}
