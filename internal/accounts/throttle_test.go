package accounts_test

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse/gatehouse/ent/throttle"
	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/password"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// eachThrottled tells one story on both engines, to a service that counts tries.
func eachThrottled(t *testing.T, story func(t *testing.T, h *house)) {
	t.Helper()
	each(t, func(t *testing.T, h *house) { story(t, h.throttled(accounts.DefaultThrottle())) })
}

func (h *house) throttled(limits accounts.ThrottleLimits) *house {
	h.t.Helper()
	secret, err := token.ParseSecret(theSecret)
	check(h.t, err)
	return h.instance(func(c *accounts.Config) {
		c.Throttle = &accounts.ThrottleConfig{Limits: limits, Secret: secret, Shared: h.onPostgres()}
		c.Passwords = hasher(h.t, password.Config{}) // whose hashes are counted apart
	})
}

func (h *house) onPostgres() bool {
	_, is := database.SQLitePath(h.url)
	return !is
}

// at is somebody at an address.
func at(ip string) *viewer.Viewer {
	return &viewer.Viewer{Origin: viewer.Origin{IP: netip.MustParseAddr(ip)}}
}

// nth is somebody in the nth of many networks.
func nth(n int) *viewer.Viewer { return at(fmt.Sprintf("10.%d.%d.%d", n>>16, n>>8&255, n&255)) }

func (h *house) loginAt(v *viewer.Viewer, email, pw string) (*accounts.AuthPayload, error) {
	return h.note(pw)(h.Login(h.t.Context(), v, accounts.LoginInput{Email: email, Password: pw}))
}

func (h *house) registerAt(v *viewer.Viewer, email string) (*accounts.AuthPayload, error) {
	return h.note(goodPassword)(h.Register(h.t.Context(), v, accounts.RegisterInput{Email: email, Password: goodPassword}))
}

// wait returns what a refusal says, and checks that it is the one that tells nothing.
func (h *house) wait(what string, p *accounts.AuthPayload, err error) time.Duration {
	h.t.Helper()
	refusal := wantProblem(h.t, what, err, problem.RateLimited, "")
	if p != nil || refusal.Message != "Too many tries; wait as long as retryAfter says." || refusal.Cause != nil || refusal.RetryAfter <= 0 {
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
func (h *house) verifies(n int, guess func(i int) error) int {
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
func (h *house) guess(email string) func(int) error {
	return func(i int) error { _, err := h.loginAt(nth(i), email, otherPassword); return err }
}

//
func TestStrangersSlowEachOtherDownAndNotTheOwner(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *house) {
		home := at("192.0.2.7")
		h.must(h.registerAt(home, ada))
		if n := h.verifies(50, h.guess(ada)); n != 5 {
			t.Errorf("%d guesses from 50 networks were verified, want 5", n)
		}
		hashed := h.config.Passwords.Hashed()
		p, err := h.loginAt(at("198.51.100.1"), ada, goodPassword)
		if wait := h.wait("the right password from an unknown network", p, err); wait != 30*time.Second {
			t.Errorf("wait %v, want 30 s", wait)
		}
		if h.config.Passwords.Hashed() != hashed {
			t.Error("a refused try was hashed")
		}
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
		if n := h.verifies(50, func(int) error { _, err := h.loginAt(home, ada, otherPassword); return err }); n != 5 {
			t.Errorf("%d guesses from the known network were verified, want 5: the success takes back those before it", n)
		}
		h.tooMany(h.loginAt(home, ada, goodPassword))
		h.must(h.loginAt(home, h.must(h.registerAt(home, "bob@example.com")).User.Email, goodPassword))
	})
}

func (h *house) tooMany(p *accounts.AuthPayload, err error) {
	h.t.Helper()
	h.wait("a try too many", p, err)
}

// The owner's success from elsewhere takes back itself, and not what strangers did.
func TestAnOwnersSuccessGivesStrangersNoFreshTries(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *house) {
		h.must(h.registerAt(at("192.0.2.7"), ada))
		guesses := h.verifies(4, h.guess(ada))
		for i := range 10 {
			h.loginAt(nth(100+i), ada, goodPassword)
			guesses += h.verifies(1, h.guess(ada))
		}
		if guesses != 5 {
			t.Errorf("%d guesses were verified, want 5", guesses)
		}
	})
}

