package accounts_test

import (
	"slices"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
)

// TestThrottle_RightPasswordsOfOneAccountAreBounded: a hundred right passwords, by each way to prove one. Each that
// passes costs a hash and an event; what is refused costs no hash, and its event has a budget in the log.
func TestThrottle_RightPasswordsOfOneAccountAreBounded(t *testing.T) {
	const free, tries = 10, 100
	limits := accounts.DefaultThrottle()
	limits.SignIn = free
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h = h.throttled(limits)
		p := h.must(h.registerAt(at("192.0.2.7"), ada))
		bob := h.must(h.registerAt(at("192.0.2.8"), "bob@example.com"))
		for _, name := range []string{"login", "login on a known device", "reauthenticate"} {
			h.clock.move(time.Hour)
			h.events = nil
			before, refused := h.config.Passwords.Hashed(), 0
			for range tries {
				err := h.proofs(p, goodPassword)[name](t.Context())
				if problem.Is(err, problem.RateLimited) {
					refused++
				} else {
					check(t, err)
				}
			}
			hashed, throttled := h.config.Passwords.Hashed()-before, h.count(accounts.AttemptThrottled)
			if hashed != free || refused != tries-free || throttled != refused || len(h.events) != tries {
				t.Errorf("%s: %d hashes, %d refused, %d of %d events", name, hashed, refused, throttled, len(h.events))
			}
			if err := h.proofs(p, goodPassword)["changePassword"](t.Context()); !problem.Is(err, problem.RateLimited) {
				t.Errorf("changePassword after %s: %v", name, err)
			}
			h.must(h.loginAt(on(bob, at("192.0.2.8")), "bob@example.com", goodPassword)) // others are not held up
			h.clock.move(2 * time.Second)
			check(t, h.proofs(p, goodPassword)[name](t.Context())) // nor the account for long
		}
	})
}

func (h *fixture) count(kind accounts.EventKind) int {
	return len(slices.DeleteFunc(slices.Clone(h.events), func(e accounts.Event) bool { return e.Kind != kind }))
}
