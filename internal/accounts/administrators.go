package accounts

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"entgo.io/ent/dialect/sql/sqljson"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/setting"
	"github.com/gatehouse/gatehouse/ent/user"
	"github.com/gatehouse/gatehouse/internal/problem"
)

// administratorsLock is the setting whose row is locked by a transaction that may make or take away an administrator.
const administratorsLock = "administrators_lock"

func isAdmin(row *ent.User) bool { return slices.Contains(row.Roles, string(RoleAdmin)) }

// lockAdministrators serializes the transactions that may make an administrator or take one away, so that two of them
// cannot remove each other's. Take it before any other row.
func lockAdministrators(ctx context.Context, tx *transaction) error {
	err := tx.Setting.Create().SetID(administratorsLock).SetValue([]byte{}).
		OnConflictColumns(setting.FieldID).DoNothing().
		Exec(ctx)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	return tx.Setting.UpdateOneID(administratorsLock).SetValue([]byte{}).Exec(ctx)
}

// keepAnAdministrator refuses a change that has left no active administrator. Call it under lockAdministrators, after
// the change. Problem: LAST_ADMIN.
func keepAnAdministrator(ctx context.Context, tx *transaction) error {
	left, err := tx.User.Query().Where(isActive(), hasRole(RoleAdmin)).Exist(ctx)
	if err != nil {
		return err
	}
	if !left {
		return problem.New(problem.LastAdmin, "This would leave no active administrator; make another one first.")
	}
	return nil
}

func hasRole(role Role) func(*entsql.Selector) {
	return func(s *entsql.Selector) { s.Where(sqljson.ValueContains(user.FieldRoles, string(role))) }
}