// a quarter of an hour of guessing, a try a second, from one network or from many, known or not.
func TestAQuarterOfAnHourVerifiesTenGuessesAtMost(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *house) {
		h.must(h.registerAt(at("192.0.2.7"), ada))
		for name, from := range map[string]func(i int) *viewer.Viewer{
			"the known network": func(int) *viewer.Viewer { return at("192.0.2.7") },
			"many networks":     nth,
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

// nobody's address is counted as an account's is. A-012: all spellings of an address are one account.
func TestTheAnswersToAStrangerAreThoseToAnOwner(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *house) {
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

//
func TestOneNetworkCannotTryManyAccounts(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *house) {
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
				_, err := h.loginAt(c.from(i), fmt.Sprintf("%s%d@example.com", strings.Fields(name)[0], i), otherPassword)
				return err
			}
			if n := h.verifies(150, stuff); n != 100 {
				t.Errorf("%s: %d accounts were tried, want 100", name, n)
			}
			if _, err := h.loginAt(c.another, "x@example.com", otherPassword); !verified(t, err) {
				t.Errorf("%s: another network is held up too", name)
			}
			h.clock.move(2 * time.Second)
			if n := h.verifies(3, func(i int) error { return stuff(200 + i) }); n != 1 {
				t.Errorf("%s: %d tries after the wait, want 1", name, n)
			}
		}
	})
}

// A network that strangers have used up does not hold up those who are known in it, until they fail as often.
func TestOwnersInACrowdedNetworkPass(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h = h.throttled(accounts.ThrottleLimits{Account: 5, Pair: 5, Network: 10, Register: 30, Refresh: 5})
		crowd := at("198.51.100.1")
		for i := range 4 {
			h.must(h.registerAt(crowd, fmt.Sprintf("u%d@example.com", i)))
		}
		stuff := func(i int) error {
			_, err := h.loginAt(crowd, fmt.Sprintf("x%d@example.com", i), otherPassword)
			return err
		}
		if n := h.verifies(20, stuff); n != 10 {
			t.Errorf("%d tries, want 10", n)
		}
		for range 30 { // and successes are not counted
			h.must(h.loginAt(crowd, "u0@example.com", goodPassword))
		}
		spray := func(i int) error {
			_, err := h.loginAt(crowd, fmt.Sprintf("u%d@example.com", i%4), otherPassword)
			return err
		}
		if n := h.verifies(20, spray); n != 10 {
			t.Errorf("%d guesses at accounts that are known in the network, want 10", n)
		}
	})
}

func TestAnOwnAccountBuysNoTriesAgainstOthers(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h = h.throttled(accounts.ThrottleLimits{Account: 5, Pair: 5, Network: 10, Register: 30, Refresh: 5})
		h.must(h.registerAt(at("192.0.2.7"), ada))
		h.must(h.registerAt(at("192.0.2.7"), "mallory@example.com"))
		guesses := 0
		for i := range 60 { // from a network that is not known, and that each success makes known
			if _, err := h.loginAt(nth(1), fmt.Sprintf("x%d@example.com", i), otherPassword); verified(t, err) {
				guesses++
			}
			h.loginAt(nth(1), "mallory@example.com", goodPassword)
		}
		if guesses != 10 {
			t.Errorf("%d guesses between sign-ins of one's own, want 10", guesses)
		}
	})
}

