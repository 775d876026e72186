package accounts

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
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
	store, now := newGuessStore(size), time.Now()
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
		for n := 0; len(store.byName) < size-running*8; n++ {
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
		if store.byName[throttle.register("victim", from(-1), now).counters[0].name] == nil {
			t.Errorf("%s: the counter of an address under attack was forgotten", name)
		}
		if charge(throttle.register("victim", from(-1), now)) <= 0 {
			t.Errorf("%s: the attack may go on", name)
		}
		store = newGuessStore(size)
	}
}

// TestMemoryStore_ForgottenCountersAllowNoMoreGuesses: many times as many addresses are tried as the store holds, some of
// them all the time, in a walk of half a day. However often an address is forgotten, so many attempts on it are let through
// in any quarter of an hour as one address alone allows. Without floors they are more: the walk would show it.
func TestMemoryStore_ForgottenCountersAllowNoMoreGuesses(t *testing.T) {
	seed := rand.Uint64()
	bound := mostInAQuarter(newGuessStore(10), 1, rand.New(rand.NewPCG(seed, 0)))
	testenv.Equal(t, 9, bound, "attempts on one address alone")
	for _, addresses := range []int{20, 60, 200, 2000} {
		if n := mostInAQuarter(newGuessStore(40), addresses, rand.New(rand.NewPCG(seed, 0))); n > bound || n == 0 {
			t.Errorf("%d addresses: %d attempts on one of them in a quarter of an hour, want at most %d; seed %d", addresses,
				n, bound, seed)
		}
	}
	if n := mostInAQuarter(newMemoryStore(40), 60, rand.New(rand.NewPCG(seed, 0))); n <= bound {
		t.Errorf("without floors at most %d attempts: the walk tests little", n)
	}
}

// mostInAQuarter tries addresses for half a day, each from a network of its own, and returns how many attempts on one of them
// were let through in a quarter of an hour at most.
func mostInAQuarter(store *memoryStore, addresses int, random *rand.Rand) (most int) {
	name := func(n int, kind byte) uuid.UUID { return uuid.UUID{kind, byte(n >> 8), byte(n)} }
	let := map[int][]time.Time{}
	now := time.Now()
	for end := now.Add(12 * time.Hour); now.Before(end); now = now.Add(time.Duration(random.IntN(20)) * time.Second) {
		for range min(addresses, 20) {
			n := random.IntN(addresses)
			if random.IntN(2) == 0 {
				n = random.IntN(min(addresses, 5))
			}
			refused := store.count(now, counter{name(n, 1), limitAccount, backoff{5, maxAccountDelay}},
				counter{name(random.IntN(1<<16), 2), limitNetwork, backoff{100, maxNetworkDelay}})
			if refused.wait > 0 {
				continue
			}
			old := func(at time.Time) bool { return now.Sub(at) >= 15*time.Minute }
			let[n] = append(slices.DeleteFunc(let[n], old), now)
			most = max(most, len(let[n]))
		}
	}
	return most
}

// TestMemoryStore_AFloodBuysTimeOnlyWithItsOwnAttempts: while others try as many addresses as the store holds of
// accounts, and a quarter more, and ask for as many mails, an owner on a new device has four attempts of five; and all
// five when the flood is over.
func TestMemoryStore_AFloodBuysTimeOnlyWithItsOwnAttempts(t *testing.T) {
	const size = 4096
	store, now := newGuessStore(size), time.Now()
	rule := backoff{5, maxAccountDelay}
	for n := range size * 5 / 8 {
		mail := counter{uuid.New(), limitMail, backoff{freeMails, maxMailDelay}}
		store.count(now, mail, counter{uuid.UUID{byte(n)}, limitNetwork, backoff{100, maxNetworkDelay}})
		store.count(now, counter{uuid.New(), limitAccount, rule})
	}
	for after, want := range map[time.Duration]int{0: 4, maxAccountDelay: 5} {
		owner, passed := counter{uuid.New(), limitAccount, rule}, 0
		for store.count(now.Add(after), owner).wait <= 0 {
			passed++
		}
		testenv.Equal(t, want, passed, "attempts of an owner, %v later", after)
	}
	for range 5 * size { // with maxCounters some 330,000 passwords that were hashed
		store.count(now, counter{uuid.New(), limitAccount, rule})
	}
	known := counter{uuid.New(), limitPair, backoff{5, maxAccountDelay}}
	if wait := store.delay(now, known).wait; wait > 0 {
		t.Errorf("a known device waits %v for the attempts of unknown ones", wait)
	}
}
