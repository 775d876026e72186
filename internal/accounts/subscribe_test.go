package accounts_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestSubscribe_ABurstThatEndsASubscriptionLosesNothing: of a burst of revocations a subscriber gets what its buffer holds,
// in order and without a gap, and then the end. What is in force has the rest, when it starts again.
func TestSubscribe_ABurstThatEndsASubscriptionLosesNothing(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		for range 39 {
			h.must(h.login(ada, goodPassword))
		}
		h.takeChanges()
		must(h.RevokeOtherSessions(t.Context(), p.Viewer))
		changes := h.takeChanges()
		notices, cancel := h.Subscribe()
		defer cancel()
		for range 40 { // of 39 each: a change may come twice
			h.HandleChanges(t.Context(), changes)
		}
		var got []uuid.UUID
		for n := range notices { // which ends
			got = append(got, n.Revocation.SessionID)
		}
		again, cancelAgain := h.Subscribe()
		defer cancelAgain()
		inForce := must(h.Revocations(t.Context()))
		testenv.Equal(t, 39, len(inForce), "revocations in force, for who starts again")
		for i, r := range got {
			if r != inForce[i%39].SessionID {
				t.Fatalf("notice %d is of another revocation than it was committed as", i)
			}
		}
		if len(got) < 100 || len(got) >= 40*39 {
			t.Errorf("%d notices before the end: this was no burst", len(got))
		}
		h.HandleChanges(t.Context(), changes)
		if n := <-again; n.Revocation == nil {
			t.Error("who starts again gets no further notice")
		}
	})
}