// as many pass at one moment as one after the other, however many instances there are.
func TestTriesAtTheSameMomentPassNoOftener(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *house) {
		h.must(h.registerAt(at("192.0.2.7"), ada))
		instances := []*house{h, h}
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
			try  func(i int, on *house) error
		}{
			"one account, many networks": {5, func(i int, on *house) error { return on.guess(ada)(i) }},
			"nobody, many networks":      {5, func(i int, on *house) error { return on.guess("nobody@example.com")(i) }},
			"many accounts, one network": {100, func(i int, on *house) error {
				_, err := on.loginAt(at("203.0.113.9"), fmt.Sprintf("y%d@example.com", i), otherPassword)
				return err
			}},
			"one account, its network": {5, func(_ int, on *house) error { _, err := on.loginAt(at("192.0.2.7"), ada, otherPassword); return err }},
		} {
			before := hashed()
			var passed atomic.Int64
			together(200, func(i int) {
				if verified(t, c.try(i, instances[i%2])) {
					passed.Add(1)
				}
			})
			want := int64(c.want)
			if passed.Load() != want || hashed()-before != want {
				t.Errorf("%s: %d of 200 guesses were verified, with %d hashes, want %d", name, passed.Load(), hashed()-before, want)
			}
		}
	})
}

// Owners, strangers and the sweeper at once: nothing waits for ever, nothing fails, and what succeeded is not counted.
func TestSuccessesAtTheSameMomentAreTakenBack(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h = h.throttled(accounts.ThrottleLimits{Account: 1000, Pair: 1000, Network: 1000, Register: 1000, Refresh: 1000})
		crowd := at("198.51.100.1")
		for i := range 8 {
			h.must(h.registerAt(at("192.0.2.7"), fmt.Sprintf("u%d@example.com", i)))
		}
		together(64, func(i int) {
			email := fmt.Sprintf("u%d@example.com", i%8)
			switch i % 4 {
			case 0:
				_, err := h.loginAt(crowd, email, otherPassword)
				verified(t, err)
			case 1:
				check(t, h.ForgetTries(t.Context()))
			default:
				h.note(goodPassword)(h.loginAt(crowd, email, goodPassword))
			}
		})
		for i := range 8 { // the network is known for each by now
			h.must(h.loginAt(crowd, fmt.Sprintf("u%d@example.com", i), goodPassword))
		}
		h2 := h.instance(func(c *accounts.Config) {
			throttle := *c.Throttle
			throttle.Limits.Network = 17
			c.Throttle = &throttle
		})
		if !h.onPostgres() {
			return // memory is another instance's
		}
		if n := h2.verifies(40, func(i int) error {
			_, err := h2.loginAt(crowd, fmt.Sprintf("z%d@example.com", i), otherPassword)
			return err
		}); n < 1 || n > 17 {
			t.Errorf("%d tries are left of 17: failures count and successes do not", n)
		}
	})
}

func TestDelaysGrowAndDecayAndAreHonest(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *house) {
		next := 0
		guess := func() error { next++; return h.guess(ada)(next) }
		free := func() int {
			t.Helper()
			return h.verifies(10, func(int) error { return guess() })
		}
		if n := free(); n != 5 {
			t.Errorf("%d tries are free, want 5", n)
		}
		for _, want := range []int{30, 60, 120, 240, 480, 960, 960, 960} {
			wait := h.wait("too early", nil, guess())
			if wait != time.Duration(want)*time.Second {
				t.Errorf("wait %v, want %d s", wait, want)
			}
			h.clock.move(wait - time.Microsecond)
			if left := h.wait("a moment too early", nil, guess()); left != time.Microsecond {
				t.Errorf("%v are left, want 1 µs", left)
			}
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
		if n := free(); n != 5 {
			t.Errorf("after a day of quiet %d tries are free, want 5", n)
		}
	})
}

func TestCountsOutliveARestartWhereTheyAreShared(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *house) {
		h.must(h.registerAt(at("192.0.2.7"), ada))
		h.verifies(10, h.guess(ada))
		again := h.throttled(accounts.DefaultThrottle())
		if _, err := again.loginAt(nth(50), ada, otherPassword); verified(t, err) == h.onPostgres() {
			t.Errorf("on Postgres %v, and after a restart: %v", h.onPostgres(), err)
		}
		if h.onPostgres() {
			again.must(again.loginAt(at("192.0.2.7"), ada, goodPassword)) // nor is the known network forgotten
		}
	})
}

