package faults

import (
	"crypto/tls"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestConnections_BeyondFileDescriptorsWait: 1,000 connections from another network to a process that may have 256 files. Those beyond its
// share wait; a client that is connected is answered, reading and writing, as the database's own files are left free;
// and when they have gone, all is as before.
func TestConnections_BeyondFileDescriptorsWait(t *testing.T) {
	s := servertest.Options{Child: true, Shell: "ulimit -n 256"}.Start(t, "GATEHOUSE_OPS_ADDR=127.0.0.1:0", servertest.Profiles)
	token := s.Register().Access
	connected := make([]*servertest.Client, 8) // one connection each, on which no request was for the database yet
	for i := range connected {
		connected[i] = servertest.NewClient(t, s.URL)
		if code := connected[i].Code("", servertest.Me); code != "UNAUTHENTICATED" {
			t.Fatal(code)
		}
	}
	before := s.Usage()
	var open []net.Conn
	closeAll := func() {
		for _, c := range open {
			c.Close()
		}
	}
	defer closeAll()
	another := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}, Timeout: time.Second}
	for range 1000 {
		conn, err := another.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
		if err != nil { // refused
			continue
		}
		open = append(open, conn)
	}
	servertest.Eventually(t, "it has all the files that it takes", servertest.HangGuard, func() bool {
		return s.Usage().Files > 128
	})
	began := testenv.Awake()
	simultaneously(len(connected), func(i int) {
		for _, r := range []servertest.Request{{Token: token, Query: servertest.Me},
			{Query: servertest.Registration(servertest.NewAddress())}} {
			if a := connected[i].Do(r); !a.OK() {
				t.Errorf("%s: %v", r.Query, a)
			}
		}
	})
	t.Logf("%d connections, %d files, answers within %v", len(open), s.Usage().Files, testenv.Awake()-began)
	closeAll()
	servertest.NewClient(t, s.URL).Register()
	if took := testenv.Awake() - began; took > 5*time.Second {
		t.Errorf("the client that came after them waited until %v", took)
	}
	s.HTTP.CloseIdleConnections()
	s.WaitForUsage(before)
}

// TestNoiseOnThePort_LeavesNothing: random bytes, TLS and HTTP that end in the middle, and 10,000 connections that
// are closed immediately; 100,000 with TEST_LONG=faults. Nothing panics, and no goroutine and no file is left.
func TestNoiseOnThePort_LeavesNothing(t *testing.T) {
	s := servertest.StartChild(t, "GATEHOUSE_OPS_ADDR=127.0.0.1:0", servertest.Profiles)
	token := s.Register().Access
	before := s.Usage()
	hello := clientHello(t)
	seed := uint64(time.Now().UnixNano())
	many := map[bool]int{true: 100_000, false: 10_000}[testenv.Long("faults")]
	var made atomic.Int64
	var working sync.WaitGroup
	for i := range uint64(4) {
		working.Go(func() {
			random := rand.New(rand.NewPCG(seed, i))
			for n := int(made.Add(1)); n <= many; n = int(made.Add(1)) {
				conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
				if err != nil {
					t.Error(err)
					return
				}
				conn.(*net.TCPConn).SetLinger(0) // so that ports are free again
				conn.Write(noise(random, hello, n))
				if n%40 < 3 { // the others leave before the answer
					conn.SetReadDeadline(time.Now().Add(5 * time.Millisecond))
					io.Copy(io.Discard, conn)
				}
				conn.Close()
			}
		})
	}
	working.Wait()
	t.Logf("seed %d", seed)
	s.WaitForUsage(before)
	if s.Metric("gatehouse_panics_total") != 0 {
		t.Error("it panicked")
	}
	if strings.Contains(s.Log.String(), "panic") {
		t.Error(s.Log)
	}
	s.Must(token, servertest.Me)
}

// noise is nothing, mostly, and else what is no request, or the beginning of one.
func noise(random *rand.Rand, hello []byte, n int) []byte {
	const request = "POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"query\":\"{ __typename }\"}"
	switch n % 40 {
	case 0:
		bytes := make([]byte, random.IntN(8<<10))
		for i := range bytes {
			bytes[i] = byte(random.Uint32())
		}
		return bytes
	case 1:
		return hello[:random.IntN(len(hello)+1)]
	case 2:
		return []byte(request[:random.IntN(len(request)+1)])
	}
	return nil
}

// clientHello is how a TLS client begins.
func clientHello(t *testing.T) []byte {
	t.Helper()
	client, server := net.Pipe()
	defer server.Close()
	go tls.Client(client, &tls.Config{ServerName: "example.com"}).Handshake()
	hello := make([]byte, 4<<10)
	n, err := server.Read(hello)
	servertest.Check(t, err)
	return hello[:n]
}
