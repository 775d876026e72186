package abuse

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestCancellation_MixesNoAnswers (CVE-2025-47907): users ask simultaneously and cancel at random moments. An
// answer that arrives, to the next question too, speaks of the user who asked, and of no other.
func TestCancellation_MixesNoAnswers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, databaseURL string) {
		s := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+databaseURL)
		users := make([]servertest.Account, 16)
		for i := range users {
			users[i] = s.Register()
			s.Must(users[i].Access, users[i].Questions()[1])
		}
		var answered, cancelled atomic.Int64
		lasts := map[bool]time.Duration{true: 700 * time.Millisecond, false: 1500 * time.Millisecond}[testing.Short()]
		began := time.Now()
		goesOn := func() bool { // a slow machine has longer
			few := min(answered.Load(), cancelled.Load()) < 100
			return time.Since(began) < lasts || few && time.Since(began) < testenv.HangGuard
		}
		var all sync.WaitGroup
		for _, user := range users {
			all.Go(func() {
				var usual [3]time.Duration // how long an answer takes: the moments lie within it and behind it
				for n := 0; goesOn(); n++ {
					timeout := time.Minute
					if n >= 3 {
						timeout = rand.N(usual[n%3] * 3 / 2)
					}
					a, whole := ask(s.Client, user, n%3, timeout)
					switch {
					case !whole:
						cancelled.Add(1)
						usual[n%3] = min(usual[n%3]*21/20, 2*time.Second)
					case !user.Owns(a):
						t.Errorf("%s was answered %v", user.ID, a)
						usual[n%3] = max(usual[n%3], time.Millisecond)
					default:
						answered.Add(1)
						usual[n%3] = a.Took
					}
				}
			})
		}
		all.Wait()
		for _, user := range users {
			if a, _ := ask(s.Client, user, 0, time.Minute); !user.Owns(a) {
				t.Errorf("after the storm: %s was answered %v", user.ID, a)
			}
		}
		t.Logf("%d answered, %d cancelled", answered.Load(), cancelled.Load())
		if answered.Load() < 100 || cancelled.Load() < 100 {
			t.Error("too few to tell")
		}
	})
}

// ask reports whether the answer was there before the user cancelled.
func ask(
	c *servertest.Client, user servertest.Account, question int, timeout time.Duration,
) (a servertest.Answer, whole bool) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	a = c.Do(servertest.Request{Query: user.Questions()[question], Token: user.Access, Context: ctx})
	return a, ctx.Err() == nil
}
