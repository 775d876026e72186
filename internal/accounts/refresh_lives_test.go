package accounts_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// formerLives are of an instance before a rolling change, and changedLives what that makes of one.
var (
	formerLives  = func(c *accounts.Config) { c.RefreshTTL, c.SessionTTL = refreshTTL/2, sessionTTL/2 }
	changedLives = map[string]func(*accounts.Config){
		"longer refresh":  func(c *accounts.Config) { c.RefreshTTL = refreshTTL },
		"shorter refresh": func(c *accounts.Config) { c.RefreshTTL = time.Hour },
		"longer session":  func(c *accounts.Config) { c.SessionTTL = sessionTTL },
		"shorter session": func(c *accounts.Config) { c.SessionTTL = c.RefreshTTL },
	}
)

// TestRefresh_OutlivesARollingChangeOfLives: one instance has the new lives and the other the former. Whichever signs in
// and refreshes, no session is lost before the shortest idle life is over, a late tab is late at both, and a copy is one
// at both.
func TestRefresh_OutlivesARollingChangeOfLives(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		email, former := registered(t, h), h.instance(formerLives)
		for name, change := range changedLives {
			both := []*fixture{former, former.instance(change)}
			for _, instance := range both { // as it starts
				check(t, accounts.StoreRefreshTTL(t.Context(), h.db.Client, instance.config.RefreshTTL))
			}
			for i := range 4 {
				refreshes, signs, tab := both[i&1], both[1-i&1], both[i>>1]
				for after, late := range map[time.Duration]bool{9 * time.Second: true, 12 * time.Second: false} {
					what := fmt.Sprintf("%s, case %b, after %v", name, i, after)
					owner := h.must(signs.login(email, goodPassword))
					h.clock.move(time.Hour - time.Second)
					next := h.must(refreshes.exchange(*owner.RefreshToken))
					again := h.must(tab.exchange(*owner.RefreshToken))
					testenv.Equal(t, *next.RefreshToken, *again.RefreshToken, "%s: the successor for another tab", what)
					h.clock.move(time.Hour - time.Second)
					last := h.must(refreshes.exchange(*next.RefreshToken))
					h.clock.move(after)
					wantReason(t, what, errOf(tab.exchange(*owner.RefreshToken)), "used")
					if late {
						h.wantActive(what, last)
						continue
					}
					h.wantRevoked(what, last)
				}
			}
		}
	})
}

// TestLongestRefreshTTL_IsOfAnyInstance, in whatever order they start, and also of one whose life was changed since.
func TestLongestRefreshTTL_IsOfAnyInstance(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		wantEqual(t, "before any", 0, must(accounts.LongestRefreshTTL(t.Context(), h.db.Client)))
		check(t, accounts.StoreRefreshTTL(t.Context(), h.db.Client, 1000*time.Hour+time.Millisecond))
		inParallel(50, func(i int) { // more than are stored
			check(t, accounts.StoreRefreshTTL(t.Context(), h.db.Client, time.Duration(1+i)*time.Hour))
		})
		wantEqual(t, "the longest", 1000*time.Hour+time.Millisecond, must(accounts.LongestRefreshTTL(t.Context(), h.db.Client)))
		if n := len(h.db.Client.Setting.GetX(t.Context(), "refresh_lives").Value); n > 8*32 {
			t.Errorf("%d bytes are stored", n)
		}
	})
}
