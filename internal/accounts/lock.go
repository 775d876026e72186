package accounts

import (
	"context"
	"time"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/predicate"
	"github.com/gatehouse/gatehouse/ent/user"
)

// lockUser reads the account that all conditions match, and holds its row until the transaction ends. It returns nil
// when there is none. Conditions are asked again after waiting for another transaction. Holding the row rewrites
// neither it nor its indexes.
func lockUser(ctx context.Context, tx *transaction, conditions ...predicate.User) (*ent.User, error) {
	row, err := tx.User.Query().Where(conditions...).Where(forUpdate).Only(ctx)
	if ent.IsNotFound(err) {
		return nil, nil
	}
	if err == nil {
		tx.hold(row)
	}
	return row, err
}

// forUpdate locks what a query finds as an UPDATE would. On SQLite the transaction is the only one that writes.
func forUpdate(s *sql.Selector) {
	if s.Dialect() == dialect.Postgres {
		s.For(sql.LockUpdate, sql.WithLockClause("FOR NO KEY UPDATE"))
	}
}

// isActive matches accounts that may be used.
func isActive() predicate.User { return user.Status(string(StatusActive)) }

// mayReturn matches accounts that may sign in: those that may be used, and those that their owners have deleted and can
// have again, which signIn gives back.
func mayReturn(now time.Time) predicate.User {
	return user.Or(isActive(),
		user.And(user.Status(string(StatusDeleted)), user.Restorable(true), user.EraseAtGT(now)))
}

// isOpen reports whether mayReturn matches an account.
func isOpen(row *ent.User, now time.Time) bool {
	return row.Status == string(StatusActive) || isRestorable(row, now)
}

// isRestorable reports whether the owner of a deleted account can have it again.
func isRestorable(row *ent.User, now time.Time) bool {
	return row.Status == string(StatusDeleted) && row.Restorable != nil && *row.Restorable &&
		row.EraseAt != nil && row.EraseAt.After(now)
}
