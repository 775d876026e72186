package server

import (
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestFailures_AreToldOnceAMinuteAndCounted: of any two things that fail at any rate, in turns.
func TestFailures_AreToldOnceAMinuteAndCounted(t *testing.T) {
	for _, every := range []time.Duration{250 * time.Millisecond, time.Second, 5 * time.Second, time.Hour} {
		var f failures
		now, lines := time.Unix(1_700_000_000, 0), map[string]int{}
		const times = 1000
		for n := 1; n <= times; n++ {
			for _, what := range []string{"one", "other"} {
				count, tell := f.failed(what, now)
				testenv.Equal(t, n, count, "failures of %s", what)
				if tell {
					lines[what]++
				}
			}
			now = now.Add(every)
		}
		most := min(times, 1+int(times*every/tellInterval))
		if n := lines["one"]; n < most-1 || n > most || lines["other"] != n {
			t.Errorf("every %v: %v lines, want %d", every, lines, most)
		}
		testenv.Equal(t, fmt.Sprint(times, 0), fmt.Sprint(f.succeeded("one"), f.succeeded("one")), "failures that are over")
		if count, tell := f.failed("one", now); count != 1 || !tell {
			t.Errorf("the first one after a success: %d, told: %v", count, tell)
		}
	}
}
