package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/dbtest"
)

// soakTime is how long the soak takes: SOAK=10m, or SOAK=24h.
func soakTime(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("SOAK")
	if text == "" {
		return 4 * time.Second
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("SOAK: %v", err)
	}
	return d
}

// What may be more at the end than after the first tenth. The memory is loose: a short soak ends before the caches and
// Go's heap have their size.
const (
	moreMiB        = 32
	moreGoroutines = 16
	moreFiles      = 16
)

// TestASoakLeaksNothingAndBreaksNoPromise is R-035: mixed load on one server while its connections to Postgres are cut
// now and then, and what the server holds whenever it is left alone for a moment.
func TestASoakLeaksNothingAndBreaksNoPromise(t *testing.T) {
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
	var held []holding
	for fault, next := 0, long/10; time.Since(began) < long; fault++ {
		time.Sleep(min(long/20, 10*time.Second))
		if fault%2 == 0 {
			s.proxy.cut()
		} else {
			s.proxy.refuse(nil)
			time.Sleep(300 * time.Millisecond)
			s.proxy.pass()
		}
		if time.Since(began) >= next {
			held = append(held, s.weigh(min(long/40, 5*time.Second)))
			held[len(held)-1].at = time.Since(began)
			t.Log(held[len(held)-1])
			next += max(long/10, time.Second)
		}
	}
	s.over.Store(true)
	clients.Wait()
	t.Logf("%v: %d answers, %d unavailable or cut, %d stories, %d broken promises; memory %+.1f MiB an hour",
		long, s.answers.Load(), s.missing.Load(), s.stories.Load(), s.broken.Load(), slope(held))
	first, last := held[0], held[len(held)-1]
	if last.mib > first.mib+moreMiB || last.goroutines > first.goroutines+moreGoroutines || last.files > first.files+moreFiles {
		t.Errorf("from %v to %v", first, last)
	}
	if s.stories.Load() == 0 || s.missing.Load() == 0 {
		t.Error("no story was told to its end, or nothing was cut: this shows nothing")
	}
}

// soak is a server under load.
type soak struct {
	t      *testing.T
	child  *child
	proxy  *proxy
	ops    string
	client *http.Client
	rest   sync.RWMutex // held by who weighs
	over   atomic.Bool

	answers, missing, stories, broken atomic.Int64
}

func newSoak(t *testing.T) *soak {
	t.Helper()
	u, err := url.Parse(dbtest.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	s := &soak{t: t, proxy: &proxy{}, ops: l.Addr().String(), client: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 8}}}
	u.Host = s.proxy.listen(t, u.Host)
	s.child = newChild(t, "GATEHOUSE_DATABASE_URL="+u.String(), "GATEHOUSE_OPS_ADDR="+s.ops, "GATEHOUSE_LOG=error")
	return s
}

// story is one account's life. Whatever is not answered ends it; whatever is answered must be true.
func (s *soak) story(email string) {
	payload := "{ accessToken refreshToken user { id } }"
	credentials := `email: "` + email + `", password: "correct horse battery"`
	first, ok := s.ask("", "mutation { register(input: {"+credentials+"}) "+payload+" }", `"accessToken":"`)
	if !ok {
		return
	}
	id := between(s.t, first, `"user":{"id":"`, `"`)
	second, ok := s.ask("", "mutation { login(input: {"+credentials+"}) "+payload+" }", `"user":{"id":"`+id+`"`)
	if !ok {
		return
	}
	token := func(answer string) string { return between(s.t, answer, `"accessToken":"`, `"`) }
	for range 10 {
		s.ask(token(first), "{ me { id email } }", `"id":"`+id+`","email":"`+email+`"`)
		s.ask(token(second), "{ users { totalCount } }", `"code":"FORBIDDEN"`)
		s.ask("", "{ me { id } }", `"code":"UNAUTHENTICATED"`)
	}
	third, ok := s.ask("", `mutation { refresh(input: {refreshToken: "`+between(s.t, second, `"refreshToken":"`, `"`)+`"}) `+payload+" }", `"user":{"id":"`+id+`"`)
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
func (s *soak) ask(token, query, has string) (answer string, ok bool) {
	s.rest.RLock()
	defer s.rest.RUnlock()
	time.Sleep(2 * time.Millisecond) // a mixed load, and not a flood
	r := graphqlPost(`{"query":` + jsonText(query) + `}`)
	r.URL.Scheme, r.URL.Host, r.RequestURI = "http", strings.TrimPrefix(s.child.URL, "http://"), ""
	r.Host = ""
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := s.client.Do(r)
	if err != nil {
		s.broken.Add(1)
		s.t.Errorf("%s: %v", query, err)
		return "", false
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	answer = string(body)
	switch {
	case err == nil && strings.Contains(answer, has):
		s.answers.Add(1)
		return answer, true
	case err == nil && strings.Contains(answer, `"code":"UNAVAILABLE"`):
		s.missing.Add(1)
		return "", false
	}
	s.broken.Add(1)
	s.t.Errorf("%s: %v, %s, want %s", query, err, answer, has)
	return "", false
}

// holding is what a server holds when nobody asks it.
type holding struct {
	at                time.Duration
	mib               float64
	heap              float64 // MiB in use, after a collection
	goroutines, files int
}

func (h holding) String() string {
	return fmt.Sprintf("after %v: %.1f MiB resident, %.1f MiB heap, %d goroutines, %d files", h.at.Round(time.Second), h.mib, h.heap, h.goroutines, h.files)
}

// weigh lets nobody ask for a while, has garbage collected and looks.
func (s *soak) weigh(idle time.Duration) (h holding) {
	s.rest.Lock()
	defer s.rest.Unlock()
	s.client.CloseIdleConnections()
	time.Sleep(idle)
	get(s.t, "http://"+s.ops+"/debug/pprof/heap?gc=1")
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.child.pid))
	if err != nil {
		s.t.Skip("there is no /proc here to count files in")
	}
	_, metrics := get(s.t, "http://"+s.ops+"/metrics")
	return holding{mib: float64(procOf(s.t, s.child.pid, "VmRSS:")) / 1024, files: len(files),
		heap: metric(s.t, metrics, "go_memstats_heap_alloc_bytes") / (1 << 20), goroutines: int(metric(s.t, metrics, "go_goroutines"))}
}

func metric(t *testing.T, metrics, name string) (value float64) {
	t.Helper()
	if _, err := fmt.Sscan(between(t, metrics, "\n"+name+" ", "\n"), &value); err != nil {
		t.Fatal(err)
	}
	return value
}

// slope is of the line through what was held, in MiB an hour, without the first third, in which caches fill.
func slope(held []holding) float64 {
	held = held[len(held)/3:]
	var x, y, xx, xy float64
	for _, h := range held {
		x, y, xx, xy = x+h.at.Hours(), y+h.mib, xx+h.at.Hours()*h.at.Hours(), xy+h.at.Hours()*h.mib
	}
	n := float64(len(held))
	if n < 2 {
		return 0
	}
	return (n*xy - x*y) / (n*xx - x*x)
}
