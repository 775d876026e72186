package httpserver

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

// newTestPlace gives a connection a place, without a listener.
func newTestPlace(conn net.Conn) *place {
	l := &limitListener{limits: defaultLimits(1000), places: map[*place]struct{}{}, networks: map[string]*network{}}
	return l.newPlace(conn, nil, func() {})
}

// deadlineScript is what a server does with one end of a connection, and what its client does at the other.
type deadlineScript struct {
	random *rand.Rand
	conn   net.Conn
	client net.Conn
	began  time.Time
	result []string
}

// any returns a time of the kind that deadlines are for. No two end at the same moment, for then either may be first.
func (s *deadlineScript) any() time.Duration {
	return []time.Duration{time.Millisecond, time.Second, headerTimeout, 10 * time.Second, time.Minute}[s.random.IntN(5)] +
		time.Duration(s.random.IntN(int(time.Millisecond)))
}

// play does one thing after the other, and returns what came of it and when.
func (s *deadlineScript) play() []string {
	for range 30 {
		set := []func(time.Time) error{s.conn.SetReadDeadline, s.conn.SetWriteDeadline, s.conn.SetDeadline}[s.random.IntN(3)]
		switch at := time.Now().Add(s.any()); s.random.IntN(7) {
		case 0:
			set(time.Time{})
		case 1:
			set(time.Unix(1, 0))
		case 2, 3:
			set(at)
		case 4:
			time.Sleep(s.any())
		case 5:
			s.read()
		case 6:
			s.write()
		}
	}
	return s.result
}

// read waits for a byte that the client sends after a while. Sometimes the deadline is changed meanwhile, as net/http
// does when a handler returns.
func (s *deadlineScript) read() {
	sends, changes := s.any(), s.random.IntN(2) == 0
	after, to := s.any(), []time.Time{{}, time.Unix(1, 0), time.Now().Add(s.any())}[s.random.IntN(3)]
	if changes {
		time.AfterFunc(after, func() { s.conn.SetReadDeadline(to) })
	}
	time.AfterFunc(sends, func() {
		s.client.SetWriteDeadline(time.Now().Add(2 * time.Minute))
		s.client.Write([]byte("x"))
	})
	n, err := s.conn.Read(make([]byte, 10))
	s.note("read", n, err)
	if time.Sleep(3 * time.Minute); n == 0 { // the client has given up, and what was to change has
		s.note("then", 0, nil)
	}
}

// write sends bytes of which the client takes a few at a time.
func (s *deadlineScript) write() {
	every := s.any()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 10 {
			time.Sleep(every)
			s.client.SetReadDeadline(time.Now().Add(time.Second))
			s.client.Read(make([]byte, 3))
		}
	}()
	n, err := s.conn.Write(make([]byte, 20))
	s.note("write", n, err)
	<-done
}

func (s *deadlineScript) note(what string, n int, err error) {
	s.result = append(s.result, fmt.Sprint(what, " ", n, " ", errors.Is(err, os.ErrDeadlineExceeded), " ", time.Since(s.began)))
}

// TestDeadline_IsTheConnections: whatever is set, read and written in any order, what comes of it and when is the same
// as without a place.
func TestDeadline_IsTheConnections(t *testing.T) {
	timeouts, answers := 0, 0
	for seed := range uint64(300) {
		synctest.Test(t, func(t *testing.T) {
			play := func(wrap func(net.Conn) net.Conn) []string {
				conn, client := net.Pipe()
				defer conn.Close()
				defer client.Close()
				s := &deadlineScript{random: rand.New(rand.NewPCG(seed, 1)), conn: wrap(conn), client: client, began: time.Now()}
				return s.play()
			}
			want := play(func(c net.Conn) net.Conn { return c })
			got := play(func(c net.Conn) net.Conn { return newTestPlace(c) })
			testenv.Equal(t, strings.Join(want, "\n"), strings.Join(got, "\n"), fmt.Sprint("script ", seed))
			for _, line := range got {
				if strings.Contains(line, "true") {
					timeouts++
				} else {
					answers++
				}
			}
		})
	}
	if timeouts < 300 || answers < 300 {
		t.Errorf("%d deadlines were met and %d not: the scripts say little", timeouts, answers)
	}
}

// countedConn counts how often timers are set.
type countedConn struct {
	net.Conn
	timers *atomic.Int64
}

func (c countedConn) SetReadDeadline(at time.Time) error {
	c.timers.Add(1)
	return c.Conn.SetReadDeadline(at)
}

func (c countedConn) SetWriteDeadline(at time.Time) error {
	c.timers.Add(1)
	return c.Conn.SetWriteDeadline(at)
}

// countedListener accepts connections whose timers are counted.
type countedListener struct {
	net.Listener
	timers *atomic.Int64
}

func (l countedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return countedConn{conn, l.timers}, err
}

// TestDeadline_TimersAreSeldomSet holds what net/http sets for a request to two for writing and the two for reading that
// it cannot do without: that a Read ends which waits while a handler runs, and that the next one does not.
func TestDeadline_TimersAreSeldomSet(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	testenv.Check(t, err)
	timers := &atomic.Int64{}
	s := newServerAt(t, countedListener{listener, timers}, defaultLimits(1000))
	ask := func(requests int) int64 {
		before := timers.Load()
		for range requests {
			response, err := http.Post(s.url, "text/plain", strings.NewReader("a body"))
			testenv.Check(t, err)
			io.Copy(io.Discard, response.Body) // so that the connection is kept
			response.Body.Close()
		}
		return timers.Load() - before
	}
	ask(1) // connects
	if set := ask(100); set > 410 {
		t.Errorf("%d timers were set for 100 requests", set)
	}
}

// lateRoom is a connection whose kernel has room that a Write which waits is not told of: one that is tried again finds
// it.
type lateRoom struct {
	net.Conn
	tries int
}

func (c *lateRoom) Write(b []byte) (int, error) {
	if c.tries++; c.tries == 1 {
		return 0, os.ErrDeadlineExceeded
	}
	return len(b), nil
}

func (*lateRoom) SetWriteDeadline(time.Time) error { return nil }

// TestPlace_WriteIsNotTriedAgain: its client would be waited for longer than the deadline says, for each next request has
// a later one.
func TestPlace_WriteIsNotTriedAgain(t *testing.T) {
	conn := &lateRoom{}
	p := newTestPlace(conn)
	testenv.Check(t, p.SetWriteDeadline(time.Now().Add(time.Hour)))
	if n, err := p.Write([]byte("x")); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) || conn.tries != 1 {
		t.Errorf("%d bytes in %d tries: %v", n, conn.tries, err)
	}
}
