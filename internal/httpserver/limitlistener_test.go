package httpserver

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

// limitedServer serves behind a limit. A handler of /wait says that it has begun, as soon as its connection is known to be
// busy, and waits until somebody hears that twice.
type limitedServer struct {
	*limitListener
	t    *testing.T
	url  string
	wait chan struct{}
}

func newLimitedServer(t *testing.T, limit int, minIdle time.Duration) *limitedServer {
	t.Helper()
	return newServerWithin(t, limits{places: limit, queue: 10, bytes: 1 << 40, retry: time.Millisecond,
		recent: minIdle, slow: minIdle, idle: minIdle})
}

func newServerWithin(t *testing.T, within limits) *limitedServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	testenv.Check(t, err)
	return newServerAt(t, listener, within)
}

func newServerAt(t *testing.T, listener net.Listener, within limits) *limitedServer {
	log := slog.New(slog.DiscardHandler)
	s := &limitedServer{newLimitListener(listener, Config{Log: log, Networks: networksOf}, within), t,
		"http://" + listener.Addr().String(), make(chan struct{})}
	server := newServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if by := r.Header.Get("By"); by != "" {
			Attribute(r.Context(), func() []string { return []string{by} })
		}
		switch r.URL.Path {
		case "/read":
			io.Copy(io.Discard, r.Body)
			fallthrough
		case "/wait":
			for r.Context().Err() == nil && !s.isBusy(r.RemoteAddr) {
				time.Sleep(time.Millisecond)
			}
			for range 2 {
				select {
				case s.wait <- struct{}{}:
				case <-r.Context().Done():
				}
			}
		case "/large":
			w.Write(make([]byte, 64<<20)) // more than the kernel stores
		}
		fmt.Fprint(w, r.RemoteAddr)
	}), log)
	s.attach(server)
	go server.Serve(s)
	t.Cleanup(func() { server.Close() })
	return s
}

// networksOf is the address, and nothing for that of a trusted proxy.
func networksOf(peer net.Addr) []string {
	host, _, _ := net.SplitHostPort(peer.String())
	if host == proxy {
		return nil
	}
	return []string{host}
}

const proxy = "127.0.0.9"

// placeOf returns what is known of a client's connection.
func (s *limitedServer) placeOf(address string) *place {
	s.mu.Lock()
	defer s.mu.Unlock()
	for p := range s.places {
		if p.RemoteAddr().String() == address {
			known := &place{networks: p.networks, state: p.state, writing: p.writing, bytes: p.bytes}
			return known
		}
	}
	return nil
}

// isBusy reports whether a connection has its answer made.
func (s *limitedServer) isBusy(address string) bool {
	p := s.placeOf(address)
	return p != nil && p.state == busy
}

// client has one connection.
func (s *limitedServer) client() *http.Client {
	c := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}}
	s.t.Cleanup(c.CloseIdleConnections)
	return c
}

// ask returns by which port a client was answered.
func (s *limitedServer) ask(c *http.Client, path string) string {
	response, err := c.Get(s.url + path)
	if err != nil {
		s.t.Error(err)
		return ""
	}
	defer response.Body.Close()
	port, _ := io.ReadAll(response.Body)
	return string(port)
}

// askAndRest asks, and waits until the server knows that the connection is idle.
func (s *limitedServer) askAndRest(c *http.Client) (port string) {
	port = s.ask(c, "/")
	for {
		if p := s.placeOf(port); p != nil && p.state == idle {
			return port
		}
		time.Sleep(time.Millisecond)
	}
}

// TestLimitListener_LongestIdleConnectionGoes: with all places taken by idle connections, a new client is answered, and
// costs the connection that has been idle for the longest time, whichever that is, and no other.
func TestLimitListener_LongestIdleConnectionGoes(t *testing.T) {
	for limit := 1; limit <= 5; limit++ {
		for longest := range limit {
			s := newLimitedServer(t, limit, 0)
			clients, ports := make([]*http.Client, limit), make([]string, limit)
			for i := range clients {
				clients[i] = s.client()
				ports[i] = s.askAndRest(clients[i])
			}
			for i := range longest { // which are older, and not idle for as long
				s.askAndRest(clients[i])
			}
			s.ask(s.client(), "/")
			for i := range clients {
				if i != longest && s.askAndRest(clients[i]) != ports[i] {
					t.Errorf("%d of %d lost its connection for %d", i, limit, longest)
				}
			}
			if s.ask(clients[longest], "/") == ports[longest] {
				t.Errorf("%d of %d has its connection still", longest, limit)
			}
		}
	}
}

// TestLimitListener_BusyConnectionStays: the client that comes later waits for the answer of the other.
func TestLimitListener_BusyConnectionStays(t *testing.T) {
	s := newLimitedServer(t, 1, 0)
	answered := make(chan string, 2)
	go func() { answered <- s.ask(s.client(), "/wait") }()
	<-s.wait // it is in the handler
	go func() { answered <- s.ask(s.client(), "/") }()
	select {
	case port := <-answered:
		t.Fatalf("%s was answered meanwhile", port)
	case <-time.After(20 * time.Millisecond):
	}
	<-s.wait
	if first, second := <-answered, <-answered; first == second || first == "" || second == "" {
		t.Errorf("%q, %q", first, second)
	}
}

// TestLimitListener_PlaceIsGivenWhenItsConnectionIsClosed: for another client, and after its own last answer. A client that
// waits is not answered while the connection that leaves is still open.
func TestLimitListener_PlaceIsGivenWhenItsConnectionIsClosed(t *testing.T) {
	for name, text := range map[string]string{
		"for another": plain, "by itself": "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
	} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		testenv.Check(t, err)
		slow := slowToClose{listener, make(chan struct{}), make(chan struct{})}
		s := newServerAt(t, slow, limits{places: 1, queue: 10, bytes: 1 << 40, retry: time.Millisecond})
		s.wantAnswer(s.send("127.0.0.1", text))
		newcomer := make(chan string, 1)
		go func() { newcomer <- s.ask(s.client(), "/") }()
		<-slow.closing
		time.Sleep(20 * time.Millisecond)
		if len(newcomer) > 0 {
			t.Errorf("%s: the newcomer was answered while the other is open", name)
		}
		close(slow.close)
		if <-newcomer == "" {
			t.Errorf("%s: the newcomer got no answer", name)
		}
	}
}

// slowToClose is a listener. Its connections tell that they are to be closed, if somebody hears that, and wait until they may be.
type slowToClose struct {
	net.Listener
	closing, close chan struct{}
}

type slowConn struct {
	net.Conn
	of slowToClose
}

func (l slowToClose) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return slowConn{conn, l}, err
}

func (c slowConn) Close() error {
	select {
	case c.of.closing <- struct{}{}:
	case <-c.of.close:
	}
	<-c.of.close
	return c.Conn.Close()
}

// TestLimitListener_FreshConnectionStays: one that was idle for less than the minimum is not closed; when its client
// leaves, the other is answered.
func TestLimitListener_FreshConnectionStays(t *testing.T) {
	s := newLimitedServer(t, 1, time.Hour)
	first, answered := s.client(), make(chan string, 1)
	port := s.askAndRest(first)
	go func() { answered <- s.ask(s.client(), "/") }()
	select {
	case port := <-answered:
		t.Fatalf("%s was answered meanwhile", port)
	case <-time.After(20 * time.Millisecond):
	}
	if again := s.askAndRest(first); again != port {
		t.Errorf("%s became %s", port, again)
	}
	first.CloseIdleConnections()
	if <-answered == "" {
		t.Error("the other got no answer")
	}
}
