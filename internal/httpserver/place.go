package httpserver

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// state says whom a connection waits for.
type state int

const (
	receiving state = iota // for the rest of a request
	busy                   // for the server
	idle                   // for the next request
)

// place is a connection that is served.
type place struct {
	net.Conn
	listener *limitListener
	release  func()
	received atomic.Int64 // bytes of the request under way
	reads    deadline

	// The rest is guarded by listener.mu.
	home     []*network // of the peer's address; none for a trusted proxy
	networks []*network // that it counts for: a trusted proxy's, for its client's while a request is under way
	state    state
	since    time.Time
	writing  int // bytes that are being written
	writes   time.Time
	bytes    int  // beyond freeBytes, that it counts with
	proven   bool // it has had an answer
	gone     bool
}

type placeKey struct{}

// Attribute says for which networks' client a trusted proxy sends this request, from the widest network to the
// narrowest. The connection counts for them until it is answered. It does nothing for other clients' connections, and
// outside of Serve.
func Attribute(ctx context.Context, networks func() []string) {
	if p, ok := ctx.Value(placeKey{}).(*place); ok && len(p.home) == 0 {
		p.listener.mu.Lock()
		defer p.listener.mu.Unlock()
		if !p.gone {
			p.count(p.listener.find(networks()))
		}
	}
}

// Close closes the connection, and gives its place back.
func (p *place) Close() error {
	p.listener.mu.Lock()
	left := p.leave()
	p.listener.mu.Unlock()
	err := p.Conn.Close()
	if left {
		p.release()
	}
	return err
}

// abort closes a connection for another one, which gets its place. What a client does not take is not stored for it in
// the kernel.
func (p *place) abort() {
	if tcp, ok := p.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // else it is closed all the same
	}
	_ = p.Conn.Close()
	p.release()
}

// leave has a connection counted no more, with listener.mu held. It reports false when that was so. Who has it leave
// closes it and then releases its place, so that never more are open than there are places.
func (p *place) leave() bool {
	if p.gone {
		return false
	}
	p.gone = true
	p.count(nil)
	p.listener.bytes -= p.bytes
	delete(p.listener.places, p)
	return true
}

// SetReadDeadline is net.Conn's.
func (p *place) SetReadDeadline(at time.Time) error { return p.reads.Set(at) }

// SetDeadline is net.Conn's.
func (p *place) SetDeadline(at time.Time) error {
	return errors.Join(p.SetReadDeadline(at), p.SetWriteDeadline(at))
}

// Read reads what a client sends. While a handler runs that has read its request, net/http reads one byte ahead, to
// learn that the client is gone; its other reads are larger.
func (p *place) Read(b []byte) (int, error) {
	ahead := len(b) == 1
	if ahead {
		p.enter(busy)
	}
	n, err := p.Conn.Read(b)
	for n == 0 && p.reads.tooSoon(err) {
		n, err = p.Conn.Read(b)
	}
	if n > 0 && !ahead {
		if total := p.received.Add(int64(n)); total == int64(n) || total > freeBytes {
			p.receive()
		}
	}
	return n, err
}

// receive counts a request that begins or is long.
func (p *place) receive() {
	l := p.listener
	l.mu.Lock()
	if p.state == idle {
		p.state, p.since = receiving, time.Now()
	}
	closing := p.charge()
	l.mu.Unlock()
	for ; closing != nil; closing = l.overBudget() {
		l.end(l.closed, closing)
	}
}

// Write sends a part of an answer.
func (p *place) Write(b []byte) (int, error) {
	l := p.listener
	l.mu.Lock()
	p.writing, p.writes = len(b), time.Now()
	closing := p.charge()
	l.mu.Unlock()
	for ; closing != nil; closing = l.overBudget() {
		l.end(l.closed, closing)
	}
	n, err := p.Conn.Write(b)
	l.mu.Lock()
	defer l.mu.Unlock()
	p.writing = 0
	p.charge()
	return n, err
}

func (p *place) enter(s state) {
	p.listener.mu.Lock()
	defer p.listener.mu.Unlock()
	p.state, p.since = s, time.Now()
}

// onState is http.Server's ConnState.
func (p *place) onState(s http.ConnState) {
	switch s {
	case http.StateActive: // the header is complete
		p.enter(receiving)
	case http.StateIdle:
		p.received.Store(0)
		p.listener.mu.Lock()
		defer p.listener.mu.Unlock()
		p.state, p.since, p.proven = idle, time.Now(), true
		p.charge()
		p.count(p.home)
	}
}

// waiting returns since when a connection has kept the server waiting, and false when it does not.
func (p *place) waiting() (since time.Time, ok bool) {
	if p.writing > 0 {
		return p.writes, true
	}
	return p.since, p.state != busy
}

// doing says in a word what a connection is at.
func (p *place) doing() string {
	if p.writing > 0 {
		return "sending"
	}
	return [...]string{receiving: "receiving", busy: "answering", idle: "idle"}[p.state]
}
