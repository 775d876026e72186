package accounts_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/password"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// eachThrottled tells one story on both engines, to a service that counts tries.
func eachThrottled(t *testing.T, story func(t *testing.T, h *fixture)) {
	t.Helper()
	eachDatabase(t, func(t *testing.T, h *fixture) { story(t, h.throttled(accounts.DefaultThrottle())) })
}

func (h *fixture) throttled(limits accounts.ThrottleLimits) *fixture {
	h.t.Helper()
	return h.instance(func(c *accounts.Config) {
		c.Throttle = &accounts.ThrottleConfig{Limits: limits, Secrets: secretsOf(h.t, theSecret), Key: counterKey, Shared: h.onPostgres()}
		c.Passwords = hasher(h.t, password.Config{}) // whose hashes are counted apart
	})
}

func (h *fixture) onPostgres() bool {
	_, is := database.SQLitePath(h.url)
	return !is
}

// at is somebody at an address.
func at(ip string) *viewer.Viewer {
	return &viewer.Viewer{Origin: viewer.Origin{IP: netip.MustParseAddr(ip)}}
}

// nth is somebody in the nth of many networks.
func nth(n int) *viewer.Viewer { return at(fmt.Sprintf("10.%d.%d.%d", n>>16, n>>8&255, n&255)) }

// on is somebody at an address, on the device that an answer made known.
func on(p *accounts.AuthPayload, v *viewer.Viewer) *viewer.Viewer {
	v.Origin.Device = *p.Device
	return v
}

func (h *fixture) loginAt(v *viewer.Viewer, email, pw string) (*accounts.AuthPayload, error) {
	return h.note(pw)(h.Login(h.t.Context(), v, accounts.LoginInput{Email: email, Password: pw}))
}

func (h *fixture) registerAt(v *viewer.Viewer, email string) (*accounts.AuthPayload, error) {
	return h.note(goodPassword)(h.Register(h.t.Context(), v,
		accounts.RegisterInput{Email: email, Password: goodPassword}))
}

// wait returns what a refusal says, and checks that it is the one that tells nothing.
func (h *fixture) wait(what string, p *accounts.AuthPayload, err error) time.Duration {
	h.t.Helper()
	refusal := wantProblem(h.t, what, err, problem.RateLimited, "")
	if p != nil || refusal.Message != "Too many attempts; wait as long as retryAfter says." || refusal.Cause != nil || refusal.RetryAfter <= 0 {
		h.t.Errorf("%s: %v, %+v", what, p, refusal)
	}
	return refusal.RetryAfter
}

// verified reports whether the password of a try was compared, and found wrong.
func verified(t *testing.T, err error) bool {
	t.Helper()
	if err == nil || !problem.Is(err, problem.InvalidCredentials) && !problem.Is(err, problem.RateLimited) {
		t.Errorf("%v, want INVALID_CREDENTIALS or RATE_LIMITED", err)
	}
	return problem.Is(err, problem.InvalidCredentials)
}

// verifies counts how many of n guesses are verified, and holds them against the hashes that were computed.
func (h *fixture) verifies(n int, guess func(i int) error) int {
	h.t.Helper()
	before, passed := h.config.Passwords.Hashed(), 0
	for i := range n {
		if verified(h.t, guess(i)) {
			passed++
		}
	}
	if hashed := h.config.Passwords.Hashed() - before; hashed != int64(passed) {
		h.t.Errorf("%d tries were verified, with %d hashes", passed, hashed)
	}
	return passed
}

// guess is a wrong password for an account, from a network of its own each time.
func (h *fixture) guess(email string) func(int) error {
	return func(i int) error { return errOf(h.loginAt(nth(i), email, otherPassword)) }
}

