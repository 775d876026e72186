package database_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/dbtest"
)

// brokenConn is a connection that breaks.
type brokenConn struct {
	net.Conn
	calls *atomic.Int64 // until it does
	cause error
}

func (c brokenConn) pass(op string) error {
	if c.calls.Add(-1) >= 0 {
		return nil
	}
	if c.cause == io.EOF && op == "read" {
		return io.EOF
	}
	return &net.OpError{Op: op, Net: "tcp", Err: c.cause}
}

func (c brokenConn) Read(b []byte) (int, error) {
	if err := c.pass("read"); err != nil {
		return 0, err
	}
	return c.Conn.Read(b)
}

func (c brokenConn) Write(b []byte) (int, error) {
	if err := c.pass("write"); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

// TestUnavailable_NetworkThatBreaksAtAnyCall breaks the network in each way at each of its calls: while a connection is
// made, in a read, in a transaction and at its commit. Whatever the driver makes of it, it is told as what it is.
func TestUnavailable_NetworkThatBreaksAtAnyCall(t *testing.T) {
	url := dbtest.Postgres(t)
	for _, cause := range []error{os.ErrDeadlineExceeded, syscall.ECONNRESET, syscall.EPIPE, io.EOF} {
		broken := 0
		for whole := false; !whole; broken++ {
			var calls atomic.Int64
			calls.Store(int64(broken))
			pool := must(database.OpenPoolThrough(url, func(c net.Conn) net.Conn { return brokenConn{c, &calls, cause} }))
			for range 2 { // with a new connection, and with one of the pool
				if err := readAndWrite(t.Context(), pool); err != nil && !database.Unavailable(err) {
					t.Errorf("%v at call %d: %T %v", cause, broken, err, err)
				}
			}
			whole = calls.Load() >= 0
			pool.Close()
		}
		if broken < 20 {
			t.Errorf("%v: there are only %d calls", cause, broken)
		}
	}
}

func readAndWrite(ctx context.Context, pool *sql.DB) error {
	var n int
	if err := pool.QueryRowContext(ctx, "SELECT $1::int", 1).Scan(&n); err != nil {
		return fmt.Errorf("reading: %w", err)
	}
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("beginning: %w", err)
	}
	if _, err := tx.ExecContext(ctx, "CREATE TEMPORARY TABLE IF NOT EXISTS written (n int)"); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO written VALUES ($1)", n); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}
