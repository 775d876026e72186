package database_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestFollow_IdlePausesLoseNothing pauses the need for it again and again, for about as long as a read takes. A read that
// the machine interrupts for a second is lost: then all is done again.
func TestFollow_IdlePausesLoseNothing(t *testing.T) {
	t.Parallel()
	pauses := 20
	if testenv.Long("refusals") {
		pauses = 300
	}
	dbtest.Each(t, func(t *testing.T, url string) {
		t.Parallel()
		for tries := 1; ; tries++ {
			stood := testenv.Stood()
			lost, lines := idlePauses(t, url, pauses)
			if lost == 1 && !strings.Contains(lines, "cannot be read") {
				return
			}
			if testenv.Stood()-stood < time.Second/2 || tries == 10 {
				t.Fatalf("lost %d times in %d pauses; want once, at the start\n%s", lost, pauses, lines)
			}
		}
	})
}

// idlePauses returns how often the place was lost, and what was logged.
func idlePauses(t *testing.T, url string, pauses int) (times int64, logged string) {
	var lines testenv.Buffer
	d := must(database.Open(t.Context(), database.Config{URL: url, Log: slog.New(slog.NewTextHandler(&lines, nil))}))
	t.Cleanup(func() { check(t, d.Close()) })
	must(d.Migrate(t.Context()))
	var lost, synced atomic.Int64
	var needed atomic.Bool
	follow(t, d, database.Follower{Changed: func([]database.Change) {}, Synced: func(time.Time) { synced.Add(1) },
		Lost: func() { lost.Add(1) }, Needed: needed.Load})
	for range pauses {
		needed.Store(true)
		before := synced.Load()
		testenv.Eventually(t, "in sync", testenv.HangGuard, func() bool { return synced.Load() > before })
		needed.Store(false)
		time.Sleep(rand.N(80 * time.Millisecond))
	}
	return lost.Load(), lines.String()
}

// TestFollow_PausesOfClocksThatDifferLoseNothing: a clock may be set while nobody reads, by nanoseconds or by days. What
// looks like a pause of more than MaxAway is one, since a machine may have slept.
func TestFollow_PausesOfClocksThatDifferLoseNothing(t *testing.T) {
	pauses := 60
	if testenv.Long("refusals") {
		pauses = 1000
	}
	eachLogged(t, func(t *testing.T, l *logged) {
		var kept, given int
		for i := range pauses {
			span := []time.Duration{2, time.Microsecond, time.Second, database.MaxAway, 48 * time.Hour}[i%5]
			moved := rand.N(2*span) - span
			if i == 0 {
				moved = 48 * time.Hour
			}
			if (moved - database.MaxAway).Abs() < time.Minute {
				continue // the time that this test takes decides
			}
			l.ClockMoved(moved)
			l.exec(rename, fmt.Sprint(i), l.user.ID)
			if moved > database.MaxAway {
				if _, lost := l.read(); !lost {
					t.Errorf("a clock that is %v later: went on", moved)
				}
				given++
				continue
			}
			l.wantRead(fmt.Sprintf("a clock that is %v later", moved), 1, l.user.ID)
			kept++
		}
		if kept < pauses/2 || given == 0 {
			t.Errorf("went on after %d pauses and began anew after %d: this shows too little", kept, given)
		}
	})
}

func follow(t *testing.T, d *database.Database, f database.Follower) {
	ctx, cancel := context.WithCancel(t.Context())
	var over sync.WaitGroup
	over.Go(func() { d.Follow(ctx, f) })
	t.Cleanup(func() { cancel(); over.Wait() })
}

// TestFollow_TellsOfACommitSoon prints how soon, whatever is in between.
func TestFollow_TellsOfACommitSoon(t *testing.T) {
	t.Parallel()
	trials := 20
	if testenv.Long("refusals") {
		trials = 200
	}
	direct := dbtest.Postgres(t)
	for name, url := range map[string]string{"postgres": direct, "transaction": dbtest.PgBouncer(t, direct, "transaction"),
		"session": dbtest.PgBouncer(t, direct, "session"), "sqlite": dbtest.SQLite(t)} {
		t.Run(name, func(t *testing.T) {
			d := migrated(t, url)
			user := must(newUser(t.Context(), d.Client, name+"@example.com"))
			told := make(chan time.Time, 100)
			var synced atomic.Bool
			follow(t, d, database.Follower{Changed: func([]database.Change) { told <- time.Now() }, Lost: func() {},
				Synced: func(time.Time) { synced.Store(true) }, Needed: func() bool { return true }})
			testenv.Eventually(t, "in sync", testenv.HangGuard, synced.Load)
			var took []time.Duration
			for i := range trials {
				time.Sleep(rand.N(20 * time.Millisecond))
				must(d.SQL().Exec(rename, fmt.Sprint(i), user.ID))
				committed := time.Now()
				took = append(took, (<-told).Sub(committed))
			}
			slices.Sort(took)
			t.Logf("told after p50 %v, max %v (%d trials)", took[trials/2], took[trials-1], trials)
			if took[trials/2] > time.Second {
				t.Errorf("half of the commits were told of after %v", took[trials/2])
			}
		})
	}
}
