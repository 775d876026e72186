package verify

import (
	"context"
	"testing"
	"time"
	"unsafe"
)

// TestAMachineThatWasSuspendedIsSoonInTouch is a clock that stands still while the other one counts on: the connection
// survives, and every time that is counted on it is wrong from then on.
func TestAMachineThatWasSuspendedIsSoonInTouch(t *testing.T) {
	for name, lost := range map[string]time.Duration{
		"the reader, for long": -10 * time.Second, "the issuer, for long": 10 * time.Second, "the issuer, for a moment": time.Second,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, here := newGatehouse(t), &clock{}
			v := g.service(func(c *Config) {
				c.Clock, c.Revocations = here.now, &Feed{Token: feedToken, MaxSilence: leastSilence}
			})
			v.feed.hung = 2 * time.Second
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() { _ = v.Run(ctx) }()
			text := g.issue()
			soon(t, v, text, nil)
			here.forward(lost)
			want(t, v, text, ErrUnavailable) // what was heard before
			soon(t, v, text, nil)
			if g.opened.Load() < 2 {
				t.Error("the connection is the same: this shows nothing")
			}
		})
	}
}

// TestTheClockThatSaysLongerDecides is a suspension that only the wall clock of the reader shows.
func TestTheClockThatSaysLongerDecides(t *testing.T) {
	now := time.Now()
	for wall, want := range map[time.Duration]time.Duration{0: time.Second, time.Hour: time.Hour + time.Second, -time.Hour: time.Second} {
		if got := age(wallMoved(t, now.Add(time.Second), wall), now); got != want {
			t.Errorf("a second and %v: %v, want %v", wall, got, want)
		}
	}
}

// wallMoved returns a moment whose wall clock says another time than its monotonic one. There is no other way to make
// one than to know that seconds are the upper half of time.Time's first word.
func wallMoved(t *testing.T, moment time.Time, by time.Duration) time.Time {
	t.Helper()
	moved := moment
	*(*uint64)(unsafe.Pointer(&moved)) += uint64(int64(by/time.Second) << 30)
	if moved.Sub(moment) != 0 || moved.Round(0).Sub(moment.Round(0)) != by {
		t.Fatalf("time.Time is made otherwise than this test knows: %v, %v", moment, moved)
	}
	return moved
}
