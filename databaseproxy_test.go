package main

import (
	"encoding/binary"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// proxy stands before a Postgres and can be slow, silent, or refuse.
type proxy struct {
	target string
	mu     sync.Mutex
	moves  *sync.Cond
	slow   time.Duration
	silent bool
	closed bool
	says   []byte // to whom it refuses
	open   map[net.Conn]struct{}
}

// tooMany is how a Postgres without a free connection answers.
var tooMany = func() []byte {
	fields := "SFATAL\x00VFATAL\x00C53300\x00Msorry, too many clients already\x00\x00"
	return append(binary.BigEndian.AppendUint32([]byte{'E'}, uint32(len(fields)+4)), fields...)
}()

// listen begins to stand before a target, and returns the address.
func (p *proxy) listen(t *testing.T, target string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close(); p.pass(); p.cut() })
	p.target, p.moves, p.open = target, sync.NewCond(&p.mu), map[net.Conn]struct{}{}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go p.carry(client)
		}
	}()
	return l.Addr().String()
}

func (p *proxy) carry(client net.Conn) {
	defer client.Close()
	p.mu.Lock()
	closed, says := p.closed, p.says
	p.mu.Unlock()
	if closed {
		if says != nil {
			client.Read(make([]byte, 4096)) // the startup message
			client.Write(says)
		}
		return
	}
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer server.Close()
	p.mu.Lock()
	p.open[client], p.open[server] = struct{}{}, struct{}{}
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		delete(p.open, client)
		delete(p.open, server)
		p.mu.Unlock()
	}()
	go func() {
		defer client.Close()
		defer server.Close()
		io.Copy(server, client)
	}()
	buffer := make([]byte, 16<<10)
	for {
		n, err := server.Read(buffer)
		p.hold()
		if _, failed := client.Write(buffer[:n]); failed != nil || err != nil {
			return
		}
	}
}

// hold delays what the server says, or keeps it.
func (p *proxy) hold() {
	p.mu.Lock()
	slow := p.slow
	p.mu.Unlock()
	time.Sleep(slow)
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.silent {
		p.moves.Wait()
	}
}

func (p *proxy) delay(by time.Duration) { p.set(func() { p.slow = by }) }
func (p *proxy) hang()                  { p.set(func() { p.silent = true }) }
func (p *proxy) pass()                  { p.set(func() { p.slow, p.silent, p.closed, p.says = 0, false, false, nil }) }

// refuse cuts what is connected, and lets nobody in.
func (p *proxy) refuse(says []byte) {
	p.set(func() { p.closed, p.says = true, says })
	p.cut()
}

func (p *proxy) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
	p.moves.Broadcast()
}

func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		c.Close()
	}
}
