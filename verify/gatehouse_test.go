package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/token"
)

const feedToken = "the-feed-token-of-the-tests"

var (
	theUser    = uuid.MustParse("0197c1b0-0000-7000-8000-0000000000ab")
	theSession = uuid.MustParse("0197c1b0-0000-7000-8000-0000000000cd")
)

// clock stands still unless a test moves it: however long the machine takes for something, the feed is not silent.
type clock struct{ ahead atomic.Int64 }

var clockStart = time.Now()

func (c *clock) now() time.Time          { return clockStart.Add(time.Duration(c.ahead.Load())) }
func (c *clock) forward(d time.Duration) { c.ahead.Add(int64(d)) }

// gatehouse is an issuer on loopback, with its keys, its feed, and counters of requests.
type gatehouse struct {
	*httptest.Server
	t       *testing.T
	clock   *clock
	log     *testenv.Buffer
	keys    *token.Keys
	issuer  *token.Issuer
	fetches atomic.Int64
	jwks    atomic.Pointer[http.HandlerFunc] // nil: the keys as they are

	questions     atomic.Int64                     // about personal access tokens
	introspection atomic.Pointer[http.HandlerFunc] // nil: every token can be used

	readers atomic.Int64 // connections to the feed now
	opened  atomic.Int64 // connections to the feed so far
	silent  atomic.Bool  // sends no heartbeats
	rounds  atomic.Int64 // in each of which a reader got what there was
	late    atomic.Int64 // delay of heartbeats, in nanoseconds
	closed  atomic.Bool  // refuses readers
	mu      sync.Mutex
	events  []string // sent to every reader, from the first
	drop    chan struct{}
}

func newKey() *token.Key { return must(token.GenerateKey(token.EdDSA)) }

func lone(key *token.Key) *token.Keys { return must(token.NewKeys(key.WithoutSchedule())) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func newGatehouse(t *testing.T) *gatehouse {
	t.Helper()
	g := &gatehouse{t: t, clock: &clock{}, log: &testenv.Buffer{}, drop: make(chan struct{})}
	g.keys = lone(newKey())
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/jwks.json", g.serveKeys)
	mux.HandleFunc("GET /revocations", g.serveFeed)
	mux.HandleFunc("POST /introspect", g.serveIntrospection)
	g.Server = httptest.NewServer(mux)
	t.Cleanup(func() { g.closed.Store(true); g.dropReaders(); g.Close() })
	g.issuer = g.another(token.Config{})
	return g
}

// another returns an issuer; zero fields of the configuration are those of g.
func (g *gatehouse) another(c token.Config) *token.Issuer {
	c.Keys, c.Issuer, c.Audience = cmp.Or(c.Keys, g.keys), cmp.Or(c.Issuer, g.URL), cmp.Or(c.Audience, "gatehouse")
	c.Clock = g.clock.now
	return must(token.NewIssuer(c))
}

func (g *gatehouse) wantFetches(n int64) {
	g.t.Helper()
	if got := g.fetches.Load(); got != n {
		g.t.Errorf("%d fetches, want %d", got, n)
	}
}

func (g *gatehouse) serveKeys(w http.ResponseWriter, r *http.Request) {
	g.fetches.Add(1)
	if other := g.jwks.Load(); other != nil {
		(*other)(w, r)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=300")
	_, _ = w.Write(g.keys.JWKS(g.clock.now()))
}

// handleKeys replaces the handler of the key set; nil restores it.
func (g *gatehouse) handleKeys(h http.HandlerFunc) {
	if h == nil {
		g.jwks.Store(nil)
		return
	}
	g.jwks.Store(&h)
}

func (g *gatehouse) failKeys() {
	g.handleKeys(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
}

// serveFeed sends all events from the first, and a heartbeat every 20 ms.
func (g *gatehouse) serveFeed(w http.ResponseWriter, r *http.Request) {
	g.opened.Add(1)
	if r.Header.Get("Authorization") != "Bearer "+feedToken || r.Header.Get("Accept") != "text/event-stream" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if g.closed.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	start := g.clock.now()
	g.readers.Add(1)
	defer g.readers.Add(-1)
	g.mu.Lock()
	drop := g.drop
	g.mu.Unlock()
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	for sent := 0; ; {
		g.mu.Lock()
		events := g.events[min(sent, len(g.events)):]
		g.mu.Unlock()
		sent += len(events) // of a list that only clearEvents makes shorter
		for _, event := range events {
			fmt.Fprint(w, event)
		}
		if !g.silent.Load() {
			complete := g.clock.now().Sub(start) - time.Duration(g.late.Load())
			fmt.Fprintf(w, "event: current\ndata: {\"ms\":%d}\n\n", complete.Milliseconds())
		}
		w.(http.Flusher).Flush()
		g.rounds.Add(1)
		select {
		case <-drop:
			return
		case <-r.Context().Done():
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// silence ends the heartbeats of the one reader, who is connected.
func (g *gatehouse) silence() {
	g.t.Helper()
	g.silent.Store(true)
	begun := g.rounds.Load()
	eventually(g.t, "a round without a heartbeat", func() bool { return g.rounds.Load() >= begun+2 })
}

// catchUp waits until a verifier has applied what was sent before: the second of two heartbeats that begin now comes
// after it.
func (g *gatehouse) catchUp(v *Verifier) {
	g.t.Helper()
	for range 2 {
		g.clock.forward(time.Millisecond)
		now := g.clock.now()
		eventually(g.t, "a heartbeat is applied", func() bool {
			v.feed.mu.RLock()
			defer v.feed.mu.RUnlock()
			return !v.feed.heartbeat.Before(now)
		})
	}
}

// send sends an event to every reader, now and later.
func (g *gatehouse) send(event, data string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.events = append(g.events, "event: "+event+"\ndata: "+data+"\n\n")
}

// clearEvents makes the feed empty for later readers.
func (g *gatehouse) clearEvents() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.events = nil
}

func (g *gatehouse) dropReaders() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.drop)
	g.drop = make(chan struct{})
}

// service returns a verifier of this issuer with a changed configuration.
func (g *gatehouse) service(change func(*Config)) *Verifier {
	g.t.Helper()
	c := Config{Issuer: g.URL, Clock: g.clock.now, Log: slog.New(slog.NewTextHandler(g.log, nil))}
	change(&c)
	return must(New(c))
}

func (g *gatehouse) plain() *Verifier { return g.service(func(*Config) {}) }

// following returns a verifier that reads the feed until the test ends, and gives no connection up. Its parts may be
// changed before.
func (g *gatehouse) following(changes ...func(*Verifier)) *Verifier {
	g.t.Helper()
	return g.followingWith(func(*Config) {}, changes...)
}

// followingWith is following with a changed configuration.
func (g *gatehouse) followingWith(configure func(*Config), changes ...func(*Verifier)) *Verifier {
	g.t.Helper()
	v := g.service(func(c *Config) {
		c.Revocations = &Feed{Token: feedToken, MaxSilence: minMaxSilence}
		configure(c)
	})
	v.feed.stallTimeout = testenv.HangGuard
	for _, change := range changes {
		change(v)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- v.Run(ctx) }()
	g.t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			g.t.Errorf("Run = %v", err)
		}
	})
	return v
}

