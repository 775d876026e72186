package accounts_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// faultProxy stands between the program and Postgres and cuts a connection at a chosen statement. It reads just enough
// of the protocol: a client sends one statement and waits until the server is ready for the next.
type faultProxy struct {
	net.Listener
	url    string // of the database, through the faultProxy
	target string

	mu          sync.Mutex
	connections int
	cut         cut
	seen        []sent
	committed   func() // is called when a transaction is committed, and the client does not know yet
}

// cut says where a connection ends. The zero cut is none.
type cut struct {
	at    int // the number of the statement
	place place
	reset bool // RST instead of FIN
}

func (c cut) String() string {
	return fmt.Sprintf("statement %d, %s, by reset %v", c.at, c.place, c.reset)
}

// place is where in a statement's life the connection ends.
type place string

const (
	beforeStatement place = "before it ran"
	duringAnswer    place = "in the middle of its answer"
	afterStatement  place = "after it ran"
)

// cuts begins with the one that drivers answer worst.
var cuts = []cut{
	{place: afterStatement}, {place: afterStatement, reset: true},
	{place: beforeStatement}, {place: beforeStatement, reset: true},
	{place: duringAnswer}, {place: duringAnswer, reset: true},
}

// sent is a statement that the client sent.
type sent struct {
	text       string
	connection int
	passed     bool // to the server
}

// reads reports whether it may be sent twice.
func (s sent) reads() bool {
	return strings.HasPrefix(s.text, "SELECT") || strings.HasPrefix(s.text, "BEGIN") || s.text == "ROLLBACK"
}

func newFaultProxy(t *testing.T, real string) *faultProxy {
	t.Helper()
	u := must(url.Parse(real))
	l := must(net.Listen("tcp", "127.0.0.1:0"))
	t.Cleanup(func() { l.Close() })
	c := &faultProxy{Listener: l, target: u.Host}
	u.Host, u.RawQuery = l.Addr().String(), "sslmode=disable"
	c.url = u.String()
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go c.serve(client)
		}
	}()
	return c
}

// arm sets where the next cut is, and returns the statements that were seen since it was called before.
func (c *faultProxy) arm(next cut) []sent {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := c.seen
	c.cut, c.seen = next, nil
	return seen
}

// count notes a statement. It returns the cut that is to be made at it, if one is.
func (c *faultProxy) count(connection int, text string) cut {
	c.mu.Lock()
	defer c.mu.Unlock()
	var here cut
	if len(c.seen)+1 == c.cut.at {
		here = c.cut
	}
	c.seen = append(c.seen, sent{text, connection, here.place != beforeStatement})
	return here
}

func (c *faultProxy) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", c.target)
	if err != nil {
		return
	}
	defer server.Close()
	c.mu.Lock()
	c.connections++
	w := &wire{client: client, server: server, prepared: map[string]string{}}
	number := c.connections
	c.mu.Unlock()
	request, err := message(client, false)
	for ; err == nil; request, err = w.request() {
		var here cut
		if w.text != "" {
			here = c.count(number, w.text)
		}
		if here.place == beforeStatement {
			here.end(client)
			return
		}
		answer, ended := w.ask(request)
		if w.text == "COMMIT" && c.committed != nil {
			c.committed()
		}
		switch here.place {
		case duringAnswer:
			client.Write(answer[:len(answer)/2])
			fallthrough
		case afterStatement:
			here.end(client)
			return
		}
		if _, err := client.Write(answer); err != nil || ended {
			return
		}
	}
}

// end closes the client's side.
func (c cut) end(client net.Conn) {
	if c.reset {
		client.(*net.TCPConn).SetLinger(0)
	}
	client.Close()
}

// wire is one connection, and the texts that the client prepared on it.
type wire struct {
	client, server net.Conn
	prepared       map[string]string
	text           string // of the statement in the newest request, "" when it runs none
}

// request reads what the client sends until it waits for an answer.
func (w *wire) request() ([]byte, error) {
	w.text = ""
	var all []byte
	for bound := ""; ; {
		m, err := message(w.client, true)
		if err != nil {
			return nil, err
		}
		all = append(all, m...)
		body := m[5:]
		switch m[0] {
		case 'P':
			name, rest := text(body)
			w.prepared[name], _ = text(rest)
		case 'B':
			_, rest := text(body)
			bound, _ = text(rest)
		case 'E':
			w.text = w.prepared[bound]
		case 'Q':
			w.text, _ = text(body)
			return all, nil
		case 'S', 'p', 'X':
			return all, nil
		}
	}
}

// ask passes a request on and returns the whole answer: up to where the server waits, or has ended the connection.
func (w *wire) ask(request []byte) (answer []byte, ended bool) {
	if _, err := w.server.Write(request); err != nil {
		return nil, true
	}
	for {
		m, err := message(w.server, true)
		if err != nil {
			return answer, true
		}
		answer = append(answer, m...)
		const final = 12 // AuthenticationSASLFinal and AuthenticationOk come without a question
		if code := m[5:]; m[0] == 'Z' || m[0] == 'R' && code[3] != 0 && code[3] != final {
			return answer, false
		}
	}
}

// message reads one message: its type, unless it is the first of a connection, its length and its body.
func message(from io.Reader, typed bool) ([]byte, error) {
	head := make([]byte, 5)
	if !typed {
		head = head[:4]
	}
	if _, err := io.ReadFull(from, head); err != nil {
		return nil, err
	}
	length := binary.BigEndian.Uint32(head[len(head)-4:])
	m := append(head, make([]byte, length-4)...)
	_, err := io.ReadFull(from, m[len(head):])
	return m, err
}

// text splits off a text that ends with a zero byte.
func text(b []byte) (string, []byte) {
	before, after, _ := bytes.Cut(b, []byte{0})
	return string(before), after
}
