package accounts

import (
	"context"
	"database/sql"
	"errors"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/address"
	"github.com/gatehouse/gatehouse/ent/user"
	"github.com/gatehouse/gatehouse/internal/problem"
)

// takeAddress gives a folded address to an account that this transaction writes afterwards: who want the same address wait
// for each other here, holding nothing. Problem: EMAIL_TAKEN.
func takeAddress(ctx context.Context, tx *transaction, folded string, owner uuid.UUID) error {
	err := tx.Address.Create().SetID(folded).SetUserID(owner).
		OnConflictColumns(address.FieldID).DoNothing(). // and no error, whose text Ent would have to understand
		Exec(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return problem.New(problem.EmailTaken, "There is an account with this e-mail address; log in instead.")
	}
	return err
}

// freeAddress gives the address of an account that is deleted to nobody. Triggers would do so too, but a later version has
// none while this one still runs.
func freeAddress(ctx context.Context, tx *transaction, account *ent.User) error {
	_, err := tx.Address.Delete().Where(address.ID(account.Email), address.UserID(account.ID)).Exec(ctx)
	return err
}

// userByAddress returns the account of a folded address, or nil: one statement of two look-ups by key.
func (s *Service) userByAddress(ctx context.Context, folded string) (*ent.User, error) {
	row, err := s.config.Client.User.Query().Where(func(users *entsql.Selector) {
		owner := entsql.Dialect(users.Dialect()).Select(address.FieldUserID).From(entsql.Table(address.Table)).
			Where(entsql.EQ(address.FieldID, folded))
		users.Where(entsql.P(func(b *entsql.Builder) {
			b.Ident(users.C(user.FieldID)).WriteOp(entsql.OpEQ).Wrap(func(b *entsql.Builder) { b.Join(owner) })
		}))
	}).Only(ctx)
	if ent.IsNotFound(err) {
		return nil, nil
	}
	return row, err
}
