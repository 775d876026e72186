package faults

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// soakTime is how long the soak takes; with TEST_LONG=soak ten minutes, or SOAK_TIME=24h.
func soakTime(t *testing.T) time.Duration {
	t.Helper()
	if !testenv.Long("soak") {
		return 4 * time.Second
	}
	text := os.Getenv("SOAK_TIME")
	if text == "" {
		return 10 * time.Minute
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("SOAK_TIME: %v", err)
	}
	return d
}

// What may be more at the end than after the first tenth. The memory is loose: a short soak ends before the caches and
// Go's heap have their size.
const (
	maxMoreMiB        = 32
	maxMoreGoroutines = 16
	maxMoreFiles      = 16
)

// TestSoak_LeaksNothingAndBreaksNoPromise: mixed load on one server while its connections to Postgres are cut
// again and again, and what the server holds whenever it is left alone for a moment.
func TestSoak_LeaksNothingAndBreaksNoPromise(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds of all processors")
	}
	long := soakTime(t)
	s := newSoak(t)
	var clients sync.WaitGroup
	for client := range 8 {
		clients.Go(func() {
			for n := 0; !s.over.Load(); n++ {
				s.story(fmt.Sprintf("soak-%d-%d@example.com", client, n))
			}
		})
	}
	began := time.Now()
	var samples []sample
	for fault, next := 0, long/10; time.Since(began) < long; fault++ {
		time.Sleep(min(long/20, 10*time.Second))
		if fault%2 == 0 {
			s.proxy.Cut()
		} else {
			s.proxy.Refuse(nil)
			time.Sleep(300 * time.Millisecond)
			s.proxy.Pass()
		}
		if time.Since(began) >= next {
			samples = append(samples, s.sample(min(long/40, 5*time.Second)))
			samples[len(samples)-1].at = time.Since(began)
			t.Log(samples[len(samples)-1])
			next += max(long/10, time.Second)
		}
	}
	s.over.Store(true)
	clients.Wait()
	t.Logf("%v: %d answers, %d unavailable or cut, %d stories, %d broken promises; memory %+.1f MiB an hour",
		long, s.answers.Load(), s.missing.Load(), s.stories.Load(), s.broken.Load(),
		slope(samples[len(samples)/3:], func(h sample) (time.Duration, float64) { return h.at, h.mib }))
	first, last := samples[0], samples[len(samples)-1]
	if last.mib > first.mib+maxMoreMiB || last.Goroutines > first.Goroutines+maxMoreGoroutines ||
		last.Files > first.Files+maxMoreFiles {
		t.Errorf("from %v to %v", first, last)
	}
	if s.stories.Load() == 0 || s.missing.Load() == 0 {
		t.Error("no story was told to its end, or nothing was cut: this shows nothing")
	}
}

// soak is a server under load.
type soak struct {
	*servertest.Process
	t     *testing.T
	proxy *dbtest.Proxy
	rest  sync.RWMutex // held while a sample is taken
	over  atomic.Bool

	answers, missing, stories, broken atomic.Int64
}

func newSoak(t *testing.T) *soak {
	t.Helper()
	s := &soak{t: t, proxy: dbtest.NewProxy(t, dbtest.Postgres(t))}
	s.Process = servertest.StartChild(t, "GATEHOUSE_DATABASE_URL="+s.proxy.URL, "GATEHOUSE_OPS_ADDR="+
		servertest.FreeAddress(t), "GATEHOUSE_LOG=error", servertest.Profiles)
	return s
}

// story is one account's life. What is not answered ends it; what is answered must be true.
func (s *soak) story(email string) {
	payload := "{ accessToken refreshToken user { id } }"
	credentials := `email: "` + email + `", password: "correct horse battery"`
	first, ok := s.ask("", "mutation { register(input: {"+credentials+"}) "+payload+" }", `"accessToken":"`)
	if !ok {
		return
	}
	id := first.Field("id")
	second, ok := s.ask("", "mutation { login(input: {"+credentials+"}) "+payload+" }", `"user":{"id":"`+id+`"`)
	if !ok {
		return
	}
	token := func(a servertest.Answer) string { return a.Field("accessToken") }
	for range 10 {
		s.ask(token(first), "{ me { id email } }", `"id":"`+id+`","email":"`+email+`"`)
		s.ask(token(second), "{ users { totalCount } }", `"code":"FORBIDDEN"`)
		s.ask("", "{ me { id } }", `"code":"UNAUTHENTICATED"`)
	}
	third, ok := s.ask("", `mutation { refresh(input: {refreshToken: "`+second.Field("refreshToken")+`"}) `+payload+" }",
		`"user":{"id":"`+id+`"`)
	if !ok {
		return
	}
	if _, ok := s.ask(token(third), "mutation { logout { success } }", `"success":true`); !ok {
		return
	}
	for range 3 {
		s.ask(token(third), "{ me { id } }", `"reason":"revoked"`)
		s.ask(token(second), "{ me { id } }", `"reason":"revoked"`) // of the same session
		s.ask(token(first), "{ me { id } }", `"me":{"id":"`+id+`"}`)
	}
	if _, ok := s.ask(token(first), "mutation { deleteAccount { success } }", `"success":true`); !ok {
		return
	}
	s.ask(token(first), "{ me { id } }", `"reason":"revoked"`)
	s.stories.Add(1)
}

// ask returns an answer and whether there was one, which must have a text in it.
func (s *soak) ask(token, query, has string) (a servertest.Answer, ok bool) {
	s.rest.RLock()
	defer s.rest.RUnlock()
	time.Sleep(2 * time.Millisecond) // a mixed load, and not a flood
	a = s.Do(servertest.Request{Token: token, Query: query})
	switch {
	case a.Err == nil && a.Has(has):
		s.answers.Add(1)
		return a, true
	case a.Err == nil && (a.Has(`"code":"UNAVAILABLE"`) || a.HashesWait()):
		s.missing.Add(1)
		return a, false
	}
	s.broken.Add(1)
	s.t.Errorf("%s: %v, want %s", query, a, has)
	return a, false
}

// sample is what a server holds when no client asks it.
type sample struct {
	at   time.Duration
	mib  float64 // resident
	heap float64 // MiB in use, after a collection
	servertest.Usage
}

func (h sample) String() string {
	return fmt.Sprintf("after %v: %.1f MiB resident, %.1f MiB heap, %d goroutines, %d files", h.at.Round(time.Second),
		h.mib, h.heap, h.Goroutines, h.Files)
}

// sample stops the clients for a while, has garbage collected and looks.
func (s *soak) sample(idle time.Duration) sample {
	s.rest.Lock()
	defer s.rest.Unlock()
	s.HTTP.CloseIdleConnections()
	time.Sleep(idle)
	s.Get(s.Ops + "/debug/pprof/heap?gc=1")
	usage := s.Usage()
	return sample{mib: float64(s.ResidentKiB()) / 1024, Usage: usage,
		heap: s.Metric("go_memstats_heap_alloc_bytes") / (1 << 20)}
}

// slope is of the line through the samples, in MiB an hour.
func slope[S any](samples []S, point func(S) (at time.Duration, mib float64)) float64 {
	var x, y, xx, xy float64
	for _, s := range samples {
		at, mib := point(s)
		h := at.Hours()
		x, y, xx, xy = x+h, y+mib, xx+h*h, xy+h*mib
	}
	n := float64(len(samples))
	if n < 2 {
		return 0
	}
	return (n*xy - x*y) / (n*xx - x*x)
}
