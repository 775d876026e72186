package httpserver

import (
	"container/list"
	"net"
	"net/http"
	"sync"
	"time"
)

// limitListener accepts at most a number of connections, and one that waits for its place. The other clients wait in
// the listener's queue. So that idle connections do not keep clients out, the one that is idle for the longest time is
// closed for a client who waits.
type limitListener struct {
	net.Listener
	minIdle time.Duration // how long a connection must have been idle to be closed
	places  chan struct{} // one value for each connection
	closed  chan struct{}
	close   func()

	mu   sync.Mutex
	idle *list.List // of idleConn, the longest idle first
	at   map[net.Conn]*list.Element
}

type idleConn struct {
	net.Conn
	since time.Time
}

func newLimitListener(l net.Listener, limit int, minIdle time.Duration) *limitListener {
	closed := make(chan struct{})
	return &limitListener{
		Listener: l, minIdle: minIdle, places: make(chan struct{}, limit),
		closed: closed, close: sync.OnceFunc(func() { close(closed) }),
		idle: list.New(), at: map[net.Conn]*list.Element{},
	}
}

// Accept waits for a client, and for a place.
func (l *limitListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	for {
		select {
		case l.places <- struct{}{}:
			return &limitedConn{Conn: conn, release: sync.OnceFunc(func() { <-l.places })}, nil
		case <-l.closed:
			conn.Close()
			return nil, net.ErrClosed
		case <-time.After(l.makeRoom()):
		}
	}
}

// Close ends Accept also while that waits for a place.
func (l *limitListener) Close() error {
	l.close()
	return l.Listener.Close()
}

// makeRoom closes the connection that is idle for the longest time when all places are taken and it is idle for long
// enough. It returns when to try again.
func (l *limitListener) makeRoom() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.places) < cap(l.places) || l.idle.Len() == 0 {
		return l.minIdle
	}
	longest := l.idle.Front().Value.(idleConn)
	if wait := l.minIdle - time.Since(longest.since); wait > 0 {
		return wait
	}
	l.forget(longest.Conn)
	longest.Close()
	return l.minIdle
}

// onState is http.Server's ConnState.
func (l *limitListener) onState(conn net.Conn, state http.ConnState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget(conn)
	if state == http.StateIdle {
		l.at[conn] = l.idle.PushBack(idleConn{conn, time.Now()})
	}
}

func (l *limitListener) forget(conn net.Conn) {
	if at := l.at[conn]; at != nil {
		l.idle.Remove(at)
		delete(l.at, conn)
	}
}

// limitedConn gives its place back when it is closed.
type limitedConn struct {
	net.Conn
	release func()
}

// Close closes the connection.
func (c *limitedConn) Close() error {
	defer c.release()
	return c.Conn.Close()
}