func TestRegistrationsAreCounted(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *house) {
		flood := at("198.51.100.1")
		made := 0
		for i := range 50 {
			p, err := h.registerAt(flood, fmt.Sprintf("f%d@example.com", i))
			if err == nil {
				made++
				continue
			}
			h.wait("a registration too many", p, err)
		}
		if hashed := h.config.Passwords.Hashed(); made != 30 || hashed != 30 {
			t.Errorf("one network made %d accounts, with %d hashes; want 30", made, hashed)
		}
		h.must(h.registerAt(at("198.51.100.2"), "x@example.com"))
		h.clock.move(2 * time.Second)
		h.must(h.registerAt(flood, "later@example.com"))

		taken := 0
		for i := range 20 {
			if _, err := h.registerAt(nth(i), "x@example.com"); problem.Is(err, problem.EmailTaken) {
				taken++
			}
		}
		if taken != 4 {
			t.Errorf("one address was registered again %d times, want 4 beside the first", taken)
		}
		for range 10 { // what cannot be registered is not counted
			_, err := h.registerAt(at("198.51.100.2"), "no address")
			wantProblem(t, "no address", err, problem.BadUserInput, "email")
		}
		h.must(h.loginAt(at("198.51.100.3"), "x@example.com", goodPassword)) // nor does it hold up the owner's sign-in
	})
}

func TestAStolenAccessTokenDoesNotFindThePassword(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *house) {
		owner := h.must(h.registerAt(at("192.0.2.7"), ada))
		stolen := h.must(h.loginAt(at("192.0.2.7"), ada, goodPassword))
		thief := &viewer.Viewer{UserID: stolen.Viewer.UserID, SessionID: stolen.Viewer.SessionID, Origin: at("203.0.113.9").Origin}
		if n := h.verifies(40, func(i int) error {
			thief.Origin = nth(i).Origin
			if i%2 == 0 {
				_, err := h.changePassword(thief, otherPassword, "another good password")
				return err
			}
			_, err := h.reauthenticate(thief, otherPassword)
			return err
		}); n != 5 {
			t.Errorf("%d guesses with a stolen token, want 5", n)
		}
		h.tooMany(h.reauthenticate(thief, goodPassword))
		h.tooMany(h.changePassword(thief, goodPassword, "another good password"))
		for range 3 { // the owner's session is not held up, and a success takes back the mistakes before it
			for range 4 {
				_, err := h.reauthenticate(owner.Viewer, otherPassword)
				wantProblem(t, "a mistake", err, problem.InvalidCredentials, "")
			}
			h.must(h.reauthenticate(owner.Viewer, goodPassword))
		}
		h.must(h.loginAt(at("192.0.2.7"), ada, goodPassword))
		h.must(h.changePassword(owner.Viewer, goodPassword, "another good password"))
	})
}

func TestForgedRefreshTokensHurtNobodyElse(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *house) {
		company := at("192.0.2.7")
		p := h.must(h.registerAt(company, ada))
		foreign, err := refreshTokens(t, "another-secret-of-36-bytes-in-length").New(p.Viewer.SessionID)
		check(t, err)
		exchange := func(v *viewer.Viewer, text string) (*accounts.AuthPayload, error) {
			return h.note(text)(h.Refresh(t.Context(), v, accounts.RefreshInput{RefreshToken: &text}))
		}
		refused := 0
		for range 400 {
			_, err := exchange(company, foreign.Text())
			if problem.Is(err, problem.RateLimited) {
				refused++
			} else {
				wantProblem(t, "forged", err, problem.InvalidToken, "")
			}
		}
		if refused != 100 {
			t.Errorf("%d of 400 forged tokens were refused unseen, want 100", refused)
		}
		_, err = exchange(at("192.0.2.8"), foreign.Text())
		wantProblem(t, "another network", err, problem.InvalidToken, "")
		for range 299 {
			p = h.must(exchange(company, *p.RefreshToken))
		}
		last := h.must(exchange(company, *p.RefreshToken))
		h.tooMany(exchange(at("192.0.2.8"), *last.RefreshToken)) // one session is not refreshed as often as that
		h.clock.move(2 * time.Second)
		h.must(exchange(company, *last.RefreshToken))
	})
}

