package database

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
)

const (
	// lastWord is how long a server may take to answer that it cancelled a statement.
	lastWord = time.Second
	// statementPatience bounds a statement whose context does not. Nothing may wait for a silent server for ever.
	statementPatience = 10 * time.Second
)

// unbounded marks the context of a migration, which may take as long as its tables are large.
type unbounded struct{}

// connector makes connections of lib/pq that give up on a silent server when the context ends.
type connector struct{ config pq.Config }

func (c connector) Driver() driver.Driver { return pq.Driver{} }

func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	config := c.config.Clone()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if end, bounded := ctx.Deadline(); bounded { // lib/pq sets a deadline of its own, later than giveUp
		config.ConnectTimeout = min(config.ConnectTimeout, max(time.Millisecond, time.Until(end)))
	}
	made, err := pq.NewConnectorConfig(config)
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
	return &connection{pqConn: whole, socket: d.done()}, nil
}

// dialer remembers the socket that it made. lib/pq dials with it again to cancel a statement, and the caller waits for
// that as long as for a new connection; a server that hangs gets no more than its last word.
type dialer struct {
	net.Dialer
	mu        sync.Mutex
	socket    net.Conn
	connected bool
}

// brief is a socket that cannot be waited for longer than that.
type brief struct{ net.Conn }

func (b brief) SetDeadline(t time.Time) error {
	if end := time.Now().Add(lastWord); t.IsZero() || t.After(end) {
		t = end
	}
	return b.Conn.SetDeadline(t)
}

func (d *dialer) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return d.DialContext(ctx, network, address)
}

func (d *dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	d.mu.Lock()
	connected := d.connected
	d.mu.Unlock()
	if connected {
		ctx, cancel := context.WithTimeout(ctx, lastWord)
		defer cancel()
		socket, err := d.Dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return brief{socket}, socket.SetDeadline(time.Now().Add(lastWord))
	}
	socket, err := d.Dialer.DialContext(ctx, network, address)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.socket = socket
	return socket, err
}

// done returns the socket of the connection that is made now.
func (d *dialer) done() net.Conn {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.connected = true
	return d.socket
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
	socket   net.Conn
	relax    func() // ends the watch over the newest context; nil when there is none
	readOnly bool   // the server refused a write: another one may have taken its place
}

func (c *connection) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	ctx = c.watch(ctx)
	rows, err := c.pqConn.QueryContext(ctx, query, args)
	return rows, c.noted(err)
}

func (c *connection) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	ctx = c.watch(ctx)
	result, err := c.pqConn.ExecContext(ctx, query, args)
	return result, c.noted(err)
}

// BeginTx says BEGIN and no more, unless it is asked for more. lib/pq would say READ WRITE, which overrules whoever set
// default_transaction_read_only, for instance because the disk is nearly full.
func (c *connection) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	ctx = c.watch(ctx)
	if o != (driver.TxOptions{}) {
		return c.pqConn.BeginTx(ctx, o)
	}
	if _, err := c.pqConn.ExecContext(ctx, "BEGIN", nil); err != nil {
		return nil, err
	}
	return c.pqConn, nil
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
	return c.pqConn.Ping(c.watch(ctx))
}

// IsValid is called when a connection goes back to the pool: its statement is over. One to a server that takes no
// writes is given up. After a failover the address may lead to another server, and a session keeps the
// default_transaction_read_only that it began with.
func (c *connection) IsValid() bool {
	c.unwatch()
	return !c.readOnly && c.pqConn.IsValid()
}

func (c *connection) noted(err error) error {
	c.readOnly = c.readOnly || pq.As(err, pqerror.ReadOnlySQLTransaction) != nil
	return err
}

// watch ends the wait for a silent server. lib/pq asks the server to cancel when the context ends, and then waits for
// the answer without a bound; if the server hangs or the network lost it, that answer never comes. COMMIT and ROLLBACK,
// which have no context, are under the watch of the statement before them. A context without a deadline gets one.
func (c *connection) watch(ctx context.Context) context.Context {
	c.unwatch()
	if ctx.Value(unbounded{}) != nil {
		return ctx
	}
	cancel := func() {}
	if _, bounded := ctx.Deadline(); !bounded {
		ctx, cancel = context.WithTimeout(ctx, statementPatience)
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
		cancel()
	}
	return ctx
}

func (c *connection) unwatch() {
	if c.relax != nil {
		c.relax()
		c.relax = nil
	}
}
