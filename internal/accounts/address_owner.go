package accounts

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/address"
	"github.com/gatehouse/gatehouse/ent/onetimetoken"
	"github.com/gatehouse/gatehouse/ent/user"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/token"
)

// takeAddress gives a folded address to an account that this transaction writes afterwards: who want the same address wait
// for each other here, holding nothing. Problem: EMAIL_TAKEN.
func takeAddress(ctx context.Context, tx *transaction, folded string, owner uuid.UUID) error {
	err := tx.Address.Create().SetID(folded).SetUserID(owner).
		OnConflictColumns(address.FieldID).DoNothing(). // and no error, whose text Ent would have to understand
		Exec(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return emailTaken()
	}
	return err
}

// ownAddress is takeAddress for an account that may have the address already: one that it can go back to. Problem:
// EMAIL_TAKEN.
func ownAddress(ctx context.Context, tx *transaction, folded string, owner uuid.UUID) error {
	err := takeAddress(ctx, tx, folded, owner)
	if !problem.Is(err, problem.EmailTaken) {
		return err
	}
	own, failed := tx.Address.Query().Where(address.ID(folded), address.UserID(owner)).Exist(ctx)
	if own || failed != nil {
		return failed
	}
	return err
}

// freeAddresses gives addresses of an account to nobody. Of the address that an account has in its row, triggers would do
// so too, but a later version has none while this one still runs.
func freeAddresses(ctx context.Context, tx *transaction, owner uuid.UUID, folded ...string) error {
	_, err := tx.Address.Delete().Where(address.IDIn(folded...), address.UserID(owner)).Exec(ctx)
	return err
}

// leaveAddresses is freeAddresses for addresses that an account had: it keeps those to which an undo of its still leads, also
// one that a trigger has freed. Call it when the account's row and its undos are as they shall be.
func leaveAddresses(ctx context.Context, tx *transaction, owner uuid.UUID, folded ...string) error {
	undos, err := tx.OneTimeToken.Query().Where(onetimetoken.UserID(owner),
		onetimetoken.Purpose(string(token.UndoEmail)), onetimetoken.AddressIn(folded...)).All(ctx)
	if err != nil {
		return err
	}
	for _, undo := range undos {
		if err := ownAddress(ctx, tx, undo.Address, owner); err != nil {
			return err
		}
		folded = slices.DeleteFunc(folded, func(address string) bool { return address == undo.Address })
	}
	return freeAddresses(ctx, tx, owner, folded...)
}

// freeAllAddresses gives the address of an account that is deleted to nobody, and those that it could go back to. It
// returns them all, with one that it was to have. It deletes the account's tokens, and those of others by which an account
// of its addresses was made or could have been made, but not of the one that it was to have: that may be another person's.
func freeAllAddresses(ctx context.Context, tx *transaction, account *ent.User) ([]string, error) {
	undos, err := tx.OneTimeToken.Query().
		Where(onetimetoken.UserID(account.ID), onetimetoken.Purpose(string(token.UndoEmail))).All(ctx)
	if err != nil {
		return nil, err
	}
	all := []string{account.Email}
	for _, row := range undos {
		all = append(all, row.Address)
	}
	makesAccount := onetimetoken.PurposeIn(string(token.Invitation), string(token.Registration))
	_, err = tx.OneTimeToken.Delete().Where(onetimetoken.Or(onetimetoken.UserID(account.ID),
		onetimetoken.And(onetimetoken.AddressIn(all...), makesAccount))).Exec(ctx)
	if err != nil {
		return nil, err
	}
	if err := freeAddresses(ctx, tx, account.ID, all...); err != nil {
		return nil, err
	}
	if account.PendingEmail != nil {
		all = append(all, *account.PendingEmail)
	}
	return all, nil
}

// userByAddress returns the account of a folded address, or nil: one statement of two look-ups by key. An address that
// an account could go back to is not its own.
func (s *Service) userByAddress(ctx context.Context, folded string) (*ent.User, error) {
	row, err := s.config.Client.User.Query().Where(func(users *entsql.Selector) {
		owner := entsql.Dialect(users.Dialect()).Select(address.FieldUserID).From(entsql.Table(address.Table)).
			Where(entsql.EQ(address.FieldID, folded))
		users.Where(entsql.EQ(users.C(user.FieldEmail), folded))
		users.Where(entsql.P(func(b *entsql.Builder) {
			b.Ident(users.C(user.FieldID)).WriteOp(entsql.OpEQ).Wrap(func(b *entsql.Builder) { b.Join(owner) })
		}))
	}).Only(ctx)
	if ent.IsNotFound(err) {
		return nil, nil
	}
	return row, err
}
