package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/token"
)

func TestKeys_AreFetchedAtFirstUseAndRenewed(t *testing.T) {
	g := newGatehouse(t)
	v := g.plain()
	g.wantFetches(0) // before the first need
	for range 100 {
		want(t, v, g.issue(), nil)
	}
	g.wantFetches(1)
	g.clock.forward(239 * time.Second)
	want(t, v, g.issue(), nil)
	g.wantFetches(1)
	g.clock.forward(2 * time.Second) // now in the background, and no request waits
	want(t, v, g.issue(), nil)
	eventually(t, "renewed ahead", func() bool { return g.fetches.Load() == 2 })
}

// After a long time without requests keys are fetched first, so that one that has ended meanwhile is not used again.
func TestKeys_StaleOnesAreRenewedBeforeUse(t *testing.T) {
	g := newGatehouse(t)
	v := g.plain()
	former := g.another(token.Config{Keys: lone(g.keys.Signing(g.clock.now()))})
	want(t, v, g.issueBy(former, g.claims()), nil)
	check(t, g.keys.Replace(newKey().WithoutSchedule()))
	g.clock.forward(10 * time.Minute)
	want(t, v, g.issueBy(former, g.claims()), ErrInvalid)
	want(t, v, g.issue(), nil)
	g.wantFetches(2)
}

func TestKeys_RotationIsFollowed(t *testing.T) {
	g := newGatehouse(t)
	v := g.plain()
	first, second := g.keys.Signing(g.clock.now()), newKey()
	former := g.another(token.Config{Keys: lone(first)})
	want(t, v, g.issue(), nil)
	check(t, g.keys.Replace(first.WithoutSchedule(), token.Scheduled{Key: second, SignsAt: g.clock.now()}))

	byNew := g.issue() // its kid is unknown, and it is not fetched within a minute of the last fetch
	want(t, v, byNew, ErrInvalid)
	want(t, v, g.issueBy(former, g.claims()), nil)
	g.clock.forward(unknownKidInterval)
	want(t, v, byNew, nil)
	want(t, v, g.issueBy(former, g.claims()), nil) // the overlap
	g.wantFetches(2)

	check(t, g.keys.Replace(second.WithoutSchedule())) // the first one has ended
	g.clock.forward(6 * time.Minute)
	want(t, v, g.issueBy(former, g.claims()), ErrInvalid)
	want(t, v, g.issue(), nil)
}

