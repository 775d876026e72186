package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"time"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
	"github.com/pressly/goose/v3/lock"
)

// direct is a parameter that a connection sets when it begins. Postgres takes it; PgBouncer refuses it, and a pooler
// that drops it is seen by its absence.
//
// A pooler in transaction mode gives each transaction whichever connection to Postgres is free. What was prepared in
// one is missing in the next, or is another client's statement of the same name, which lib/pq numbers: it would run with
// the arguments of this one. So behind a pooler no statement is kept, and each goes to Postgres in one piece, which
// is what lib/pq's binary_parameters are for. In session mode that would not be needed, but the two look alike.
const direct = "gatehouse.direct"

// Connect finds out whether there is a pooler until it has met one; ?binary_parameters=yes says that there is.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	config := c.config.Clone()
	if !c.pooled.Load() {
		config.Runtime[direct] = "yes"
		conn, err := c.connect(ctx, config)
		if err == nil {
			is, err := conn.isDirect(ctx)
			if is {
				return conn, nil
			}
			if err = errors.Join(err, conn.Close()); err != nil {
				return nil, err
			}
		} else if pq.As(err, pqerror.ProtocolViolation, pqerror.FeatureNotSupported, pqerror.UndefinedObject) == nil {
			return nil, err
		}
		delete(config.Runtime, direct)
	}
	config.BinaryParameters = true
	conn, err := c.connect(ctx, config)
	if err != nil {
		return nil, err
	}
	c.pooled.Store(true)
	conn.statements = nil
	return conn, nil
}

// isDirect reads the parameter back.
func (c *connection) isDirect(ctx context.Context) (bool, error) {
	defer c.unwatch()
	rows, err := c.QueryContext(ctx, "SELECT coalesce(current_setting('"+direct+"', true), '') = 'yes'", nil)
	if err != nil {
		return false, err
	}
	row := make([]driver.Value, 1)
	err = rows.Next(row)
	return row[0] == true, errors.Join(err, rows.Close())
}

// CheckNamedValue keeps JSON a text where bytes are sent as they are, for columns of bytes.
func (c *connection) CheckNamedValue(v *driver.NamedValue) error {
	if text, is := v.Value.(json.RawMessage); is && c.statements == nil {
		v.Value = string(text)
		return nil
	}
	return c.pqConn.CheckNamedValue(v)
}

// transactionLock lets one instance at a time migrate through a pooler: goose's own lock is a connection's, and would
// be taken on one and be given back on another. It has the same number, so each waits for the other.
type transactionLock struct {
	db *sql.DB
	tx *sql.Tx // holds the lock, on a connection beside the one that migrates
}

func (l *transactionLock) SessionLock(ctx context.Context, _ *sql.Conn) error {
	deadline := time.Now().Add(lockPatience)
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
	_, err = tx.ExecContext(ctx, "SET LOCAL idle_in_transaction_session_timeout = 0")
	if err == nil {
		err = tx.QueryRowContext(ctx, "SELECT pg_try_advisory_xact_lock($1)", int64(lock.DefaultLockID)).Scan(&locked)
	}
	if err != nil || !locked {
		return false, errors.Join(err, tx.Rollback())
	}
	l.tx = tx
	return true, nil
}

func (l *transactionLock) SessionUnlock(context.Context, *sql.Conn) error { return l.tx.Rollback() }
