package database

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
)

const (
	// cancelTimeout bounds a cancel request, and the wait for the answer of a cancelled statement.
	cancelTimeout = time.Second
	// statementTimeout is the timeout of statements without a deadline.
	statementTimeout = 10 * time.Second
)

// migrating marks the context of a migration, which may take as long as its tables are large. Its value is for how long a
// statement may wait for a table.
type migrating struct{}

// limitWaitsSQL begins what waits for tables for a time only. It holds for the transaction, which is also that of two
// statements in one text: a pooler may give each transaction another session.
func limitWaitsSQL(ctx context.Context) string {
	timeout, ok := ctx.Value(migrating{}).(time.Duration)
	if !ok {
		return ""
	}
	return fmt.Sprintf("SET LOCAL lock_timeout = %d; ", timeout.Milliseconds())
}

// locksTables reports whether a statement may lock a table against readers, and can be in a transaction with another one.
func locksTables(query string) bool {
	return strings.HasPrefix(query, "ALTER ") || strings.HasPrefix(query, "DO ") && !strings.Contains(query, "COMMIT;")
}

// pqConn is what lib/pq's connection can do and database/sql asks for.
type pqConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.NamedValueChecker
	driver.Pinger
	driver.QueryerContext
	driver.SessionResetter
	driver.Tx // of the connection: Postgres has one transaction at a time
	driver.Validator
}

// connection is one connection to Postgres. database/sql uses it from one goroutine at a time.
//
// A statement with arguments is one round trip and leaves nothing behind on the server: lib/pq's binary_parameters,
// which parseServer sets. By default lib/pq prepares each statement first, which is two round trips, and behind
// PgBouncer in transaction mode the second one may go to another server connection. Named prepared statements would be
// quicker still, but there lib/pq's number of a statement may be that of another client's statement.
type connection struct {
	pqConn
	socket      net.Conn
	newest      context.Context // of a statement
	endDeadline func()          // ends the deadline of the newest context; nil when there is none
	servers     *servers
	era         int // of servers, in which it was made
	history     history
	// Whether the newest commit was not waited for: see errUnreplicated.
	unreplicated bool
}

func (c *connection) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	ctx = c.setDeadline(ctx)
	rows, err := c.pqConn.QueryContext(ctx, query, args)
	return rows, c.noteReadOnly(err)
}

func (c *connection) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	ctx = c.setDeadline(ctx)
	if locksTables(query) { // also in a migration without a transaction
		query = limitWaitsSQL(ctx) + query
	}
	result, err := c.pqConn.ExecContext(ctx, query, args)
	return result, c.noteReadOnly(err)
}

// beginSQL begins a transaction whose commit waits for the disk, and for the synchronous standbys if there are any, also
// where the database's owner has set that commits do not: what is answered as done must outlive a failover. A role that
// asks for more (remote_apply) keeps it. A transaction that need not wait says so itself, as the throttle's charges do.
const beginSQL = `BEGIN; SELECT set_config('synchronous_commit', 'on', true)
WHERE current_setting('synchronous_commit') IN ('off', 'local', 'remote_write'); `

// errUnreplicated means that a transaction is committed on the primary, and perhaps not on a synchronous standby.
var errUnreplicated = errors.New("the wait for the synchronous standby was cancelled, at the end of its time or by an " +
	"operator: is the standby away? A failover may lose what was written")

// BeginTx says nothing of READ WRITE unless options are given. lib/pq would add it, which overrides an operator's
// default_transaction_read_only, set for instance because the disk is nearly full.
func (c *connection) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	ctx = c.setDeadline(ctx)
	if o != (driver.TxOptions{}) {
		return c.pqConn.BeginTx(ctx, o)
	}
	if _, err := c.pqConn.ExecContext(ctx, beginSQL+limitWaitsSQL(ctx), nil); err != nil {
		return nil, err
	}
	return c, nil
}

// Commit is cancelled when the context of the statement before it ends: while the standby is away, it would otherwise
// hold rows and one of the server's connections. Postgres has then committed, as when an operator cancels it, and only
// warns: whether a failover keeps it is unknown.
func (c *connection) Commit() error {
	c.unreplicated = false
	rows, err := c.pqConn.QueryContext(c.newest, "COMMIT", nil)
	if err != nil {
		return err
	}
	done, ok := rows.(interface{ Tag() string })
	if err := rows.Close(); err != nil {
		return err
	}
	switch {
	case !ok || done.Tag() != "COMMIT":
		return pq.ErrInFailedTransaction
	case c.unreplicated:
		return errUnreplicated
	}
	return nil
}

// notice looks for the warning of a commit by the function that writes it: the text is in the server's language.
func (c *connection) notice(n *pq.Error) {
	if n.Routine == "SyncRepWaitForLSN" {
		c.unreplicated = true
	}
}

// CheckNamedValue keeps JSON a text: with binary_parameters bytes are sent as they are, for columns of bytes.
func (c *connection) CheckNamedValue(v *driver.NamedValue) error {
	if text, ok := v.Value.(json.RawMessage); ok {
		v.Value = string(text)
		return nil
	}
	return c.pqConn.CheckNamedValue(v)
}

func (c *connection) Ping(ctx context.Context) error {
	return c.pqConn.Ping(c.setDeadline(ctx))
}

// IsValid is called when a connection goes back to the pool: its statement is over. When a server has refused a write,
// all connections from before are closed. After a failover the address may lead to another server, and a session keeps
// the default_transaction_read_only that it began with.
func (c *connection) IsValid() bool {
	c.clearDeadline()
	return c.era == c.servers.currentEra() && c.pqConn.IsValid()
}

// ResetSession is called before a connection of the pool is used again.
func (c *connection) ResetSession(ctx context.Context) error {
	if c.era != c.servers.currentEra() {
		return driver.ErrBadConn
	}
	return c.pqConn.ResetSession(ctx)
}

func (c *connection) noteReadOnly(err error) error {
	if pq.As(err, pqerror.ReadOnlySQLTransaction) != nil {
		c.servers.startEra()
		c.era = -1
	}
	return err
}

// setDeadline ends the wait for a silent server. lib/pq asks the server to cancel when the context ends, and then waits
// for the answer without a bound; if the server hangs or the network lost it, that answer never comes. COMMIT and
// ROLLBACK, which have no context, are under the watch of the statement before them. A context without a deadline gets
// one.
func (c *connection) setDeadline(ctx context.Context) context.Context {
	c.clearDeadline()
	c.newest = ctx
	if ctx.Value(migrating{}) != nil {
		return ctx
	}
	cancel := func() {}
	if _, bounded := ctx.Deadline(); !bounded {
		ctx, cancel = context.WithTimeout(ctx, statementTimeout)
	}
	c.newest = ctx
	over := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		c.socket.SetDeadline(time.Now().Add(cancelTimeout))
		close(over)
	})
	c.endDeadline = func() {
		if !stop() {
			<-over
			c.socket.SetDeadline(time.Time{})
		}
		cancel()
	}
	return ctx
}

func (c *connection) clearDeadline() {
	if c.endDeadline != nil {
		c.endDeadline()
		c.endDeadline = nil
	}
}
