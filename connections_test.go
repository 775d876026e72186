package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestMoreConnectionsThanFileDescriptors is R-032: 1,000 connections to a process that may have 256 files. Those beyond
// its share wait; who is connected is answered, reading and writing, as the database's own files are left free; and
// when they have gone, all is as before.
func TestMoreConnectionsThanFileDescriptors(t *testing.T) {
	if folder := os.Getenv("GATEHOUSE_TEST_SERVER"); folder != "" {
		testServer(folder)
	}
	log := &buffer{}
	server, child := startAsChild(t, t.Name(), log, "ulimit -n 256")
	ops := opsOf(t, log)
	token := newcomer(newCrowd(t, server), "ada@example.com").AccessToken
	var connected []*crowd // one connection each, on which nobody has asked the database yet
	for range clients {
		c := newCrowd(t, server)
		connected = append(connected, c)
		if _, code, err := c.ask("{ answer: me { email } }", nil, ""); code != "UNAUTHENTICATED" || err != nil {
			t.Fatal(code, err)
		}
	}
	before := weighed(t, ops, child.Process.Pid)
	var held []net.Conn
	defer func() { closeAll(held) }()
	for range 1000 {
		conn, err := net.DialTimeout("tcp", strings.TrimPrefix(server, "http://"), time.Second)
		if err != nil { // refused
			continue
		}
		held = append(held, conn)
	}
	soon(t, "it has all the files that it takes", 2*time.Second, func() bool { return files(t, child.Process.Pid) > 128 })
	var asking sync.WaitGroup
	began := time.Now()
	for i, c := range connected {
		asking.Go(func() {
			if _, code, err := c.ask("{ answer: me { email } }", nil, token); code != "" || err != nil {
				t.Errorf("a read: %q, %v", code, err)
			}
			who := map[string]string{"email": fmt.Sprintf("somebody-%d@example.com", i), "password": thePassword}
			if _, code, err := c.ask(register, who, ""); code != "" || err != nil {
				t.Errorf("a write: %q, %v", code, err)
			}
		})
	}
	asking.Wait()
	t.Logf("%d connections, %d files, answers within %v", len(held), files(t, child.Process.Pid), time.Since(began))
	closeAll(held)
	if newcomer(newCrowd(t, server), "new@example.com"); time.Since(began) > 5*time.Second {
		t.Errorf("who came after them waited until %v", time.Since(began))
	}
	settles(t, ops, child.Process.Pid, before)
}

func closeAll(connections []net.Conn) {
	for _, c := range connections {
		c.Close()
	}
}

// TestNoiseOnThePortLeavesNothing is R-040: random bytes, TLS and HTTP that end in the middle, and 10,000 connections that
// are closed at once; 100,000 with FAULTS=full. Nothing panics, and no goroutine and no file is left.
func TestNoiseOnThePortLeavesNothing(t *testing.T) {
	if folder := os.Getenv("GATEHOUSE_TEST_SERVER"); folder != "" {
		testServer(folder)
	}
	log := &buffer{}
	server, child := startAsChild(t, t.Name(), log)
	address, ops := strings.TrimPrefix(server, "http://"), opsOf(t, log)
	c := newCrowd(t, server)
	token := newcomer(c, "ada@example.com").AccessToken
	before := weighed(t, ops, child.Process.Pid)
	hello := clientHello(t)
	seed := uint64(time.Now().UnixNano())
	many := map[bool]int{true: 100_000, false: 10_000}[os.Getenv("FAULTS") == "full"]
	var made atomic.Int64
	var working sync.WaitGroup
	for i := range uint64(4) {
		working.Go(func() {
			random := rand.New(rand.NewPCG(seed, i))
			for n := int(made.Add(1)); n <= many; n = int(made.Add(1)) {
				conn, err := net.Dial("tcp", address)
				if err != nil {
					t.Error(err)
					return
				}
				conn.(*net.TCPConn).SetLinger(0) // so that ports are free again
				conn.Write(noise(random, hello, n))
				if n%40 < 3 { // the others leave before anybody answers
					conn.SetReadDeadline(time.Now().Add(5 * time.Millisecond))
					io.Copy(io.Discard, conn)
				}
				conn.Close()
			}
		})
	}
	working.Wait()
	t.Logf("seed %d", seed)
	settles(t, ops, child.Process.Pid, before)
	if _, metrics := get(t, ops+"/metrics"); !strings.Contains(metrics, "\ngatehouse_panics_total 0\n") {
		t.Error("it panicked")
	}
	if strings.Contains(log.String(), "panic") {
		t.Error(log)
	}
	if _, code, err := c.ask("{ answer: me { email } }", nil, token); code != "" || err != nil {
		t.Errorf("afterwards: %q, %v", code, err)
	}
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
	if err != nil {
		t.Fatal(err)
	}
	return hello[:n]
}

func opsOf(t *testing.T, log *buffer) string {
	t.Helper()
	found := regexp.MustCompile(`serving /metrics and /debug/pprof.*\baddr=([\d.:]+)`).FindStringSubmatch(log.String())
	if found == nil {
		t.Fatalf("no address in the log:\n%s", log)
	}
	return "http://" + found[1]
}

// weight is what a process holds.
type weight struct{ goroutines, files int }

// weighed asks on the second listener, which has one connection all the time.
func weighed(t *testing.T, ops string, pid int) (w weight) {
	t.Helper()
	_, profile := get(t, ops+"/debug/pprof/goroutine?debug=1")
	if _, err := fmt.Sscanf(profile, "goroutine profile: total %d", &w.goroutines); err != nil {
		t.Fatal(err)
	}
	w.files = files(t, pid)
	return w
}

func files(t *testing.T, pid int) int {
	t.Helper()
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Skip("there is no /proc here to count files in")
	}
	return len(open)
}

// settles waits until a process holds what it held before; the pool of SQLite may have grown to four connections
// meanwhile, of four files and one goroutine each.
func settles(t *testing.T, ops string, pid int, before weight) {
	t.Helper()
	var after weight
	defer func() { t.Logf("before %+v, after %+v", before, after) }()
	soon(t, "nothing is left", 5*time.Second, func() bool {
		time.Sleep(10 * time.Millisecond)
		after = weighed(t, ops, pid)
		return after.goroutines <= before.goroutines+4 && after.files <= before.files+12
	})
}
