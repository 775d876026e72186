package accounts_test

import (
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
)

// TestRefresh_SecondAttemptAfterALateOneEndsACopy: a thief refreshes twice just before the owner, whose token is then
// taken for late. The owner's client tries again after eleven seconds, as docs/clients.md says, whatever the thief does
// meanwhile.
func TestRefresh_SecondAttemptAfterALateOneEndsACopy(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		for meanwhile := range 4 {
			h.clock.move(time.Hour)
			owner := h.must(h.login(registered(t, h), goodPassword))
			thief := owner
			for range 2 {
				thief = h.must(h.exchange(*thief.RefreshToken))
			}
			wantReason(t, "the owner", errOf(h.exchange(*owner.RefreshToken)), "used")
			h.wantActive("the thief's session", thief)
			h.clock.move(11 * time.Second)
			for range meanwhile {
				thief = h.must(h.exchange(*thief.RefreshToken))
			}
			h.events = nil
			wantReason(t, "the owner again", errOf(h.exchange(*owner.RefreshToken)), "used")
			if h.count(accounts.RefreshReused) != 1 {
				t.Errorf("%d refreshes meanwhile: events %v", meanwhile, h.events)
			}
			h.wantRevoked("the thief's session", thief)
		}
	})
}

// registered returns the address of an account, which the first call creates.
func registered(t *testing.T, h *fixture) string {
	t.Helper()
	if _, err := h.register(ada, goodPassword); err != nil && !problem.Is(err, problem.EmailTaken) {
		t.Fatal(err)
	}
	return ada
}

// TestRefresh_LateRequestsAreTold: a few of them, since nothing bounds how often a client sends its old token.
func TestRefresh_LateRequestsAreTold(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		owner := h.must(h.register(ada, goodPassword))
		next := h.must(h.exchange(*owner.RefreshToken))
		h.must(h.exchange(*next.RefreshToken))
		h.events = nil
		for range 200 {
			wantReason(t, "late", errOf(h.exchange(*owner.RefreshToken)), "used")
		}
		if told := h.count(accounts.RefreshLate); told < 1 || told > 10 {
			t.Errorf("%d events", told)
		}
	})
}
