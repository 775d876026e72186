package faults

import (
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestThrottle_ACrashOfPostgresGivesAwayFewGuesses: the charge of an attempt does not wait for the disk. A crash forgets
// the newest ones at most, of which there are no more than are free, and nothing that is a second old.
func TestThrottle_ACrashOfPostgresGivesAwayFewGuesses(t *testing.T) {
	if testing.Short() {
		t.Skip("restarts Postgres for some seconds")
	}
	const free = 5
	cluster := dbtest.NewServer(t)
	s := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+cluster.URL("postgres"), "GATEHOUSE_THROTTLE=on")
	guesses := func() (verified int) {
		for range free + 3 {
			switch code := s.Code("", `mutation { login(input: {email: "ann@example.com", password: "a wrong guess"}) { accessToken } }`); code {
			case "INVALID_CREDENTIALS":
				verified++
			case "RATE_LIMITED":
			default:
				t.Errorf("a guess: %s", code)
			}
		}
		return verified
	}
	if n := guesses(); n != free {
		t.Fatalf("%d guesses were verified, and %d are free", n, free)
	}
	for _, c := range []struct{ after, most int }{{0, free}, {0, free}, {1200, 0}} {
		testenv.SleepAwake(time.Duration(c.after) * time.Millisecond) // in which Postgres writes to its disk
		for _, step := range []func() error{cluster.Kill, cluster.Start} {
			servertest.Check(t, step())
		}
		servertest.Eventually(t, "ready", servertest.HangGuard, func() bool {
			return s.Code("", fmt.Sprintf(`mutation { login(input: {email: %q, password: "a wrong guess"}) { accessToken } }`,
				servertest.NewAddress())) == "INVALID_CREDENTIALS"
		})
		n := guesses()
		t.Logf("killed %d ms after the last guess: %d more were verified", c.after, n)
		if n > c.most {
			t.Errorf("killed %d ms after the last guess: %d more were verified, want at most %d", c.after, n, c.most)
		}
	}
}
