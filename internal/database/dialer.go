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
)

// connector makes connections of lib/pq that stop waiting for a silent server when the context ends.
type connector struct {
	config  pq.Config
	servers *servers
}

func (c connector) Driver() driver.Driver { return pq.Driver{} }

// connect connects to the one server of a configuration.
func connect(ctx context.Context, config pq.Config, dial dialFunc) (*connection, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if end, bounded := ctx.Deadline(); bounded { // lib/pq sets a deadline of its own, later than interrupt
		config.ConnectTimeout = min(config.ConnectTimeout, max(time.Millisecond, time.Until(end)))
	}
	connector, err := pq.NewConnectorConfig(config)
	if err != nil {
		return nil, err
	}
	d := &dialer{dial: dial}
	connector.Dialer(d)
	stop := context.AfterFunc(ctx, d.interrupt) // lib/pq heeds the context only until the socket is open
	raw, err := connector.Connect(ctx)
	if !stop() && err == nil {
		err = errors.Join(ctx.Err(), raw.Close())
	}
	if err != nil {
		return nil, d.explain(err)
	}
	conn, ok := raw.(pqConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("lib/pq's %T lacks a method that Gatehouse passes on", raw), raw.Close())
	}
	c := &connection{pqConn: conn, socket: d.done()}
	pq.SetNoticeHandler(raw, c.notice)
	return c, nil
}

// dialer remembers its socket. lib/pq dials with it again to send a cancel request, and the caller waits for that as
// long as for a new connection; those requests get cancelTimeout.
type dialer struct {
	dial      dialFunc
	mu        sync.Mutex
	socket    *socket
	connected bool
}

// dialFunc is net.Dialer.DialContext.
type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// socket remembers why a message could not be sent: lib/pq hides that while it connects.
type socket struct {
	net.Conn
	unsent error
}

func (s *socket) Write(message []byte) (n int, err error) {
	if n, err = s.Conn.Write(message); err != nil {
		s.unsent = err
	}
	return n, err
}

// shortDeadlineConn has no deadline later than cancelTimeout.
type shortDeadlineConn struct{ net.Conn }

func (b shortDeadlineConn) SetDeadline(t time.Time) error {
	if end := time.Now().Add(cancelTimeout); t.IsZero() || t.After(end) {
		t = end
	}
	return b.Conn.SetDeadline(t)
}

func (d *dialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
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
		ctx, cancel := context.WithTimeout(ctx, cancelTimeout)
		defer cancel()
		socket, err := d.dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return shortDeadlineConn{socket}, socket.SetDeadline(time.Now().Add(cancelTimeout))
	}
	raw, err := d.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.socket = &socket{Conn: raw}
	return d.socket, nil
}

// done returns the socket of the new connection. What is dialed later is a cancel request.
func (d *dialer) done() net.Conn {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.connected = true
	return d.socket
}

func (d *dialer) current() *socket {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.socket
}

func (d *dialer) interrupt() {
	if socket := d.current(); socket != nil {
		socket.SetDeadline(time.Now())
	}
}

// explain returns why there is no connection: what the network said, where lib/pq has hidden it.
func (d *dialer) explain(err error) error {
	if s := d.current(); s != nil && s.unsent != nil {
		return s.unsent
	}
	return err
}