func TestThrottle_UnknownDevicesSlowEachOtherAndNotTheOwner(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		home := at("192.0.2.7")
		home = on(h.must(h.registerAt(home, ada)), home)
		testenv.Equal(t, 5, h.verifies(50, h.guess(ada)), "guesses from 50 networks verified")
		hashed := h.config.Passwords.Hashed()
		p, err := h.loginAt(at("198.51.100.1"), ada, goodPassword)
		testenv.Equal(t, 30*time.Second, h.wait("the right password from an unknown device", p, err), "wait")
		testenv.Equal(t, hashed, h.config.Passwords.Hashed(), "hashes after a refused try")
		for range 20 { // and each success leaves the next ones free
			h.must(h.loginAt(home, ada, goodPassword))
			h.tooMany(h.loginAt(nth(60), ada, goodPassword))
		}
		for i := range 4 {
			if _, err := h.loginAt(home, ada, otherPassword); !verified(t, err) {
				t.Errorf("the owner's mistake %d was not verified", i)
			}
		}
		h.must(h.loginAt(home, ada, goodPassword))
		testenv.Equal(t, 5, h.verifies(50, func(int) error { return errOf(h.loginAt(home, ada, otherPassword)) }),
			"guesses from the known device verified: the success takes back those before it")
		h.tooMany(h.loginAt(home, ada, goodPassword))
		h.must(h.loginAt(home, h.must(h.registerAt(home, "bob@example.com")).User.Email, goodPassword))
	})
}

func (h *fixture) tooMany(p *accounts.AuthPayload, err error) {
	h.t.Helper()
	h.wait("a try too many", p, err)
}

// The owner's success from another network takes back itself, and not what others did.
func TestThrottle_OwnersSuccessRefundsNoOtherNetwork(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		h.must(h.registerAt(at("192.0.2.7"), ada))
		guesses := h.verifies(4, h.guess(ada))
		for i := range 10 {
			h.loginAt(nth(100+i), ada, goodPassword)
			guesses += h.verifies(1, h.guess(ada))
		}
		testenv.Equal(t, 5, guesses, "guesses verified")
	})
}

// A neighbour has the owner's network, and guesses every five seconds, for much longer than the longest delay, which is 16
// minutes.
func TestThrottle_NeighboursCannotLockOutTheOwner(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		owner := on(h.must(h.registerAt(at("192.0.2.7"), ada)), at("192.0.2.7"))
		signedIn := 0
		for i := range 120 {
			for j := range 12 {
				h.clock.move(5 * time.Second)
				h.loginAt(at("192.0.2.7"), []string{ada, fmt.Sprintf("x%d@example.com", i)}[j%2], otherPassword)
			}
			if _, err := h.loginAt(owner, ada, goodPassword); err == nil {
				signedIn++
			}
		}
		wantEqual(t, "right passwords that were accepted in two hours", 120, signedIn)
	})
}

// A quarter of an hour of guessing, a try a second, from one device or from many networks.
func TestThrottle_VerifiesAtMostTenGuessesIn15Minutes(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		p := h.must(h.registerAt(at("192.0.2.7"), ada))
		for name, from := range map[string]func(i int) *viewer.Viewer{
			"the known device": func(i int) *viewer.Viewer { return on(p, nth(i)) },
			"many networks":    nth,
		} {
			if n := h.verifies(15*60, func(i int) error {
				h.clock.move(time.Second)
				_, err := h.loginAt(from(i), ada, otherPassword)
				return err
			}); n != 9 {
				t.Errorf("from %s: %d guesses in 15 minutes, want 9", name, n)
			}
		}
	})
}

// Nobody's address is counted as an account's is. All spellings of an address are one account.
func TestThrottle_AnswersDoNotRevealAccounts(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		h.must(h.registerAt(at("192.0.2.7"), ada))
		var answers []string
		for k, spellings := range [][]string{{ada, " Ada@Example.com", "ADA@EXAMPLE.COM "}, {"eve@example.com", "Eve@Example.COM", "eve@example.com\n"}, {"no address"}} {
			var said []string
			for i := range 12 {
				if i >= 5 {
					h.clock.move(3 * time.Second)
				}
				_, err := h.loginAt(nth(100*k+i), spellings[i%len(spellings)], otherPassword)
				p, _ := errors.AsType[*problem.Problem](err)
				said = append(said, fmt.Sprintf("%v %v", p, p.RetryAfter))
			}
			answers = append(answers, strings.Join(said, "\n"))
		}
		if answers[0] != answers[1] || answers[0] != answers[2] || strings.Count(answers[0], "RATE_LIMITED") != 7 {
			t.Errorf("an account:\n%s\nnobody's address:\n%s\nno address:\n%s", answers[0], answers[1], answers[2])
		}
	})
}