func TestKeys_EmptySetVerifiesNothing(t *testing.T) {
	g := newGatehouse(t)
	v := g.plain()
	text := g.issue()
	want(t, v, text, nil)
	g.handleKeys(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"keys":[]}`) })
	g.clock.forward(6 * time.Minute)
	want(t, v, text, ErrInvalid)
}

func TestKeys_UnknownKidsFetchOnceAMinute(t *testing.T) {
	g := newGatehouse(t)
	v := g.plain()
	good := g.issue()
	want(t, v, good, nil)
	foreign := make([]*token.Issuer, 20)
	for n := range foreign {
		foreign[n] = g.another(token.Config{Keys: lone(newKey())})
	}
	for minute := int64(1); minute <= 3; minute++ {
		g.clock.forward(unknownKidInterval)
		var all sync.WaitGroup
		for worker := range 8 {
			all.Go(func() {
				for n := range 250 {
					text := g.issueBy(foreign[(worker+n)%len(foreign)], g.claims())
					if _, err := v.Verify(t.Context(), text); !errors.Is(err, ErrInvalid) {
						t.Errorf("an unknown kid: %v", err)
						return
					}
				}
			})
		}
		all.Wait()
		g.wantFetches(1 + minute)
		want(t, v, good, nil)
	}
}

func TestKeys_ConcurrentRequestsShareOneFetch(t *testing.T) {
	g := newGatehouse(t)
	v := g.plain()
	release := make(chan struct{})
	g.handleKeys(func(w http.ResponseWriter, _ *http.Request) {
		<-release
		_, _ = w.Write(g.keys.JWKS(g.clock.now()))
	})
	text := g.issue()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := v.Verify(gone, text); !errors.Is(err, ErrUnavailable) { // starts the fetch, and does not cancel it
		t.Errorf("a request that was given up: %v", err)
	}
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { want(t, v, text, nil) })
	}
	time.Sleep(50 * time.Millisecond)
	close(release)
	all.Wait()
	g.wantFetches(1)
}

func TestKeys_OutageIsBridgedForAnHour(t *testing.T) {
	g := newGatehouse(t)
	v := g.plain()
	want(t, v, g.issue(), nil)
	g.failKeys()
	for range 12 {
		g.clock.forward(5*time.Minute - time.Second)
		want(t, v, g.issue(), nil)
	}
	g.clock.forward(5*time.Minute + 11*time.Second) // 3,899 s after the fetch
	want(t, v, g.issue(), nil)
	eventually(t, "the last try has ended", func() bool {
		v.keys.mu.Lock()
		defer v.keys.mu.Unlock()
		return v.keys.inflight == nil
	})
	g.clock.forward(2 * time.Second)
	want(t, v, g.issue(), ErrUnavailable)
	if n := strings.Count(g.log.String(), "cannot be fetched"); n != 1 {
		t.Errorf("the loss is logged %d times:\n%s", n, g.log)
	}
	if response := call(v, "Bearer "+g.issue()); response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("the middleware answers %d", response.StatusCode)
	}
	g.handleKeys(nil)
	g.clock.forward(retryInterval)
	want(t, v, g.issue(), nil)
	if !strings.Contains(g.log.String(), "fetched again") {
		t.Errorf("not logged:\n%s", g.log)
	}
}

func TestKeys_FailedFetchIsNotRepeatedImmediately(t *testing.T) {
	g := newGatehouse(t)
	g.failKeys()
	v := g.plain()
	for range 100 {
		want(t, v, g.issue(), ErrUnavailable)
	}
	g.wantFetches(1)
	g.handleKeys(nil)
	g.clock.forward(retryInterval)
	want(t, v, g.issue(), nil)
}

// Each response leaves the verifier without keys; the control has them.
func TestKeys_BrokenResponsesAreUnavailable(t *testing.T) {
	g := newGatehouse(t)
	redirected := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		t.Error("a redirect was followed")
		_, _ = w.Write(g.keys.JWKS(g.clock.now()))
	}))
	defer redirected.Close()
	set := string(g.keys.JWKS(g.clock.now()))
	answer := func(status int, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			fmt.Fprint(w, text)
		}
	}
	for name, c := range map[string]struct {
		response http.HandlerFunc
		want     error
	}{
		"control":        {answer(200, set), nil},
		"a set, long":    {answer(200, set+strings.Repeat(" ", 60<<10)), nil},
		"a huge set":     {answer(200, set+strings.Repeat(" ", 64<<10)), ErrUnavailable},
		"without end":    {endless, ErrUnavailable},
		"a page":         {answer(200, "<html>"), ErrUnavailable},
		"nothing":        {answer(200, ""), ErrUnavailable},
		"a refusal":      {answer(404, set), ErrUnavailable},
		"a redirect":     {http.RedirectHandler(redirected.URL, http.StatusFound).ServeHTTP, ErrUnavailable},
		"a private part": {answer(200, set[:len(set)-3]+`,"d":"AAAA"}]}`), ErrUnavailable},
	} {
		g.handleKeys(c.response)
		followsAll := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return nil }}
		for _, client := range []*http.Client{nil, followsAll} {
			v := g.service(func(c *Config) { c.Client = client })
			if _, err := v.Verify(t.Context(), g.issue()); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
		}
	}
}

// longBody is a transport that answers with one body.
type longBody struct{ *strings.Reader }

func (b longBody) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(b)}, nil
}

func TestFetch_ReadsNoMoreThanTheLimit(t *testing.T) {
	const size = 1 << 24
	body := longBody{strings.NewReader(strings.Repeat(" ", size))}
	if f, err := fetch(t.Context(), &http.Client{Transport: body}, "http://127.0.0.1/"); err == nil {
		t.Errorf("%d keys", len(f.keys))
	}
	if read := size - body.Len(); read > 2*token.MaxJWKS {
		t.Errorf("%d bytes were read", read)
	}
}

func endless(w http.ResponseWriter, r *http.Request) {
	for r.Context().Err() == nil {
		if _, err := fmt.Fprint(w, strings.Repeat(" ", 1<<10)); err != nil {
			return
		}
	}
}

func TestCacheLifetime_IsBounded(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"": defaultLifetime, "public": defaultLifetime,
		"public, max-age=300": 5 * time.Minute, "MAX-AGE=600": 10 * time.Minute,
		`max-age="120"`: 2 * time.Minute, "max-age=0": minLifetime, "max-age=59": minLifetime, "max-age=3601": maxLifetime,
		"max-age=999999999": maxLifetime, "max-age=99999999999999999999": defaultLifetime, "max-age=-1": defaultLifetime,
		"max-age=x": defaultLifetime, "max-age": defaultLifetime,
		"no-store": minLifetime, "max-age=300, no-cache": minLifetime,
		"s-maxage=5, max-age=900": 15 * time.Minute,
	} {
		if got := cacheLifetime(http.Header{"Cache-Control": {header}}); got != want {
			t.Errorf("%q: %v, want %v", header, got, want)
		}
	}
}
