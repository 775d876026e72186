package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
)

const (
	// keptStatements is far above the number of Gatehouse's statements. It bounds what a list of varying length in an
	// IN (…) can cost the server's memory.
	keptStatements = 256
	// lastWord is how long a server may take to answer that it cancelled a statement.
	lastWord = time.Second
)

// connector makes connections of lib/pq that do two things more: they keep prepared statements, and they give up on a
// silent server when the context ends.
type connector struct{ config pq.Config }

func (c connector) Driver() driver.Driver { return pq.Driver{} }

func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	made, err := pq.NewConnectorConfig(c.config)
	if err != nil {
		return nil, err
	}
	d := &dialer{}
	made.Dialer(d)
	stop := context.AfterFunc(ctx, d.giveUp) // lib/pq heeds the context only until the socket is open
	raw, err := made.Connect(ctx)
	if !stop() && err == nil {
		err = errors.Join(ctx.Err(), raw.Close())
	}
	if err != nil {
		return nil, err
	}
	whole, is := raw.(pqConn)
	if !is {
		return nil, errors.Join(fmt.Errorf("lib/pq's %T lacks a method that Gatehouse passes on", raw), raw.Close())
	}
	return &connection{pqConn: whole, socket: d.newest(), statements: map[string]statement{}}, nil
}

// dialer remembers the socket that it made. lib/pq dials with it again to cancel a statement.
type dialer struct {
	net.Dialer
	mu     sync.Mutex
	socket net.Conn
}

func (d *dialer) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return d.DialContext(ctx, network, address)
}

func (d *dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	socket, err := d.Dialer.DialContext(ctx, network, address)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.socket = socket
	return socket, err
}

func (d *dialer) newest() net.Conn {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.socket
}

func (d *dialer) giveUp() {
	if socket := d.newest(); socket != nil {
		socket.SetDeadline(time.Now())
	}
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
	driver.Validator
}

type statement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// connection is one connection to Postgres. database/sql uses it from one goroutine at a time.
//
// lib/pq makes two round trips of a statement with arguments, one to prepare it and one to run it. A connection
// prepares each text once and keeps it, inside and outside of transactions alike; what is kept ends with the
// connection, so a restarted server is never asked for a statement it does not know. Behind PgBouncer in transaction
// mode this needs PgBouncer's own prepared statements (1.21, max_prepared_statements).
type connection struct {
	pqConn
	socket     net.Conn
	statements map[string]statement
	relax      func() // ends the watch over the newest context; nil when there is none
}

func (c *connection) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.watch(ctx)
	if len(args) == 0 {
		return c.pqConn.QueryContext(ctx, query, args)
	}
	return kept(ctx, c, query, args, statement.QueryContext, c.pqConn.QueryContext)
}

func (c *connection) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.watch(ctx)
	if len(args) == 0 {
		return c.pqConn.ExecContext(ctx, query, args)
	}
	return kept(ctx, c, query, args, statement.ExecContext, c.pqConn.ExecContext)
}

func (c *connection) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	c.watch(ctx)
	return c.pqConn.BeginTx(ctx, o)
}

func (c *connection) Ping(ctx context.Context) error {
	c.watch(ctx)
	return c.pqConn.Ping(ctx)
}

// IsValid is called when a connection goes back to the pool: its statement is over.
func (c *connection) IsValid() bool {
	c.unwatch()
	return c.pqConn.IsValid()
}

// kept runs a statement that is prepared once. When a migration changed the types of its columns, or something else
// deallocated it, Postgres refuses it before it does anything, and it is run unprepared.
func kept[T any](ctx context.Context, c *connection, query string, args []driver.NamedValue,
	run func(statement, context.Context, []driver.NamedValue) (T, error),
	direct func(context.Context, string, []driver.NamedValue) (T, error)) (T, error) {
	var none T
	st, err := c.prepared(ctx, query)
	if err != nil {
		return none, err
	}
	result, err := run(st, ctx, args)
	if pq.As(err, pqerror.FeatureNotSupported, pqerror.InvalidSQLStatementName) == nil {
		return result, err
	}
	delete(c.statements, query)
	st.Close()
	again, errAgain := direct(ctx, query, args)
	if errAgain != nil {
		return none, err // inside of a transaction only the first error says why
	}
	return again, nil
}

func (c *connection) prepared(ctx context.Context, query string) (statement, error) {
	if st, is := c.statements[query]; is {
		return st, nil
	}
	made, err := c.pqConn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	st, is := made.(statement)
	if !is {
		return nil, errors.Join(fmt.Errorf("lib/pq's %T cannot be kept", made), made.Close())
	}
	if len(c.statements) >= keptStatements {
		for old, oldest := range c.statements { // any one: a full cache is the exception
			delete(c.statements, old)
			if err := oldest.Close(); err != nil {
				return nil, err
			}
			break
		}
	}
	c.statements[query] = st
	return st, nil
}

// watch ends the wait for a silent server. lib/pq asks the server to cancel when the context ends, and then waits for
// the answer without a bound; if the server hangs or the network lost it, that answer never comes.
func (c *connection) watch(ctx context.Context) {
	c.unwatch()
	if ctx.Done() == nil {
		return
	}
	over := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		c.socket.SetDeadline(time.Now().Add(lastWord))
		close(over)
	})
	c.relax = func() {
		if !stop() {
			<-over
			c.socket.SetDeadline(time.Time{})
		}
	}
}

func (c *connection) unwatch() {
	if c.relax != nil {
		c.relax()
		c.relax = nil
	}
}
