package accounts

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"entgo.io/ent/dialect/sql/sqljson"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/predicate"
	"github.com/gatehouse/gatehouse/ent/setting"
	"github.com/gatehouse/gatehouse/ent/user"
	"github.com/gatehouse/gatehouse/internal/problem"
)

// administratorsLock is the setting whose row is locked by a transaction that may take away an administrator.
const administratorsLock = "administrators_lock"

func isAdmin(row *ent.User) bool { return slices.Contains(row.Roles, string(RoleAdmin)) }

// errNeedsLock ends a transaction that met an administrator without holding the lock. It runs again and takes it.
var errNeedsLock = errors.New("accounts: an administrator is changed without the lock of administrators")

// inAdministratorsTx is inTx for what may take an administrator away, which f says by keepAnAdministrator. With lock it
// takes the lock of administrators; without, and when f meets an administrator after all, it runs again and takes it.
// So nobody else's change waits for that lock.
func (s *Service) inAdministratorsTx(ctx context.Context, caller []string, lock bool, f txFunc) error {
	err := s.inTx(ctx, caller, func(ctx context.Context, tx *transaction) error {
		if lock {
			if err := lockAdministrators(ctx, tx); err != nil {
				return err
			}
		}
		return f(ctx, tx)
	})
	if !lock && errors.Is(err, errNeedsLock) {
		return s.inAdministratorsTx(ctx, caller, true, f)
	}
	return err
}

// lockAdministrators serializes the transactions that may take an administrator away, so that two of them cannot remove
// each other's. Take it before any other row.
func lockAdministrators(ctx context.Context, tx *transaction) error {
	err := tx.Setting.Create().SetID(administratorsLock).SetValue([]byte{}).
		OnConflictColumns(setting.FieldID).DoNothing().
		Exec(ctx)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	tx.administratorsLocked = true
	return tx.Setting.UpdateOneID(administratorsLock).SetValue([]byte{}).Exec(ctx)
}

// keepAnAdministrator refuses a change of an account that has left no active administrator. Call it in
// inAdministratorsTx, after the change, with the account as it was when its row was locked. Problem: LAST_ADMIN.
func keepAnAdministrator(ctx context.Context, tx *transaction, before *ent.User) error {
	if !isAdmin(before) {
		return nil
	}
	if !tx.administratorsLocked {
		return errNeedsLock
	}
	left, err := tx.User.Query().Where(isActive(), hasRole(RoleAdmin)).Exist(ctx)
	if err != nil {
		return err
	}
	if !left {
		return problem.New(problem.LastAdmin, "This would leave no active administrator; make another one first.")
	}
	return nil
}

// hasRole matches accounts with a role. That of administrators is written as the index on them has it.
func hasRole(role Role) predicate.User {
	return func(s *entsql.Selector) {
		if role == RoleAdmin {
			s.Where(entsql.ExprP(`CAST(roles AS text) LIKE '%"ADMIN"%'`))
			return
		}
		s.Where(sqljson.ValueContains(user.FieldRoles, string(role)))
	}
}

// hasStatus matches accounts of a status. Those that are rare are written as the indexes on them have it.
func hasStatus(status UserStatus) predicate.User {
	if status == StatusSuspended || status == StatusDeleted {
		return func(s *entsql.Selector) { s.Where(entsql.ExprP("status = '" + string(status) + "'")) }
	}
	return user.Status(string(status))
}
