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