func TestAKnownNetworkIsForgotten(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *house) {
		knows := func(v *viewer.Viewer) bool {
			t.Helper()
			h.verifies(10, func(i int) error { _, err := h.loginAt(nth(1000+i), ada, otherPassword); return err })
			p, err := h.loginAt(v, ada, goodPassword)
			if err != nil {
				h.wait("not known", p, err)
			}
			h.clock.move(24 * time.Hour) // for the next question
			return err == nil
		}
		h.must(h.registerAt(nth(0), ada))
		for day := range 100 { // each sign-in renews it
			if !knows(nth(0)) {
				t.Fatalf("day %d: forgotten", day)
			}
		}
		h.clock.move(87 * 24 * time.Hour)
		if !knows(nth(0)) { // each record may be a day old
			t.Error("forgotten before 89 days")
		}
		h.clock.move(90 * 24 * time.Hour)
		if knows(nth(0)) {
			t.Error("known after 90 days")
		}
		for i := range 21 {
			h.clock.move(time.Hour)
			h.must(h.loginAt(nth(i), ada, goodPassword))
		}
		if knows(nth(0)) || !knows(nth(1)) || !knows(nth(20)) {
			t.Error("of 21 networks the last 20 must be known")
		}
		unknown := &viewer.Viewer{}
		h.must(h.loginAt(unknown, ada, goodPassword))
		if knows(unknown) {
			t.Error("no address is known as one")
		}
	})
}

func TestATryWithoutATurnIsTakenBack(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *house) {
		p := h.must(h.registerAt(at("192.0.2.7"), ada))
		busy := h.instance(func(c *accounts.Config) {
			c.Passwords = hasher(t, password.Config{Concurrent: 1, Wait: time.Nanosecond, Cost: password.Cost{Memory: 64 << 10, Time: 12, Lanes: 1}})
		})
		hashing := make(chan struct{})
		go func() {
			defer close(hashing)
			for busy.config.Passwords.Hashed() == 0 { // it may be refused itself
				busy.config.Passwords.Hash(t.Context(), goodPassword)
			}
		}()
		for busy.config.Passwords.Hashed() == 0 {
			time.Sleep(time.Millisecond)
		}
		for i := range 20 {
			for what, do := range map[string]func() error{
				"login":          func() error { return busy.guess(ada)(i) },
				"register":       func() error { _, err := busy.registerAt(nth(i), "x@example.com"); return err },
				"reauthenticate": func() error { _, err := busy.reauthenticate(p.Viewer, otherPassword); return err },
			} {
				if err := do(); !errors.Is(err, password.ErrBusy) {
					t.Fatalf("%s %d: %v, want the hasher's refusal", what, i, err)
				}
			}
		}
		<-hashing
	})
}

// what is not attacked is forgotten first.
func TestMemoryIsBoundedAndKeepsWhatIsAttacked(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		if h.onPostgres() {
			return // which counts in the database
		}
		h = h.throttled(accounts.DefaultThrottle())
		forged := "forged"
		refresh := func(v *viewer.Viewer) error {
			_, err := h.Refresh(t.Context(), v, accounts.RefreshInput{RefreshToken: &forged})
			return err
		}
		hot := at("192.0.2.7")
		for range 300 {
			refresh(hot)
		}
		heap := func() int64 {
			runtime.GC()
			runtime.GC() // what pools held
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return int64(m.HeapAlloc)
		}
		before := heap()
		for i := range 100_000 {
			refresh(nth(i))
			if i%1000 == 0 {
				refresh(hot)
			}
		}
		if grown := heap() - before; grown > 5<<20 {
			t.Errorf("100,000 networks take %d MiB", grown>>20)
		} else {
			t.Logf("100,000 networks take %.1f MiB", float64(grown)/(1<<20))
		}
		if err := refresh(hot); !problem.Is(err, problem.RateLimited) {
			t.Errorf("the one that attacks was forgotten: %v", err)
		}
	})
}

