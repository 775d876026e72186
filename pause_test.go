package main

import (
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/dbtest"
)

// pauseTime is how long a process stands still; PAUSE=full is a minute, as a machine does that is moved.
var pauseTime = map[bool]time.Duration{true: time.Minute, false: 3 * time.Second}[os.Getenv("PAUSE") == "full"]

// atOnce is how many sessions end during the pause, and how many requests of each wait for its end.
const atOnce = 8

// paused holds a process while sessions end elsewhere, and has requests wait at its door with the tokens of those and of
// a session that goes on. It returns how each kind of request was answered once the process went on.
func paused(t *testing.T, c *child, first *stage, lets func(token string) string) (ended, valid []string) {
	t.Helper()
	alive, dead := first.register(), make([]string, atOnce)
	for i := range dead {
		dead[i] = first.register()
	}
	for _, token := range append(dead, alive) {
		for range 2 { // read, and remembered
			if got := lets(token); got != "yes" {
				t.Fatalf("a new session is refused: %s", got)
			}
		}
	}
	c.pause()
	resume := sync.OnceFunc(c.resume)
	defer resume()
	for _, token := range dead {
		first.must(token, "mutation { logout { success } }")
	}
	var waiting sync.WaitGroup
	ended, valid = make([]string, atOnce*atOnce), make([]string, atOnce)
	for i := range ended {
		waiting.Go(func() { ended[i] = lets(dead[i%atOnce]) })
	}
	for i := range valid {
		waiting.Go(func() { valid[i] = lets(alive) })
	}
	time.Sleep(pauseTime)
	resume()
	waiting.Wait()
	return ended, valid
}

// TestAPausedInstanceTrustsNothingFromBeforeThePause is R-030: the first answers after a pause are for sessions that
// were remembered before it and ended elsewhere meanwhile.
func TestAPausedInstanceTrustsNothingFromBeforeThePause(t *testing.T) {
	if testing.Short() {
		t.Skip("pauses a server for some seconds")
	}
	t.Parallel()
	url := dbtest.Postgres(t)
	p := newPair(t, url, url)
	c := newChild(t, "GATEHOUSE_SECRET_FILE=", sameSecret, sameIssuer, "GATEHOUSE_DATABASE_URL="+url)
	p.other = &stage{t: t, url: c.URL}
	p.remembersSessions()
	lets := func(token string) string {
		body := p.other.ask(shape{method: http.MethodPost, query: me}, token)
		switch {
		case strings.Contains(body, `"data":{"me":{"id"`):
			return "yes"
		case strings.Contains(body, `"reason":"revoked"`):
			return "no"
		}
		return body
	}
	ended, valid := paused(t, c, p.stage, lets)
	for _, got := range ended {
		if got != "no" {
			t.Errorf("a session that ended during the pause: %s", got)
		}
	}
	for _, got := range valid {
		if got != "yes" {
			t.Errorf("a session that goes on: %s", got)
		}
	}
	p.remembersSessions() // it is in touch again
}

// TestAPausedServiceElsewhereTrustsNothingFromBeforeThePause is R-030 for a reader of the feed: until it has news it
// lets nobody in, and then whose session goes on.
func TestAPausedServiceElsewhereTrustsNothingFromBeforeThePause(t *testing.T) {
	if testing.Short() {
		t.Skip("pauses a service for some seconds")
	}
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, url string) {
		t.Parallel()
		s := start(t, "GATEHOUSE_DATABASE_URL="+url, "GATEHOUSE_REVOCATIONS_TOKEN="+feedToken)
		first := &stage{t: t, url: s.URL}
		c := startChild(t, nil, "follow", s.URL)
		lets := func(token string) string {
			status, body := call(t, c.URL, token)
			switch status {
			case http.StatusOK:
				return "yes"
			case http.StatusUnauthorized:
				return "no"
			case http.StatusServiceUnavailable:
				return "later"
			}
			return body
		}
		token := first.register()
		soon(t, "the service is connected", 5*time.Second, func() bool { return lets(token) == "yes" })
		ended, valid := paused(t, c, first, lets)
		for _, got := range ended {
			if got != "no" && got != "later" {
				t.Errorf("a session that ended during the pause: %s", got)
			}
		}
		for _, got := range valid {
			if got != "yes" && got != "later" {
				t.Errorf("a session that goes on: %s", got)
			}
		}
		soon(t, "a session that goes on is let in", 5*time.Second, func() bool { return lets(token) == "yes" })
	})
}
