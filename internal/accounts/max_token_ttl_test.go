package accounts_test

import (
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

func TestMaxTokenTTL_RemembersTheLongest(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		for _, c := range []struct{ given, want time.Duration }{
			{10 * time.Minute, 10 * time.Minute}, {2 * time.Hour, 2 * time.Hour}, {10 * time.Minute,
				2 * time.Hour}, {3 * time.Hour, 3 * time.Hour},
		} {
			got := must(accounts.MaxTokenTTL(t.Context(), h.db.Client, c.given))
			testenv.Equal(t, c.want, got, "given %v", c.given)
		}
	})
}

// TestRevocations_OutliveTokensOfALongerTTL is what happens when their life is made shorter.
func TestRevocations_OutliveTokensOfALongerTTL(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h = h.instance(func(c *accounts.Config) { c.MaxTokenTTL = 2 * time.Hour })
		p := h.must(h.register(ada, goodPassword))
		must(h.Logout(t.Context(), p.Viewer, ""))
		for at, want := range map[time.Duration]int{0: 1, 2 * time.Hour: 1, 2*time.Hour + time.Minute: 0} {
			later := h.instance(func(c *accounts.Config) {
				c.Clock = func() time.Time { return h.clock.Now().Add(at) }
			})
			inForce := must(later.Revocations(t.Context()))
			testenv.Equal(t, want, len(inForce), "in force after %v", at)
		}
	})
}

func TestRevocations_FastClockDeletesNothingInForce(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		must(h.Logout(t.Context(), p.Viewer, ""))
		ahead := h.instance(func(c *accounts.Config) { c.Clock = func() time.Time { return h.clock.Now().Add(time.Hour) } })
		check(t, ahead.DeleteExpiredRevocations(t.Context()))
		inForce := must(h.Revocations(t.Context()))
		testenv.Equal(t, 1, len(inForce), "in force, after one instance had a wrong clock")
	})
}