func TestWhatNoLongerMattersIsSwept(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *house) {
		if !h.onPostgres() {
			if n := h.db.Client.Throttle.Query().CountX(t.Context()); n != 0 {
				t.Errorf("%d rows with SQLite, which counts in memory", n)
			}
			return
		}
		h.must(h.registerAt(at("192.0.2.7"), ada))
		h.verifies(10, h.guess(ada))
		rows := func() []int {
			check(t, h.ForgetTries(t.Context()))
			known := h.db.Client.Throttle.Query().Where(throttle.AccountNotNil()).CountX(t.Context())
			return []int{h.db.Client.Throttle.Query().CountX(t.Context()) - known, known}
		}
		for _, c := range []struct {
			after time.Duration
			want  []int // counts, and known networks
		}{
			{0, []int{8, 1}}, // of 5 networks, 1 account, and the registration's two
			{64 * time.Second, []int{2, 1}},
			{15 * time.Minute, []int{1, 1}},
			{80 * time.Minute, []int{0, 1}},
			{90 * 24 * time.Hour, []int{0, 0}},
		} {
			h.clock.move(c.after)
			if d := cmp.Diff(c.want, rows()); d != "" {
				t.Errorf("after %v more (-want +got): %s", c.after, d)
			}
		}
	})
}

func TestTheTableTellsNobodysAddress(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *house) {
		h.must(h.registerAt(at("192.0.2.7"), ada))
		h.must(h.loginAt(at("192.0.2.7"), ada, goodPassword))
		h.verifies(10, h.guess(ada))
		dump, err := dumpAll(t.Context(), h.raw)
		check(t, err)
		for column, values := range dump {
			if strings.HasPrefix(column, "throttles.") && slices.ContainsFunc(values, func(v []byte) bool {
				return strings.Contains(string(v), "ada") || strings.Contains(string(v), "192.0.2") || strings.Contains(string(v), "10.0.0")
			}) {
				t.Errorf("%s: %q", column, values)
			}
		}
	})
}

// what cannot be counted is not verified.
func TestATryThatCannotBeCountedIsNotVerified(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *house) {
		p := h.must(h.registerAt(at("192.0.2.7"), ada))
		if !h.onPostgres() {
			return // SQLite's counts are in memory
		}
		h, m := h.metered()
		sessions := h.db.Client.Session.Query().CountX(t.Context())
		for what, do := range map[string]func() error{
			"login":          func() error { _, err := h.loginAt(at("192.0.2.7"), ada, goodPassword); return err },
			"register":       func() error { _, err := h.registerAt(at("192.0.2.7"), "x@example.com"); return err },
			"reauthenticate": func() error { _, err := h.reauthenticate(p.Viewer, goodPassword); return err },
			"changePassword": func() error { _, err := h.changePassword(p.Viewer, goodPassword, otherPassword); return err },
		} {
			hashed := h.config.Passwords.Hashed()
			m.before = func(_ int, statement string) error {
				if strings.Contains(statement, "throttles") {
					return errInjected
				}
				return nil
			}
			var err error
			seen := m.count(func() { err = do() })
			m.before = nil
			if p := (*problem.Problem)(nil); !errors.Is(err, errInjected) || errors.As(err, &p) || h.config.Passwords.Hashed() != hashed {
				t.Errorf("%s: %v, %d hashes, after\n%s", what, err, h.config.Passwords.Hashed()-hashed, strings.Join(seen, "\n"))
			}
		}
		if n := h.db.Client.Session.Query().CountX(t.Context()); n != sessions {
			t.Errorf("%d sessions, want %d", n, sessions)
		}
		h.must(h.loginAt(at("192.0.2.7"), ada, goodPassword)) // the twin
	})
}

