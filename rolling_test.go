package main

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/dbtest"
)

// TestARollingRestartCutsNoAnswer is R-005: two processes behind a proxy are replaced in turns while clients register
// and read. The proxy keeps connections to the processes, asks /readyz four times a second, and sends nothing twice.
func TestARollingRestartCutsNoAnswer(t *testing.T) {
	if testing.Short() {
		t.Skip("restarts servers for some seconds")
	}
	binary := filepath.Join(t.TempDir(), "gatehouse")
	execute(t, ".", "go", "build", "-o", binary, ".")
	databaseURL := dbtest.Postgres(t)
	both := []*process{
		newProcess(t, binary, databaseURL, sameSecret, sameIssuer, "GATEHOUSE_DRAIN=1s"),
		newProcess(t, binary, databaseURL, sameSecret, sameIssuer, "GATEHOUSE_DRAIN=1s"),
	}
	front := newBalancer(t, both[0].url, both[1].url)
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	p := &patient{stage: &stage{t: t, url: front.URL}}
	token := between(t, p.must("", p.registration()), `"accessToken":"`, `"`)

	var answered, failed atomic.Int64
	over := make(chan struct{})
	var working sync.WaitGroup
	for i := range 16 {
		working.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				query, by := "{ me { id } }", token
				if i%4 == 0 {
					query, by = p.registration(), ""
				}
				if a := askAt(client, front.URL, by, query); a.fine() {
					answered.Add(1)
				} else if failed.Add(1) < 5 {
					t.Errorf("%s: %+v", query, a)
				}
			}
		})
	}
	for range 2 {
		for i, process := range both {
			time.Sleep(300 * time.Millisecond)
			process.command.Process.Signal(syscall.SIGTERM)
			soon(t, "readiness turns while it serves", 500*time.Millisecond, func() bool {
				status, _ := get(t, process.url+"/readyz")
				return status == http.StatusServiceUnavailable
			})
			if err := process.command.Wait(); err != nil {
				t.Errorf("process %d ended with %v\n%s", i, err, process.log)
			}
			process.begin()
			soon(t, "the proxy takes it back", 5*time.Second, func() bool { return front.takes(i) })
		}
	}
	close(over)
	working.Wait()
	t.Logf("%d answered, %d failed, over 4 restarts", answered.Load(), failed.Load())
	if answered.Load() < 200 {
		t.Error("too few requests to tell")
	}
}

// TestASecondSignalEndsTheProcess: the first one lets it serve for a while, and takes leave of each connection.
func TestASecondSignalEndsTheProcess(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "gatehouse")
	execute(t, ".", "go", "build", "-o", binary, ".")
	p := newProcess(t, binary, dbtest.SQLite(t), "GATEHOUSE_DRAIN=1m")
	get(t, p.url+"/healthz") // somebody is there
	p.command.Process.Signal(syscall.SIGTERM)
	soon(t, "it is stopping", 5*time.Second, func() bool { return strings.Contains(p.log.String(), "stopping") })
	response, err := http.Get(p.url + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK || !response.Close {
		t.Errorf("while it drains: %d, and the connection ends: %v", response.StatusCode, response.Close)
	}
	p.command.Process.Signal(syscall.SIGTERM)
	ended := make(chan error, 1)
	go func() { ended <- p.command.Wait() }()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("it ended as if nothing had been cut")
		}
	case <-time.After(5 * time.Second):
		t.Error("it goes on")
	}
}

const sameIssuer = "GATEHOUSE_ISSUER=https://id.example.org"

var sameSecret = "GATEHOUSE_SECRET=" + strings.Repeat("one secret of a test ", 2)

// balancer is a proxy that sends requests in turns to the servers that are ready.
type balancer struct {
	*httptest.Server
	mu      sync.Mutex
	servers []*httputil.ReverseProxy
	ready   []bool
	next    int
}

func newBalancer(t *testing.T, servers ...string) *balancer {
	t.Helper()
	b := &balancer{ready: make([]bool, len(servers))}
	for _, s := range servers {
		to, err := url.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		p := httputil.NewSingleHostReverseProxy(to)
		p.Transport = &http.Transport{MaxIdleConnsPerHost: 16}
		b.servers = append(b.servers, p)
	}
	for i, s := range servers {
		ask := func() {
			response, err := (&http.Client{Timeout: time.Second}).Get(s + "/readyz")
			if err == nil {
				response.Body.Close()
			}
			b.mu.Lock()
			defer b.mu.Unlock()
			b.ready[i] = err == nil && response.StatusCode == http.StatusOK
		}
		ask()
		go func() {
			for t.Context().Err() == nil {
				time.Sleep(250 * time.Millisecond)
				ask()
			}
		}()
	}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { b.choose().ServeHTTP(w, r) }))
	t.Cleanup(b.Close)
	return b
}

func (b *balancer) choose() http.Handler {
	b.mu.Lock()
	defer b.mu.Unlock()
	for range b.servers {
		b.next = (b.next + 1) % len(b.servers)
		if b.ready[b.next] {
			return b.servers[b.next]
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "no server is ready", http.StatusBadGateway)
	})
}

func (b *balancer) takes(i int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ready[i]
}
