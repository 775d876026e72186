package abuse

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// waysToBeSlow are what a client sends that does not finish: a request's beginning, or requests whose answers it does
// not read.
var waysToBeSlow = map[string]string{
	"nothing":            "",
	"a header":           "POST /graphql HTTP/1.1\r\nHost: localhost\r\nX-Long: " + strings.Repeat("x", 16<<10),
	"a body":             post + "Content-Length: 60000\r\n\r\n" + strings.Repeat(" ", 50_000),
	"a body in chunks":   post + "Transfer-Encoding: chunked\r\n\r\nc350\r\n" + strings.Repeat(" ", 50_000),
	"a body, never":      post + "Content-Length: 60000\r\nExpect: 100-continue\r\n\r\n",
	"many requests":      strings.Repeat("GET /schema.graphql HTTP/1.1\r\nHost: localhost\r\n\r\n", 100),
	"one request":        "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
	"one and a header":   "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /",
	"a request and FIN":  "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" + endOfInput,
	"half a body, FIN":   post + "Content-Length: 60000\r\n\r\n{" + endOfInput,
	"no HTTP":            strings.Repeat("\x00\xff", 100),
	"TLS's first record": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}

const (
	post       = "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
	endOfInput = "\x00FIN" // the client closes its half of the connection there
)

// slowNetworks are where the connections come from: the address of the n-th.
var slowNetworks = map[string]func(n int) string{
	"one network":          func(int) string { return "127.0.2.1" },
	"a network each":       func(n int) string { return fmt.Sprintf("127.0.%d.%d", 3+n/250, 1+n%250) },
	"the honest's network": func(int) string { return honestAddress },
	"a trusted proxy":      func(int) string { return proxyAddress },
}

const (
	honestAddress = "127.0.0.1"
	proxyAddress  = "127.0.9.9"
	slowClients   = 600 // more than the server has places for
	answeredIn    = 5 * time.Second
)

// slowClient keeps a connection until the context ends, and makes another when the server ends it.
type slowClient struct{ address, from, sends string }

func (c slowClient) run(ctx context.Context) {
	for ctx.Err() == nil {
		if conn, err := c.dial(ctx); err == nil {
			done := context.AfterFunc(ctx, func() { conn.Close() })
			c.send(conn)
			if !strings.Contains(c.sends, "schema.graphql") { // else it reads no answer
				for err == nil {
					_, err = conn.Read(make([]byte, 100))
				}
			} else {
				waitUntilClosed(ctx, conn)
			}
			done()
			conn.Close()
		}
		select {
		case <-ctx.Done():
		case <-time.After(500 * time.Millisecond):
		}
	}
}

func (c slowClient) send(conn net.Conn) {
	text, ends := strings.CutSuffix(c.sends, endOfInput)
	conn.Write([]byte(text))
	if ends {
		conn.(*net.TCPConn).CloseWrite()
	}
}

// waitUntilClosed writes a byte from time to time, since reading would take the answer.
func waitUntilClosed(ctx context.Context, conn net.Conn) {
	for ctx.Err() == nil {
		if _, err := conn.Write([]byte("G")); err != nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// dial connects from an address, with segments and windows so small that the kernel stores little of an answer.
func (c slowClient) dial(ctx context.Context) (net.Conn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(c.from)}, Timeout: 5 * time.Second,
		Control: func(_, _ string, raw syscall.RawConn) error {
			return raw.Control(func(fd uintptr) {
				syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_MAXSEG, 536)
				syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 2048)
			})
		}}
	return d.DialContext(ctx, "tcp", c.address)
}

// slowKinds are the ways to be slow, each in a test of its own with TEST_LONG=slow, and otherwise all at a time.
func slowKinds() map[string][]string {
	if !testenv.Long("slow") {
		return map[string][]string{"all ways": slices.Collect(maps.Values(waysToBeSlow))}
	}
	kinds := map[string][]string{}
	for way, sends := range waysToBeSlow {
		kinds[way] = []string{sends}
	}
	return kinds
}