func TestStatementsOfThrottledUseCases(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *house) {
		h.must(h.registerAt(at("192.0.2.7"), ada))
		h, m := h.metered()
		var p *accounts.AuthPayload
		count := "read the counts, begin, count, commit, "
		for _, c := range []struct {
			name             string
			sqlite, postgres int
			do               func()
		}{
			{"a wrong password: " + count + "read", 1, 5, func() { h.loginAt(nth(1), ada, otherPassword) }},
			{"a stranger: " + count + "read", 1, 5, func() { h.loginAt(nth(2), "x@example.com", otherPassword) }},
			{"no address: " + count + "read", 1, 5, func() { h.loginAt(nth(3), "x", otherPassword) }},
			{"a known network: " + count + "read", 1, 5, func() { h.loginAt(at("192.0.2.7"), ada, otherPassword) }},
			{"login: " + count + "6, take back", 6, 11, func() { p = h.must(h.loginAt(at("192.0.2.7"), ada, goodPassword)) }},
			{"login from elsewhere: " + count + "6, take back, remember, the surplus", 6, 13, func() { h.must(h.loginAt(nth(4), ada, goodPassword)) }},
			{"register: " + count + "6, remember, the surplus", 6, 12, func() { h.must(h.registerAt(nth(5), "y@example.com")) }},
			{"reauthenticate: " + count + "read, begin, 6, take back, commit", 9, 14, func() { h.must(h.reauthenticate(p.Viewer, goodPassword)) }},
			{"refresh", 5, 5, func() { h.must(h.exchange(*p.RefreshToken)) }},
			{"a forged refresh token", 0, 0, func() { h.exchange("forged") }},
			{"guesses", 5, 25, func() { h.verifies(5, func(int) error { return h.guess("z@example.com")(6) }) }},
			{"a refused try: read the counts", 0, 1, func() { h.tooMany(h.loginAt(nth(7), "z@example.com", goodPassword)) }},
		} {
			want := c.sqlite
			if h.onPostgres() {
				want = c.postgres
			}
			if got := m.count(c.do); len(got) != want {
				t.Errorf("%s: %d statements, want %d:\n%s", c.name, len(got), want, strings.Join(got, "\n"))
			}
		}
	})
}

func TestThrottleIsReadInAnySubset(t *testing.T) {
	defaults := accounts.DefaultThrottle()
	for text, want := range map[string]*accounts.ThrottleLimits{
		"on":        &defaults,
		"off":       nil,
		"account=3": {Account: 3, Pair: 5, Network: 100, Register: 30, Refresh: 300},
		"refresh=1, register=2,network=3,pair=4,account=1000000": {Account: 1e6, Pair: 4, Network: 3, Register: 2, Refresh: 1},
	} {
		got, err := accounts.ParseThrottle(text)
		check(t, err)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%q (-want +got):\n%s", text, d)
		}
	}
	for text, want := range map[string]string{
		"":                             `"" is neither on, off nor a limit`,
		"On":                           `"On" is neither`,
		"on,account=3":                 `"on" is neither`,
		"pairs=3":                      `"pairs=3" is neither on, off nor a limit given once, name=number; there are account, pair, network, register, refresh`,
		"account=3,account=4":          `"account=4" is neither`,
		"account=3,":                   `"" is neither`,
		"account":                      "account=: it must be a whole number from 1 to 1000000",
		"account=0":                    "account=0: it must be",
		"account=-1":                   "account=-1: it must be",
		"account=1.5":                  "account=1.5: it must be",
		"account=1000001":              "account=1000001: it must be",
		"account=99999999999999999999": "it must be",
	} {
		if got, err := accounts.ParseThrottle(text); err == nil || got != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v; want %s", text, got, err, want)
		}
	}
}