// claims are of a token that is issued now.
func (g *gatehouse) claims() token.Claims {
	return token.Claims{
		UserID: theUser, SessionID: theSession, AuthenticatedAt: g.clock.now().Add(-time.Hour), Roles: []string{"USER"},
	}
}

func (g *gatehouse) issue() string { return g.issueBy(g.issuer, g.claims()) }

func (g *gatehouse) issueBy(issuer *token.Issuer, c token.Claims) string {
	return must(issuer.Issue(c))
}

func (g *gatehouse) issueFor(session uuid.UUID) string {
	c := g.claims()
	c.SessionID = session
	return g.issueBy(g.issuer, c)
}

func (g *gatehouse) forge() string {
	return g.issueBy(g.another(token.Config{Keys: lone(newKey())}), g.claims())
}

func (g *gatehouse) sendEnded(session uuid.UUID) {
	g.send("ended", fmt.Sprintf(`{"sid":%q,"until":%d}`, session, g.until()))
}

func want(t *testing.T, v *Verifier, text string, wanted error) {
	t.Helper()
	got, err := v.Verify(t.Context(), text)
	if !errors.Is(err, wanted) || (got == nil) != (err != nil) {
		t.Errorf("Verify = %v, %v; want %v", got, err, wanted)
	}
}

func wantSoon(t *testing.T, v *Verifier, text string, wanted error) {
	t.Helper()
	eventually(t, fmt.Sprintf("Verify = %v", wanted), func() bool {
		_, err := v.Verify(t.Context(), text)
		return errors.Is(err, wanted)
	})
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	testenv.Eventually(t, what, testenv.HangGuard, condition)
}

// call sends a request through the middleware; the next handler answers with the user's id.
func call(v *Verifier, headers ...string) *http.Response {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, h := range headers {
		r.Header.Add("Authorization", h)
	}
	w := httptest.NewRecorder()
	v.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t, err := From(r.Context())
		if err != nil {
			panic("let in without a token")
		}
		_, _ = io.WriteString(w, t.UserID.String()+" "+strings.Join(t.Roles, ","))
	})).ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, response *http.Response) string {
	t.Helper()
	return string(must(io.ReadAll(response.Body)))
}

var check = testenv.Check
