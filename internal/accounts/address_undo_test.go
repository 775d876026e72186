package accounts_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestAddresses_WithALivingUndoAreNeverFree, whatever moves, undos and ends of other undos come between: nobody registers
// one. Others are free when the sweep has run.
func TestAddresses_WithALivingUndoAreNeverFree(t *testing.T) {
	walks := 4
	if testenv.Long("model") {
		walks = 300
	}
	eachDatabase(t, func(t *testing.T, h *fixture) {
		all := []string{ada, ada2, ada3}
		held, kept := 0, 0
		for range walks {
			seed := rand.Uint64()
			random := rand.New(rand.NewPCG(seed, 0))
			p := h.verified(ada)
			at, undos := ada, []*accounts.Letter{}
			for range 12 {
				switch i := random.IntN(8); {
				case i < 5:
					to := all[random.IntN(3)]
					if to != at {
						undos = append(undos, h.moved(p, at, to))
						at = to
					}
				case i == 5 && len(undos) > 0:
					u := random.IntN(len(undos))
					check(t, h.revertChange(undos[u].Token))
					at, undos = undos[u].To, undos[:u]
					p = h.must(h.resetPassword(h.letter(accounts.MailReset, at).Token, goodPassword))
				default:
					h.clock.move(time.Duration(random.IntN(60)) * time.Hour)
					check(t, h.FreeFormerAddresses(t.Context()))
					p = h.must(h.login(at, goodPassword))
				}
				h.clock.move(time.Second)
				h.told = nil
				undos = slices.DeleteFunc(undos, func(l *accounts.Letter) bool { return !h.clock.Now().Before(l.Expires) })
				for _, l := range undos {
					held++
					if _, err := h.register(l.To, otherPassword); !problem.Is(err, problem.EmailTaken) {
						t.Fatalf("seed %d: %s is free, and an undo leads to it: %v", seed, l.To, err)
					}
				}
			}
			h.clock.move(8 * 24 * time.Hour)
			check(t, h.FreeFormerAddresses(t.Context()))
			kept += h.rows("addresses")
			h.forgetUsers()
		}
		testenv.Equal(t, walks, kept, "addresses when all undos have ended")
		if held < walks {
			t.Errorf("%d undos led to an address", held)
		}
	})
}

// forgetUsers begins again with an empty database.
func (h *fixture) forgetUsers() {
	h.t.Helper()
	for _, table := range []string{"jobs", "one_time_tokens", "addresses", "sessions", "users"} {
		h.exec("DELETE FROM " + table)
	}
	h.payloads, h.told = nil, nil
}
