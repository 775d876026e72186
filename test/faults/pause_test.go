package faults

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// pauseTime is how long a process stands still; TEST_LONG=pause is a minute, as a machine does that is moved.
func pauseTime() time.Duration {
	if testenv.Long("pause") {
		return time.Minute
	}
	return 3 * time.Second
}

// endedSessions is how many sessions end during the pause, and how many requests of each wait for its end.
const endedSessions = 8

// acrossPause pauses a process while sessions end at the first server, and has requests wait at the process with the
// tokens of those and of a session that goes on. It returns how each kind of request was answered after the pause.
func acrossPause(t *testing.T, p *servertest.Process, first *servertest.Client, ask func(token string) string) (ended,
	valid []string) {
	t.Helper()
	live, dead := first.Register().Access, make([]string, endedSessions)
	for i := range dead {
		dead[i] = first.Register().Access
	}
	for _, token := range append(dead, live) {
		for range 2 { // read, and from the cache
			if got := ask(token); got != "yes" {
				t.Fatalf("a new session is refused: %s", got)
			}
		}
	}
	p.Pause()
	resume := sync.OnceFunc(p.Resume)
	defer resume()
	for _, token := range dead {
		first.Logout(token)
	}
	var waiting sync.WaitGroup
	ended, valid = make([]string, endedSessions*endedSessions), make([]string, endedSessions)
	for i := range ended {
		waiting.Go(func() { ended[i] = ask(dead[i%endedSessions]) })
	}
	for i := range valid {
		waiting.Go(func() { valid[i] = ask(live) })
	}
	time.Sleep(pauseTime())
	resume()
	waiting.Wait()
	return ended, valid
}

// TestPausedInstance_TrustsNothingFromBeforeThePause: the first answers after a pause are for sessions that were
// in the cache before it and ended at another instance meanwhile.
func TestPausedInstance_TrustsNothingFromBeforeThePause(t *testing.T) {
	if testing.Short() {
		t.Skip("pauses a server for some seconds")
	}
	t.Parallel()
	url := dbtest.Postgres(t)
	p := servertest.NewPair(t, url, url)
	child := servertest.StartChild(t, servertest.Secret, servertest.Issuer, "GATEHOUSE_DATABASE_URL="+url)
	p.Other = child.Client
	p.WaitForCache()
	ended, valid := acrossPause(t, child, p.Client, func(token string) string {
		a := p.Other.Ask(token, servertest.Me)
		switch {
		case a.OK():
			return "yes"
		case a.Has(`"reason":"revoked"`):
			return "no"
		}
		return a.String()
	})
	for _, got := range ended {
		testenv.Equal(t, "no", got, "a session that ended during the pause")
	}
	for _, got := range valid {
		testenv.Equal(t, "yes", got, "a session that goes on")
	}
	p.WaitForCache() // notifications arrive again
}

// startRelyingService starts examples/service in a process of its own.
func startRelyingService(t *testing.T, issuer string) *servertest.Process {
	t.Helper()
	o := servertest.Options{Child: true, Program: servertest.Build(t, "./examples/service"),
		Args: []string{"-issuer", issuer, "-address", "127.0.0.1:0"}}
	return o.Start(t, "FEED_TOKEN="+servertest.FeedToken)
}

// TestPausedRelyingService_TrustsNothingFromBeforeThePause for a reader of the feed: until it has news it lets
// no token in, and then those of sessions that go on.
func TestPausedRelyingService_TrustsNothingFromBeforeThePause(t *testing.T) {
	if testing.Short() {
		t.Skip("pauses a service for some seconds")
	}
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, url string) {
		t.Parallel()
		s := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+url, "GATEHOUSE_REVOCATIONS_TOKEN="+servertest.FeedToken)
		service := startRelyingService(t, s.URL)
		ask := func(token string) string {
			a := service.GetAs(token, "/hello")
			switch a.Status {
			case http.StatusOK:
				return "yes"
			case http.StatusUnauthorized:
				return "no"
			case http.StatusServiceUnavailable:
				return "later"
			}
			return a.String()
		}
		token := s.Register().Access
		servertest.Eventually(t, "the service is connected", servertest.HangGuard, func() bool { return ask(token) == "yes" })
		ended, valid := acrossPause(t, service, s.Client, ask)
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
		servertest.Eventually(t, "a session that goes on is let in", 5*time.Second, func() bool {
			return ask(token) == "yes"
		})
	})
}