func TestThrottle_OneNetworkCannotTryManyAccounts(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		for name, c := range map[string]struct {
			from    func(i int) *viewer.Viewer
			another *viewer.Viewer
		}{
			"IPv4":        {func(int) *viewer.Viewer { return at("198.51.100.1") }, at("198.51.100.2")},
			"IPv4 as 6":   {func(i int) *viewer.Viewer { return at([]string{"198.51.100.3", "::ffff:198.51.100.3"}[i%2]) }, at("198.51.100.4")},
			"an IPv6 /64": {func(i int) *viewer.Viewer { return at(fmt.Sprintf("2001:db8:0:1::%x", i)) }, at("2001:db8:0:2::1")},
			"not known":   {func(int) *viewer.Viewer { return &viewer.Viewer{} }, at("198.51.100.5")},
		} {
			stuff := func(i int) error {
				return errOf(h.loginAt(c.from(i), fmt.Sprintf("%s%d@example.com", strings.Fields(name)[0], i),
					otherPassword))
			}
			testenv.Equal(t, 100, h.verifies(150, stuff), "%s: accounts tried", name)
			if _, err := h.loginAt(c.another, "x@example.com", otherPassword); !verified(t, err) {
				t.Errorf("%s: another network is held up too", name)
			}
			h.clock.move(2 * time.Second)
			testenv.Equal(t, 1, h.verifies(3, func(i int) error { return stuff(200 + i) }),
				"%s: tries after the wait", name)
		}
	})
}

// A customer may have a whole IPv6 network, so the wider ones have bounds of their own.
func TestThrottle_WideNetworksAreLimitedToo(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h = h.throttled(accounts.ThrottleLimits{Account: 5, Pair: 5, Network: 3, Register: 30, Refresh: 5, SignIn: 300})
		for i, c := range []struct {
			from    string
			want    int
			another string
		}{
			{"2001:db8:1::%x", 3, "2001:db8:1:1::"},
			{"2001:db8:2:%02x::1", 4 * 3, "2001:db8:2:100::"},
			{"2001:db8:3:%02x00::1", 16 * 3, "2001:db8:4::"},
			{"64:ff9b::198.51.100.%d", 60, "192.0.2.1"}, // IPv4 addresses, by NAT64
		} {
			passed := h.verifies(60, func(n int) error {
				return errOf(h.loginAt(at(fmt.Sprintf(c.from, n+1)), fmt.Sprintf("x%d-%d@example.com", i, n), otherPassword))
			})
			wantEqual(t, "guesses from "+c.from, c.want, passed)
			if _, err := h.loginAt(at(c.another), "y@example.com", otherPassword); !verified(t, err) {
				t.Errorf("%s is held up too", c.another)
			}
		}
	})
}

// A network that unknown callers have used up does not hold up the known devices in it.
func TestThrottle_OwnersInACrowdedNetworkPass(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h = h.throttled(accounts.ThrottleLimits{Account: 5, Pair: 5, Network: 10, Register: 30, Refresh: 5, SignIn: 300})
		crowd := at("198.51.100.1")
		owner := on(h.must(h.registerAt(crowd, ada)), at("198.51.100.1"))
		stuff := func(i int) error { return errOf(h.loginAt(crowd, fmt.Sprintf("x%d@example.com", i), otherPassword)) }
		wantEqual(t, "tries", 10, h.verifies(20, stuff))
		for range 30 { // and successes are not counted
			h.must(h.loginAt(owner, ada, goodPassword))
		}
	})
}

func TestThrottle_OwnAccountBuysNoAttemptsAgainstOthers(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h = h.throttled(accounts.ThrottleLimits{Account: 5, Pair: 5, Network: 10, Register: 30, Refresh: 5, SignIn: 300})
		h.must(h.registerAt(at("192.0.2.7"), ada))
		h.must(h.registerAt(at("192.0.2.7"), "mallory@example.com"))
		guesses := 0
		for i := range 60 {
			if _, err := h.loginAt(nth(1), fmt.Sprintf("x%d@example.com", i), otherPassword); verified(t, err) {
				guesses++
			}
			h.loginAt(nth(1), "mallory@example.com", goodPassword)
		}
		testenv.Equal(t, 10, guesses, "guesses between sign-ins of one's own")
	})
}

