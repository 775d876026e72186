package faults

import (
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestEndedSession_IsRefusedByARelyingService that reads the feed, within a second: the best of five, because a machine
// that does much else stands still for longer at times.
func TestEndedSession_IsRefusedByARelyingService(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, url string) {
		s := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+url, "GATEHOUSE_REVOCATIONS_TOKEN="+servertest.FeedToken)
		service := servertest.NewRelyingService(t, servertest.WithFeed(s.URL))
		best := servertest.HangGuard
		for trials := 0; trials < 5 && best > time.Second; trials++ {
			token := s.Register().Access
			servertest.Eventually(t, "it is accepted", servertest.HangGuard, func() bool { return service.Accepts(token) })
			s.Logout(token)
			best = min(best, servertest.Eventually(t, "it is refused", servertest.HangGuard, func() bool {
				return !service.Accepts(token)
			}))
		}
		if t.Logf("refused after %v", best); best > time.Second {
			t.Errorf("refused after %v, want a second at most", best)
		}
	})
}

// refusals is of how many ended sessions each must be refused how soon; with TEST_LONG=refusals so many and so soon that
// the machine has to do little else.
func refusals() (trials int, bound time.Duration) {
	if testenv.Long("refusals") {
		return 1000, 100 * time.Millisecond
	}
	return 50, time.Second
}

// TestEndedSession_IsRefusedByTheOtherInstance prints how soon.
func TestEndedSession_IsRefusedByTheOtherInstance(t *testing.T) {
	url := dbtest.Postgres(t)
	p := servertest.NewPair(t, url, url)
	p.WaitForCache()
	trials, bound := refusals()
	if most := p.SlowestRefusal(trials, bound); most > bound {
		t.Errorf("a session was accepted for %v after it had ended, want at most %v", most, bound)
	}
}

// TestEndedSession_ByTheCommandIsRefusedByARunningInstance, in each way to say which: the best of five, within a second.
// The others' go on, but for --all.
func TestEndedSession_ByTheCommandIsRefusedByARunningInstance(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, url string) {
		s := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+url)
		for _, which := range []string{"EMAIL", "--since", "--all"} {
			best := servertest.HangGuard
			for trials := 0; trials < 5 && (trials == 0 || best > time.Second); trials++ {
				other := s.Register()
				command := []string{"sessions", "end", which}
				if which == "--since" { // in whole seconds
					since := time.Now().Truncate(time.Second).Add(time.Second)
					time.Sleep(time.Until(since))
					command = append(command, since.Format(time.RFC3339))
				}
				a := s.Register()
				if which == "EMAIL" {
					command[2] = a.Email
				}
				for range 2 { // read, and from the cache
					s.Must(a.Access, servertest.Me)
				}
				s.Command("", command...)
				best = min(best, servertest.Eventually(t, "it is refused", servertest.HangGuard, func() bool {
					return s.Code(a.Access, servertest.Me) == "UNAUTHENTICATED"
				}))
				if goesOn := s.Code(other.Access, servertest.Me) == ""; goesOn != (which != "--all") {
					t.Errorf("sessions end %s: another account's session goes on: %t", which, goesOn)
				}
			}
			if t.Logf("%s: refused after %v", which, best); best > time.Second {
				t.Errorf("%s: refused after %v, want a second at most", which, best)
			}
		}
	})
}
