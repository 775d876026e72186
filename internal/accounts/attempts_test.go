package accounts_test

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/password"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

func TestThrottle_SharedCountersSurviveARestart(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		p := h.must(h.registerAt(at("192.0.2.7"), ada))
		h.verifies(10, h.guess(ada))
		again := h.throttled(accounts.DefaultThrottle())
		if _, err := again.loginAt(nth(50), ada, otherPassword); verified(t, err) == h.onPostgres() {
			t.Errorf("on Postgres %v, and after a restart: %v", h.onPostgres(), err)
		}
		again.must(again.loginAt(on(p, nth(60)), ada, goodPassword)) // a known device is not forgotten
	})
}

func TestThrottle_RegistrationsAreLimited(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
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
		testenv.Equal(t, 4, taken, "registrations of an address, beside the first")
		for range 10 { // what cannot be registered is not counted
			_, err := h.registerAt(at("198.51.100.2"), "no address")
			wantProblem(t, "no address", err, problem.BadUserInput, "email")
		}
		h.must(h.loginAt(at("198.51.100.3"), "x@example.com", goodPassword)) // nor does it hold up the owner's sign-in
	})
}

func TestThrottle_StolenAccessTokenCannotGuessThePassword(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		owner := h.must(h.registerAt(at("192.0.2.7"), ada))
		stolen := h.must(h.loginAt(at("192.0.2.7"), ada, goodPassword))
		thief := &viewer.Viewer{UserID: stolen.Viewer.UserID, SessionID: stolen.Viewer.SessionID,
			Origin: at("203.0.113.9").Origin}
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

func TestThrottle_ForgedRefreshTokensSlowOnlyTheirNetwork(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		company := at("192.0.2.7")
		p := h.must(h.registerAt(company, ada))
		foreign, err := refreshTokens(t, "another-secret-of-36-bytes-in-length").New(p.User.ID, p.Viewer.SessionID)
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
		testenv.Equal(t, 100, refused, "of 400 forged tokens, those refused unseen")
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

func TestThrottle_KnownDeviceExpires(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		knows := func(device *string) *accounts.AuthPayload {
			t.Helper()
			h.verifies(10, func(i int) error { return errOf(h.loginAt(nth(1000+i), ada, otherPassword)) })
			p, err := h.Login(t.Context(), nth(0), accounts.LoginInput{Email: ada, Password: goodPassword, Device: device})
			if err != nil {
				h.wait("not known", p, err)
			}
			return p
		}
		p := h.must(h.registerAt(nth(0), ada))
		for day := range 4 { // each sign-in renews it
			h.clock.move(accounts.DeviceTTL - time.Second)
			if p = knows(p.Device); p == nil {
				t.Fatalf("sign-in %d: forgotten", day)
			}
		}
		h.clock.move(accounts.DeviceTTL + time.Second)
		if knows(p.Device) != nil {
			t.Error("known for too long")
		}
	})
}

// Users who share a browser share the text that it stores, which holds the newest four.
func TestThrottle_DeviceIsKnownWithSeveralAccounts(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		shared, user := at("192.0.2.7"), func(i int) string { return fmt.Sprintf("u%d@example.com", i) }
		for i := range 5 {
			shared = on(h.must(h.registerAt(shared, user(i))), shared)
		}
		for i := range 5 {
			h.verifies(10, h.guess(user(i)))
			if _, err := h.loginAt(shared, user(i), otherPassword); verified(t, err) != (i > 0) {
				t.Errorf("%s: %v", user(i), err)
			}
			h.clock.move(time.Minute) // for the networks
		}
	})
}

func TestThrottle_AttemptWithoutAHashSlotIsRefunded(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		p := h.must(h.registerAt(at("192.0.2.7"), ada))
		others := newFlood(t, password.Config{})
		busy := h.instance(func(c *accounts.Config) { c.Passwords = others.hasher })
		others.begin()
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
		others.end()
	})
}

// What is not attacked is forgotten first.
func TestMemoryStore_IsBoundedAndKeepsAttackedCounters(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
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

func TestThrottle_ExpiredCountersAreDeleted(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		h.must(h.registerAt(at("192.0.2.7"), ada))
		h.verifies(10, h.guess(ada))
		for _, c := range []struct {
			after time.Duration
			want  int
		}{
			{0, 8}, // of 5 networks, 1 account, and the registration's two
			{64 * time.Second, 2},
			{15 * time.Minute, 1},
			{80 * time.Minute, 0},
		} {
			h.clock.move(c.after)
			if !h.onPostgres() {
				c.want = 0 // SQLite's counts are in memory
			}
			check(t, h.DeleteExpiredAttempts(t.Context()))
			wantEqual(t, fmt.Sprintf("rows after %v more", c.after), c.want, h.db.Client.Throttle.Query().CountX(t.Context()))
		}
	})
}