// beSlow has clients be slow in these ways until stop is called.
func beSlow(t *testing.T, s *servertest.Process, clients int, ways []string, from func(int) string) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var slow sync.WaitGroup
	for n := range clients {
		c := slowClient{strings.TrimPrefix(s.URL, "http://"), from(n), ways[n%len(ways)]}
		slow.Go(func() { c.run(ctx) })
	}
	return func() {
		cancel()
		slow.Wait()
	}
}

// TestSlowConnections_LeavePlacesToOthers: more clients than the server has places for send what takes it as long as it
// lets them, and come again when it ends their connections. Others that connect are answered meanwhile, and so are
// health probes.
func TestSlowConnections_LeavePlacesToOthers(t *testing.T) {
	s := servertest.Options{Child: true, Shell: "ulimit -n 1024"}.Start(t, "GATEHOUSE_PLAYGROUND=on",
		"GATEHOUSE_TRUSTED_PROXIES="+proxyAddress, "GATEHOUSE_OPS_ADDR=127.0.0.1:0", servertest.Profiles)
	token := s.Register().Access
	for where, address := range slowNetworks {
		for way, sends := range slowKinds() {
			t.Run(where+" sends "+way, func(t *testing.T) {
				defer beSlow(t, s, slowClients, sends, address)()
				if len(sends) > 1 {
					servertest.Eventually(t, "all places are taken", testenv.HangGuard, func() bool {
						return s.Usage().Files >= 384
					})
				}
				for _, r := range []servertest.Request{{Method: http.MethodGet, Path: "/healthz"},
					{Method: http.MethodGet, Path: "/readyz"}, {Token: token, Query: servertest.Me}} {
					answerSoon(t, s, r)
				}
			})
		}
	}
	if !strings.Contains(s.Log.String(), "scarce") {
		t.Errorf("no line tells the operator:\n%s", s.Log)
	}
}

// answerSoon wants an answer in time, in one of three tries, since a machine may be busy.
func answerSoon(t *testing.T, s *servertest.Process, r servertest.Request) {
	t.Helper()
	for range 3 {
		if isAnsweredSoon(t, s, r) {
			return
		}
	}
	t.Errorf("%s%s is not answered within %v", r.Path, r.Query, answeredIn)
}

// isAnsweredSoon sends a request on a new connection, and again when that is closed for another, as clients do.
func isAnsweredSoon(t *testing.T, s *servertest.Process, r servertest.Request) bool {
	for began := testenv.Awake(); testenv.Awake()-began < answeredIn; {
		a := servertest.NewClient(t, s.URL).Do(r)
		if a.Err == nil && a.Status == http.StatusOK && testenv.Awake()-began < answeredIn {
			return true
		}
		t.Log(a)
	}
	return false
}

// TestSlowConnections_HoldBoundedMemory: clients of as many networks have sent nearly all of a request, or take no
// answer. What the server holds is its heap without garbage.
func TestSlowConnections_HoldBoundedMemory(t *testing.T) {
	const clients, most = 4000, 160
	kinds := map[string][]string{"a body": {waysToBeSlow["a body"]}}
	if testenv.Long("slow") {
		kinds = slowKinds()
	}
	for way, sends := range kinds {
		t.Run(way, func(t *testing.T) {
			s := servertest.StartChild(t, "GATEHOUSE_PLAYGROUND=on", "GATEHOUSE_OPS_ADDR=127.0.0.1:0", servertest.Profiles)
			before := liveMiB(t, s)
			defer beSlow(t, s, clients, sends, slowNetworks["a network each"])()
			time.Sleep(time.Second)
			grown := liveMiB(t, s) - before
			servertest.Eventually(t, "it answers", testenv.HangGuard, func() bool {
				return servertest.NewClient(t, s.URL).Get("/healthz").Status == http.StatusOK
			})
			if t.Logf("%d MiB more than %d", grown, before); grown > most {
				t.Errorf("%d MiB more, at most %d wanted", grown, most)
			}
		})
	}
}

// liveMiB is what the server's heap holds, once garbage is collected.
func liveMiB(t *testing.T, s *servertest.Process) int {
	t.Helper()
	profile := s.Get(s.Ops + "/debug/pprof/heap?gc=1&debug=1").Body
	bytes, err := strconv.Atoi(servertest.Between(t, profile, "# HeapInuse = ", "\n"))
	servertest.Check(t, err)
	return bytes >> 20
}
