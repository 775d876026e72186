package dbtest

import (
	"bytes"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"

	"github.com/gatehouse/gatehouse/internal/testenv"
	"time"
)

// Proxy stands before a Postgres and can be slow, silent, or refuse.
type Proxy struct {
	URL string // of the database, through the proxy

	target string
	mu     sync.Mutex
	change *sync.Cond
	state  proxyState
	open   map[net.Conn]struct{}
}

type proxyState struct {
	delay   time.Duration // of each answer
	frozen  []byte        // answers are held on connections whose first message contains this; nil: on none
	refuses bool          // connections are refused
	refusal []byte        // with these bytes
}

// NewProxy begins to stand before a database, until the test ends.
func NewProxy(t testing.TB, databaseURL string) *Proxy {
	t.Helper()
	u, err := url.Parse(databaseURL)
	testenv.Check(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	testenv.Check(t, err)
	p := &Proxy{target: u.Host, open: map[net.Conn]struct{}{}}
	p.change = sync.NewCond(&p.mu)
	u.Host = l.Addr().String()
	p.URL = u.String()
	t.Cleanup(func() { l.Close(); p.Pass(); p.Cut() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go p.carry(client)
		}
	}()
	return p
}

// Delay makes each answer late.
func (p *Proxy) Delay(by time.Duration) { p.set(proxyState{delay: by}) }

// Freeze holds all answers back, on connections that stay open.
func (p *Proxy) Freeze() { p.FreezeOnly("") }

// FreezeOnly is Freeze for connections whose first message contains a text; Postgres's names the application.
func (p *Proxy) FreezeOnly(text string) { p.set(proxyState{frozen: []byte(text)}) }

// Pass ends what the other methods began.
func (p *Proxy) Pass() { p.set(proxyState{}) }

// Refuse cuts all connections and refuses new ones, with an answer or without.
func (p *Proxy) Refuse(answer []byte) {
	p.set(proxyState{refuses: true, refusal: answer})
	p.Cut()
}

// Cut ends all connections.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		c.Close()
	}
}

func (p *Proxy) set(s proxyState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state = s
	p.change.Broadcast()
}

// carry connects a client with the server until one of them ends.
func (p *Proxy) carry(client net.Conn) {
	defer client.Close()
	p.mu.Lock()
	state := p.state
	p.mu.Unlock()
	hello := make([]byte, 4096)
	if state.refuses {
		if state.refusal != nil {
			client.Read(hello)
			client.Write(state.refusal)
		}
		return
	}
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer server.Close()
	defer p.track(client, server)()
	n, err := client.Read(hello)
	if err != nil {
		return
	}
	if _, err := server.Write(hello[:n]); err != nil {
		return
	}
	go func() {
		defer client.Close()
		defer server.Close()
		io.Copy(server, client)
	}()
	buffer := make([]byte, 16<<10)
	for {
		n, err := server.Read(buffer)
		p.hold(hello)
		if _, failed := client.Write(buffer[:n]); failed != nil || err != nil {
			return
		}
	}
}

// track has Cut know of connections until the returned function is called.
func (p *Proxy) track(connections ...net.Conn) (untrack func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range connections {
		p.open[c] = struct{}{}
	}
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, c := range connections {
			delete(p.open, c)
		}
	}
}

// hold delays an answer, or keeps it while its connection is frozen.
func (p *Proxy) hold(hello []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if delay := p.state.delay; delay > 0 {
		p.mu.Unlock()
		time.Sleep(delay)
		p.mu.Lock()
	}
	for p.state.frozen != nil && bytes.Contains(hello, p.state.frozen) {
		p.change.Wait()
	}
}