func TestThrottle_TableHoldsNoAddress(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		h.must(h.registerAt(at("192.0.2.7"), ada))
		h.must(h.loginAt(at("192.0.2.7"), ada, goodPassword))
		h.verifies(10, h.guess(ada))
		dump, err := dumpAll(t.Context(), h.raw)
		check(t, err)
		for column, values := range dump {
			if strings.HasPrefix(column, "throttles.") && slices.ContainsFunc(values, func(v []byte) bool {
				return strings.Contains(string(v), "ada") || strings.Contains(string(v),
					"192.0.2") || strings.Contains(string(v), "10.0.0")
			}) {
				t.Errorf("%s: %q", column, values)
			}
		}
	})
}

// What cannot be counted is not verified.
func TestThrottle_UncountedAttemptIsNotVerified(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		if !h.onPostgres() {
			return // SQLite's counts are in memory
		}
		p := h.must(h.registerAt(at("192.0.2.7"), ada))
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
				t.Errorf("%s: %v, %d hashes, after\n%s", what, err, h.config.Passwords.Hashed()-hashed,
					strings.Join(seen, "\n"))
			}
		}
		testenv.Equal(t, sessions, h.db.Client.Session.Query().CountX(t.Context()), "sessions")
		h.must(h.loginAt(at("192.0.2.7"), ada, goodPassword)) // the twin
	})
}

func TestThrottle_StatementsOfEachUseCase(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		first := h.must(h.registerAt(at("192.0.2.7"), ada))
		h.must(h.registerAt(nth(8), "bob@example.com"))
		h, m := h.metered()
		var p *accounts.AuthPayload
		count := "(on Postgres: read the counts, begin, count, commit) "
		for _, c := range []struct {
			name             string
			sqlite, postgres int
			do               func()
		}{
			{"a wrong password: " + count + "read", 1, 5, func() { h.loginAt(nth(1), ada, otherPassword) }},
			{"a stranger: " + count + "read", 1, 5, func() { h.loginAt(nth(2), "x@example.com", otherPassword) }},
			{"no address: " + count + "read", 1, 5, func() { h.loginAt(nth(3), "x", otherPassword) }},
			{"a known device: read, " + count + "read", 2, 6, func() { h.loginAt(on(first, nth(4)), ada, otherPassword) }},
			{"a stranger on a device of another account: " + count + "read", 1, 5,
				func() { h.loginAt(on(first, nth(4)), "x@example.com", otherPassword) }},
			{"an account on a device of another account: " + count + "read", 1, 5,
				func() { h.loginAt(on(first, nth(6)), "bob@example.com", otherPassword) }},
			{"login: " + count + "6, take back, record", 7, 12,
				func() { p = h.must(h.loginAt(at("192.0.2.7"), ada, goodPassword)) }},
			{"register: " + count + "7, record", 8, 12, func() { h.must(h.registerAt(nth(5), "y@example.com")) }},
			{"reauthenticate: read, " + count + "begin, 4, take back, record, commit", 8, 13,
				func() { h.must(h.reauthenticate(p.Viewer, goodPassword)) }},
			{"refresh", 5, 5, func() { h.must(h.exchange(*p.RefreshToken)) }},
			{"a forged refresh token", 0, 0, func() { h.exchange("forged") }},
			{"guesses", 5, 25, func() { h.verifies(5, func(int) error { return h.guess("z@example.com")(6) }) }},
			{"a refused try: read the counts", 0, 1,
				func() { h.tooMany(h.loginAt(nth(7), "z@example.com", goodPassword)) }},
		} {
			want := c.sqlite
			if h.onPostgres() {
				want = c.postgres
			}
			got := m.count(c.do)
			testenv.Equal(t, want, len(got), "statements of %s:\n%s", c.name, strings.Join(got, "\n"))
		}
	})
}

func TestParseThrottle_ReadsAnySubset(t *testing.T) {
	defaults := accounts.DefaultThrottle()
	for text, want := range map[string]*accounts.ThrottleLimits{
		"on":        &defaults,
		"off":       nil,
		"account=3": {Account: 3, Pair: 5, Network: 100, Register: 30, Refresh: 300, Mail: 30, SignIn: 300},
		"refresh=1, register=2,network=3,pair=4,account=1000000": {Account: 1e6, Pair: 4, Network: 3, Register: 2,
			Refresh: 1, Mail: 30, SignIn: 300},
		"signin=7,mail=8": {Account: 5, Pair: 5, Network: 100, Register: 30, Refresh: 300, Mail: 8, SignIn: 7},
	} {
		got, err := accounts.ParseThrottle(text)
		check(t, err)
		testenv.Equal(t, want, got, "%q", text)
	}
	for text, want := range map[string]string{
		"":                             `"" is neither on, off nor a limit`,
		"On":                           `"On" is neither`,
		"on,account=3":                 `"on" is neither`,
		"pairs=3":                      `"pairs=3" is neither on, off nor a limit given once, name=number; there are account, pair, network, register, refresh, mail, signin`,
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
