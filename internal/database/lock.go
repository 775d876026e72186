package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/gofrs/flock"
	"github.com/pressly/goose/v3/lock"
)

// lockTimeout bounds the wait for another instance that is migrating: as long as that one may wait for a table, and five
// minutes for the work itself.
const lockTimeout = maxTableWait + 5*time.Minute

// locker is a lock of the one instance that migrates. After release nothing holds it.
type locker interface {
	lock.SessionLocker
	release() error
}

// fileLock lets one instance at a time migrate a SQLite file, and switches foreign keys off on the connection that
// migrates. goose hands SessionLock the very connection on which it then runs the migrations.
//
// Foreign keys must be off because SQLite alters a table by building it again, and DROP TABLE deletes the old rows
// first: with foreign keys on, ON DELETE CASCADE empties every table that refers to it, without an error. The PRAGMA
// does nothing inside a transaction, so the one that Atlas writes into a migration comes too late.
//
// The lock's file stays: removing it would let a third instance lock a new file while a second holds the old one.
type fileLock struct{ flock *flock.Flock }

func newFileLock(path string) fileLock { return fileLock{flock.New(path)} }

func (l fileLock) SessionLock(ctx context.Context, conn *sql.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	if _, err := l.flock.TryLockContext(ctx, 20*time.Millisecond); err != nil {
		return fmt.Errorf("wait for %s, which another instance holds while it migrates: %w", l.flock.Path(), err)
	}
	if err := setForeignKeys(ctx, conn, false); err != nil {
		return errors.Join(err, l.SessionUnlock(context.WithoutCancel(ctx), conn))
	}
	return nil
}

func (l fileLock) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	err := setForeignKeys(ctx, conn, true)
	if err != nil { // such a connection must not go back to the pool
		conn.Raw(func(any) error { return driver.ErrBadConn })
	}
	return errors.Join(err, l.flock.Unlock())
}

func (l fileLock) release() error { return nil } // SessionUnlock has done so

// setForeignKeys reads the setting back, since SQLite says nothing when it ignores a PRAGMA.
func setForeignKeys(ctx context.Context, conn *sql.Conn, on bool) error {
	if _, err := conn.ExecContext(ctx, fmt.Sprintf("PRAGMA foreign_keys = %t", on)); err != nil {
		return fmt.Errorf("set foreign_keys to %t: %w", on, err)
	}
	var is bool
	if err := conn.QueryRowContext(ctx, "PRAGMA foreign_keys").Scan(&is); err != nil {
		return fmt.Errorf("read foreign_keys: %w", err)
	}
	if is != on {
		return fmt.Errorf("SQLite left foreign_keys at %t", is)
	}
	return nil
}

// transactionLock lets one instance at a time migrate. goose's own lock belongs to a connection: behind PgBouncer in
// transaction mode it would be taken on one connection and be released on another. This one has the same number, so
// instances of older versions wait for it. It asks once a second instead of waiting inside Postgres: CREATE INDEX
// CONCURRENTLY of the instance that migrates would wait for the instances that wait for the lock.
//
// It is held from the first use to release: an instance that tries a migration again keeps its turn.
type transactionLock struct {
	db *sql.DB
	tx *sql.Tx // holds the lock, on a connection beside the one that migrates; nil: it is not held
}

// keepOpenSQL lets a transaction wait as long as it must.
const keepOpenSQL = "SET LOCAL idle_in_transaction_session_timeout = 0"

func (l *transactionLock) SessionLock(ctx context.Context, _ *sql.Conn) error {
	if l.tx != nil {
		if _, err := l.tx.ExecContext(ctx, keepOpenSQL); err == nil {
			return nil
		}
		l.release() // its connection is lost, and the lock with it
	}
	deadline := time.Now().Add(lockTimeout)
	for {
		locked, err := l.try(ctx)
		if err != nil || locked {
			return err
		}
		if time.Now().After(deadline) {
			return errors.New("another instance has been migrating for too long")
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

func (l *transactionLock) try(ctx context.Context) (locked bool, err error) {
	tx, err := l.db.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	err = tx.QueryRowContext(ctx, "SELECT pg_try_advisory_xact_lock($1)", int64(lock.DefaultLockID)).Scan(&locked)
	if err == nil {
		// It comes second: a query that was the last one keeps its snapshot, and CREATE INDEX CONCURRENTLY waits for it.
		_, err = tx.ExecContext(ctx, keepOpenSQL)
	}
	if err != nil || !locked {
		return false, errors.Join(err, tx.Rollback())
	}
	l.tx = tx
	return true, nil
}

func (l *transactionLock) SessionUnlock(context.Context, *sql.Conn) error { return nil }

func (l *transactionLock) release() error {
	if l.tx == nil {
		return nil
	}
	tx := l.tx
	l.tx = nil
	return tx.Rollback()
}
