package accounts

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// TestMemoryStore_AttemptsWithoutAHashPushNothingOut: a store that is full of counters of guesses, and thousands of
// attempts of each kind that find no slot to hash and are refunded. They cost nothing, so they must forget nothing.
func TestMemoryStore_AttemptsWithoutAHashPushNothingOut(t *testing.T) {
	secret, err := token.ParseSecret("one secret of a test, of 32 bytes or more")
	testenv.Check(t, err)
	secrets, err := token.NewSecrets(secret)
	testenv.Check(t, err)
	throttle, err := newThrottler(Config{Throttle: &ThrottleConfig{
		Limits: DefaultThrottle(), Secrets: secrets, Key: make([]byte, token.KeyedHashKeyLen),
	}}, turns{})
	testenv.Check(t, err)
	const size, running = 100, 4
	store, now := newMemoryStore(size), time.Now()
	charge := func(a *attempt) time.Duration {
		refused, err := store.charge(t.Context(), a)
		testenv.Check(t, err)
		return refused.wait
	}
	from := func(n int) viewer.Origin {
		return viewer.Origin{IP: netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})}
	}
	for name, attemptOf := range map[string]func(n int) *attempt{
		"register":       func(n int) *attempt { return throttle.register(fmt.Sprint(n), from(n), now) },
		"reauthenticate": func(n int) *attempt { return throttle.proof(fmt.Sprint(n), uuid.New(), now) },
	} {
		for range throttle.limits.Account {
			charge(throttle.register("victim", from(-1), now))
		}
		for n := 0; store.counts.Len() < size-running*8; n++ {
			charge(throttle.register(fmt.Sprint("filled", n), from(-2-n), now)) // and has a hash
		}
		for n := 0; n < 10*size; n += running {
			var busy []*attempt
			for i := range running {
				busy = append(busy, attemptOf(n+i))
				charge(busy[i])
			}
			for _, a := range busy {
				store.refund(t.Context(), nil, a, false)
			}
		}
		if _, ok := store.counts.Peek(throttle.register("victim", from(-1), now).counters[0].name); !ok {
			t.Errorf("%s: the counter of an address under attack was forgotten", name)
		}
		if charge(throttle.register("victim", from(-1), now)) <= 0 {
			t.Errorf("%s: the attack may go on", name)
		}
		store.counts.Purge()
	}
}