// As many pass at one moment as one after the other, however many instances there are.
func TestThrottle_ParallelGuessesShareOneBudget(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		p := h.must(h.registerAt(at("192.0.2.7"), ada))
		instances := []*fixture{h, h}
		if h.onPostgres() {
			instances[1] = h.throttled(accounts.DefaultThrottle())
		}
		hashed := func() int64 {
			n := h.config.Passwords.Hashed()
			if instances[1] != h {
				n += instances[1].config.Passwords.Hashed()
			}
			return n
		}
		for name, c := range map[string]struct {
			want int
			try  func(i int, on *fixture) error
		}{
			"one account, many networks": {5, func(i int, on *fixture) error { return on.guess(ada)(i) }},
			"nobody, many networks": {5,
				func(i int, on *fixture) error { return on.guess("nobody@example.com")(i) }},
			"many accounts, one network": {100, func(i int, on *fixture) error {
				return errOf(on.loginAt(at("203.0.113.9"), fmt.Sprintf("y%d@example.com", i), otherPassword))
			}},
			"one account, its device": {5,
				func(i int, to *fixture) error { return errOf(to.loginAt(on(p, nth(i)), ada, otherPassword)) }},
		} {
			before := hashed()
			var passed atomic.Int64
			inParallel(200, func(i int) {
				if verified(t, c.try(i, instances[i%2])) {
					passed.Add(1)
				}
			})
			want := int64(c.want)
			if passed.Load() != want || hashed()-before != want {
				t.Errorf("%s: %d of 200 guesses were verified, with %d hashes, want %d", name, passed.Load(),
					hashed()-before, want)
			}
		}
	})
}

// Owners, unknown callers and the sweeper simultaneously: nothing waits for ever, nothing fails, and what succeeded is not counted.
func TestThrottle_ParallelSuccessesAreRefunded(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h = h.throttled(accounts.ThrottleLimits{Account: 1000, Pair: 1000, Network: 1000, Register: 1000,
			Refresh: 1000, SignIn: 1000})
		crowd := at("198.51.100.1")
		for i := range 8 {
			h.must(h.registerAt(at("192.0.2.7"), fmt.Sprintf("u%d@example.com", i)))
		}
		inParallel(64, func(i int) {
			email := fmt.Sprintf("u%d@example.com", i%8)
			switch i % 4 {
			case 0:
				_, err := h.loginAt(crowd, email, otherPassword)
				verified(t, err)
			case 1:
				check(t, h.DeleteExpiredAttempts(t.Context()))
			default:
				h.note(goodPassword)(h.loginAt(crowd, email, goodPassword))
			}
		})
		for i := range 8 {
			h.must(h.loginAt(crowd, fmt.Sprintf("u%d@example.com", i), goodPassword))
		}
		check(t, h.DeleteExpiredAttempts(t.Context())) // other instances know by now
		h2 := h.instance(func(c *accounts.Config) {
			throttle := *c.Throttle
			throttle.Limits.Network = 17
			c.Throttle = &throttle
		})
		if !h.onPostgres() {
			return // memory is another instance's
		}
		if n := h2.verifies(40, func(i int) error {
			return errOf(h2.loginAt(crowd, fmt.Sprintf("z%d@example.com", i), otherPassword))
		}); n < 1 || n > 17 {
			t.Errorf("%d tries are left of 17: failures count and successes do not", n)
		}
	})
}

func TestThrottle_DelaysGrowAndDecayAsAnnounced(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		next := 0
		guess := func() error { next++; return h.guess(ada)(next) }
		free := func() int {
			t.Helper()
			return h.verifies(10, func(int) error { return guess() })
		}
		wantEqual(t, "tries are free", 5, free())
		for _, want := range []int{30, 60, 120, 240, 480, 960, 960, 960} {
			wait := h.wait("too early", nil, guess())
			testenv.Equal(t, time.Duration(want)*time.Second, wait, "wait")
			h.clock.move(wait - time.Microsecond)
			testenv.Equal(t, time.Microsecond, h.wait("a moment too early", nil, guess()), "left a moment too early")
			h.clock.move(time.Microsecond)
			if !verified(t, guess()) {
				t.Errorf("refused after %v, as long as was said", wait)
			}
		}
		h.clock.move(4 * 960 * time.Second)
		if wait := func() time.Duration { verified(t, guess()); return h.wait("", nil, guess()) }(); wait != 120*time.Second {
			t.Errorf("after an hour of quiet the next wait is %v, want 2 min", wait)
		}
		h.clock.move(20 * 960 * time.Second)
		testenv.Equal(t, 5, free(), "free tries after a day of quiet")
	})
}
