package verify

import (
	"context"
	"testing"
	"time"
	"unsafe"
)

// TestFeed_ReconnectsAfterAMachineWasSuspended is a clock that stands still while the other one runs. The connection
// survives, and all times that are measured on it are wrong from then on.
func TestFeed_ReconnectsAfterAMachineWasSuspended(t *testing.T) {
	for name, lost := range map[string]time.Duration{
		"the reader, for long": -10 * time.Second,
		"the issuer, for long": 10 * time.Second, "the issuer, for a moment": time.Second,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, here := newGatehouse(t), &clock{}
			v := g.service(func(c *Config) {
				c.Clock, c.Revocations = here.now, &Feed{Token: feedToken, MaxSilence: minMaxSilence}
			})
			v.feed.stallTimeout = 2 * time.Second
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() { _ = v.Run(ctx) }()
			text := g.issue()
			wantSoon(t, v, text, nil)
			g.closed.Store(true) // to a new connection, for now
			here.forward(lost)
			want(t, v, text, ErrUnavailable) // what was received before
			g.closed.Store(false)
			wantSoon(t, v, text, nil)
			if g.opened.Load() < 2 {
				t.Error("the connection is the same: this shows nothing")
			}
		})
	}
}

// TestAge_IsTheLongerOfBothClocks is a suspension that only the wall clock of the reader shows.
func TestAge_IsTheLongerOfBothClocks(t *testing.T) {
	now := time.Now()
	for wall, want := range map[time.Duration]time.Duration{
		0: time.Second, time.Hour: time.Hour + time.Second, -time.Hour: time.Second,
	} {
		if got := age(wallMoved(t, now.Add(time.Second), wall), now); got != want {
			t.Errorf("a second and %v: %v, want %v", wall, got, want)
		}
	}
}

// wallMoved returns a moment whose wall clock says another time than its monotonic one. It uses the layout of
// time.Time, whose first word has the seconds in its upper half, since there is no other way.
func wallMoved(t *testing.T, moment time.Time, by time.Duration) time.Time {
	t.Helper()
	moved := moment
	*(*uint64)(unsafe.Pointer(&moved)) += uint64(int64(by/time.Second) << 30)
	if moved.Sub(moment) != 0 || moved.Round(0).Sub(moment.Round(0)) != by {
		t.Fatalf("time.Time has another layout than this test expects: %v, %v", moment, moved)
	}
	return moved
}
