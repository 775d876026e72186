package accounts_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

const quarter = 15 * time.Minute

// history is one address, and all that an attacker may have collected from its accounts. The attacker knew the password,
// until it was changed.
type history struct {
	*fixture
	random   *rand.Rand
	password string
	given    []*accounts.AuthPayload // devices and sessions, the ended ones too
	guesses  []time.Time             // that were verified
	log      []string
}

// TestThrottle_VerifiesFewGuessesWhateverHappenedBefore takes random steps. Whatever came before, the password of one
// address is compared with at most so many wrong ones in any quarter of an hour. MODEL_SEED repeats a walk.
func TestThrottle_VerifiesFewGuessesWhateverHappenedBefore(t *testing.T) {
	steps := 60
	if testenv.Long("model") {
		steps = 3000
	}
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("MODEL_SEED"); text != "" {
		seed = must(strconv.ParseUint(text, 10, 64))
	}
	eachThrottled(t, func(t *testing.T, h *fixture) {
		limits := accounts.DefaultThrottle()
		bound := inAQuarter(limits.Account) + inAQuarter(4*limits.Pair) // unknown devices, and all known ones
		w := &history{fixture: h, random: rand.New(rand.NewPCG(seed, 0))}
		h.root()
		w.note("register")(w.registerAt(nth(0), ada))
		most := 0
		for range steps {
			w.live()
			for range 40 {
				w.guess()
			}
			if n := w.recent(); n > bound {
				t.Fatalf("%d wrong passwords were verified in a quarter of an hour, want at most %d; MODEL_SEED=%d\n%s", n,
					bound, seed, w.log)
			}
			most = max(most, w.recent())
			h.clock.move(time.Duration(w.random.IntN(300)) * time.Second)
		}
		t.Logf("MODEL_SEED=%d: at most %d of %d", seed, most, bound)
		if most < bound/2 {
			t.Errorf("at most %d guesses of %d: the walk tests little", most, bound)
		}
	})
}

// inAQuarter is how many attempts are let through in a quarter of an hour when so many are free.
func inAQuarter(free int) int {
	n := free
	for at, wait := time.Duration(0), 30*time.Second; at+wait < quarter; n++ {
		at, wait = at+wait, 2*wait
	}
	return n
}

// live is what the owner, an administrator or the operator does; the attacker gets what it gives.
func (w *history) live() {
	account, missing := w.AccountByEmail(w.t.Context(), ada)
	switch {
	case missing != nil:
		w.note("register")(w.registerAt(nth(w.random.IntN(1000)), ada))
	case w.random.IntN(4) > 0:
		w.note("login")(w.loginAt(w.with(w.last()), ada, w.password))
	default:
		names := slices.Sorted(maps.Keys(credentialChanges))
		name := names[w.random.IntN(len(names))]
		p := &accounts.AuthPayload{User: account.User, Viewer: w.last().Viewer}
		w.note(name)(credentialChanges[name](w.fixture, p))
	}
}

// passwordAfter is the password after a step that chooses one.
var passwordAfter = map[string]string{
	"register": goodPassword, "deleteAccount, register": goodPassword, "deleteAccount, admin create": otherPassword,
	"changePassword": otherPassword, "admin promote": otherPassword, "admin reset": otherPassword,
}

func (w *history) last() *accounts.AuthPayload { return w.given[len(w.given)-1] }

// with is somebody somewhere, with the device of an answer.
func (w *history) with(p *accounts.AuthPayload) *viewer.Viewer {
	return on(p, nth(w.random.IntN(1000)))
}

func (w *history) note(what string) func(*accounts.AuthPayload, error) {
	return func(p *accounts.AuthPayload, err error) {
		w.log = append(w.log, fmt.Sprintf("%s: %v", what, err))
		if err == nil {
			w.password = cmp.Or(passwordAfter[what], w.password)
		}
		if p != nil {
			w.given = append(w.given, p)
		}
	}
}

// guess tries a wrong password by a way that the attacker has.
func (w *history) guess() {
	const wrong = "a guess of the attacker"
	p := w.given[w.random.IntN(len(w.given))]
	before := w.config.Passwords.Hashed()
	switch w.random.IntN(4) {
	case 0:
		w.reauthenticate(p.Viewer, wrong)
	case 1:
		w.changePassword(p.Viewer, wrong, goodPassword)
	case 2:
		w.loginAt(w.with(p), ada, wrong)
	default:
		w.loginAt(nth(w.random.IntN(1000)), ada, wrong)
	}
	for range w.config.Passwords.Hashed() - before {
		w.guesses = append(w.guesses, w.clock.Now())
	}
}

// recent counts the guesses of the last quarter of an hour.
func (w *history) recent() int {
	w.guesses = slices.DeleteFunc(w.guesses, func(at time.Time) bool { return w.clock.Now().Sub(at) >= quarter })
	return len(w.guesses)
}
