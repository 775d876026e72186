package servertest

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
	"time"
)

// Balancer is a reverse proxy that sends requests in turns to the servers that are ready. It asks each for /readyz four
// times a second, keeps connections open, and sends nothing twice.
type Balancer struct {
	*Client
	mu      sync.Mutex
	servers []*httputil.ReverseProxy
	ready   []bool
	next    int
}

// NoServerReady is the text of an answer to a request that no server got.
const NoServerReady = "no server is ready"

// NewBalancer begins to stand before servers, until the test ends.
func NewBalancer(t testing.TB, servers ...*Client) *Balancer {
	t.Helper()
	b := &Balancer{ready: make([]bool, len(servers))}
	for i, s := range servers {
		to, err := url.Parse(s.URL)
		Check(t, err)
		p := httputil.NewSingleHostReverseProxy(to)
		p.Transport, p.ErrorLog = &http.Transport{MaxIdleConnsPerHost: 16}, log.New(io.Discard, "", 0)
		b.servers = append(b.servers, p)
		asks := &Client{URL: s.URL, HTTP: &http.Client{Timeout: time.Second}, t: t}
		ask := func() {
			ready := asks.Ready()
			b.mu.Lock()
			defer b.mu.Unlock()
			b.ready[i] = ready
		}
		ask()
		go func() {
			for t.Context().Err() == nil {
				time.Sleep(250 * time.Millisecond)
				ask()
			}
		}()
	}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter,
		r *http.Request) {
		b.choose().ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	b.Client = NewClient(t, front.URL)
	return b
}

func (b *Balancer) choose() http.Handler {
	b.mu.Lock()
	defer b.mu.Unlock()
	for range b.servers {
		b.next = (b.next + 1) % len(b.servers)
		if b.ready[b.next] {
			return b.servers[b.next]
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, NoServerReady, http.StatusBadGateway)
	})
}

// Uses reports whether requests are sent to a server.
func (b *Balancer) Uses(server int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ready[server]
}
