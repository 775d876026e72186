package accounts_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/password"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Run(m, migrateTemplate)) }

func migrateTemplate(url string) error {
	db, err := database.Open(context.Background(), database.Config{URL: url, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	_, err = db.Migrate(context.Background())
	return errors.Join(err, db.Close())
}

const (
	accessTTL  = 10 * time.Minute
	refreshTTL = 30 * 24 * time.Hour
	sessionTTL = 90 * 24 * time.Hour

	goodPassword  = "kxq4vz!t-canary"
	otherPassword = "wj8#mPq2-canary"
	theSecret     = "0123456789abcdefghijklmnopqrstuvwxyz-of-the-tests"
	ada           = "ada@example.com"
)

// startTime has a fraction of a second, as nearly every moment has.
var startTime = time.Date(2026, 7, 1, 12, 0, 0, 123456789, time.UTC)

// cheap is the least that Argon2id can cost.
var cheap = password.Cost{Memory: 8, Time: 1, Lanes: 1}

// anonymous is the viewer of register, login and refresh.
var anonymous = &viewer.Viewer{Origin: viewer.Origin{IP: netip.MustParseAddr("192.0.2.7"), Agent: "the tests"}}

// fixture is a service on a database of its own, whose session cache is not in sync unless the test says so, with a clock that only the test moves. The invariants are checked
// when the test is over, whatever its story was.
type fixture struct {
	*accounts.Service
	*shared
	config accounts.Config
}

// shared is what the instances on one database have in common.
type shared struct {
	t       *testing.T
	url     string
	db      *database.Database
	raw     *sql.DB // beside Ent: what is really kept
	clock   *clock
	access  *token.Issuer
	refresh *token.RefreshTokens
	log     *testenv.Buffer

	mu       sync.Mutex
	secrets  []string                // texts that no table and no log may hold
	payloads []*accounts.AuthPayload // every payload that was ever given
	events   []accounts.Event        // all that happened
	told     []*accounts.Letter      // notices that letters found
	modes    map[any]*fixture        // see registering
	undo     string                  // link that undoes the newest change of address
	secures  string                  // link of a notice

	published map[accounts.EventKind]int
}

// eachDatabase runs one story on both engines.
func eachDatabase(t *testing.T, story func(t *testing.T, h *fixture)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, url string) { story(t, newFixture(t, url)) })
}

func newFixture(t *testing.T, url string) *fixture {
	t.Helper()
	db := must(database.Open(t.Context(), database.Config{URL: url, Log: slog.New(slog.DiscardHandler)}))
	t.Cleanup(func() { check(t, db.Close()) })
	must(db.Migrate(t.Context()))
	raw := openRaw(t, url)

	clock := &clock{now: startTime}
	key := must(token.GenerateKey(token.EdDSA))
	keys := must(token.NewKeys(key.WithoutSchedule()))
	access := must(token.NewIssuer(token.Config{Keys: keys, Issuer: "https://id.example.org", Audience: "gatehouse",
		TTL: accessTTL, Clock: clock.Now}))
	log := &testenv.Buffer{}
	refresh := refreshTokens(t, theSecret)
	oneTime := must(token.NewOneTimeTokens(secretsOf(t, theSecret)))
	h := &fixture{
		shared: &shared{t: t, url: url, db: db, raw: raw, clock: clock, access: access, refresh: refresh, log: log,
			published: map[accounts.EventKind]int{}},
		config: accounts.Config{
			Client: db.Client, Postgres: db.Shared(), Transactions: db.MaxTransactions(),
			Passwords: hasher(t, password.Config{}), Access: access, Refresh: refresh, OneTime: oneTime,
			FactorKey:  bytes.Repeat([]byte{7}, token.FactorKeyLen),
			Personal:   personalTokens(t, theSecret),
			Passkeys:   relyingParty(),
			RefreshTTL: refreshTTL, SessionTTL: sessionTTL, Clock: clock.Now,
			Log: slog.New(slog.NewTextHandler(log, nil)),
		},
	}
	h.config.OnEvent = func(_ context.Context, e accounts.Event) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.events = append(h.events, e)
		h.published[e.Kind]++
	}
	h = h.instance(func(*accounts.Config) {})
	t.Cleanup(func() {
		for _, broken := range h.violations(context.Background()) {
			t.Errorf("invariant violated: %s", broken)
		}
	})
	return h
}

// instance returns another instance of the service on the same database, at the same time.
func (h *fixture) instance(change func(*accounts.Config)) *fixture {
	h.t.Helper()
	c := h.config
	change(&c)
	s := must(accounts.New(c))
	return &fixture{Service: s, shared: h.shared, config: c}
}

// hasher is cheap unless the test says otherwise, with a long timeout: a loaded machine must not look like a flood.
func hasher(t *testing.T, c password.Config) *password.Hasher {
	t.Helper()
	if c.Cost == (password.Cost{}) {
		c.Cost = cheap
	}
	if c.QueueTimeout == 0 {
		c.QueueTimeout = time.Minute
	}
	return must(password.New(c))
}

func refreshTokens(t *testing.T, secret string) *token.RefreshTokens {
	t.Helper()
	s := must(token.ParseSecret(secret))
	return must(token.NewRefreshTokens(must(token.NewSecrets(s)), nil))
}

// personalTokens are those of a key that begins a text.
func personalTokens(t *testing.T, key string) *token.PersonalTokens {
	t.Helper()
	return must(token.NewPersonalTokens([]byte(key)[:token.PersonalKeyLen], nil))
}

// register, login and exchange are the use cases, and note what must stay secret.

func (h *fixture) register(email, pw string) (*accounts.AuthPayload, error) {
	return h.note(pw)(h.Register(h.t.Context(), anonymous, accounts.RegisterInput{Email: email, Password: pw}))
}

func (h *fixture) login(email, pw string) (*accounts.AuthPayload, error) {
	return h.note(pw)(h.Login(h.t.Context(), anonymous, accounts.LoginInput{Email: email, Password: pw}))
}

func (h *fixture) exchange(refreshToken string) (*accounts.AuthPayload, error) {
	return h.note(refreshToken)(h.Refresh(h.t.Context(), anonymous, accounts.RefreshInput{RefreshToken: &refreshToken}))
}

func (h *fixture) note(secret string) func(*accounts.AuthPayload, error) (*accounts.AuthPayload, error) {
	return func(p *accounts.AuthPayload, err error) (*accounts.AuthPayload, error) {
		h.mu.Lock()
		defer h.mu.Unlock()
		if len(secret) >= 8 && !strings.Contains(secret, "@") { // an address is kept, a password or not
			h.secrets = append(h.secrets, secret)
		}
		if p != nil {
			h.secrets = append(h.secrets, p.AccessToken)
			if p.RefreshToken != nil {
				h.secrets = append(h.secrets, *p.RefreshToken)
				h.payloads = append(h.payloads, p)
			}
		}
		return p, err
	}
}

// must is for what has to succeed.
func (h *fixture) must(p *accounts.AuthPayload, err error) *accounts.AuthPayload {
	h.t.Helper()
	if err != nil {
		h.t.Fatalf("refused: %v", err)
	}
	return p
}

// caller is who an access token says is calling, as the middleware would learn it.
func (h *fixture) caller(p *accounts.AuthPayload) *viewer.Viewer {
	h.t.Helper()
	claims := must(h.access.Verify(p.AccessToken))
	v := must(h.Viewer(h.t.Context(), claims, viewer.Origin{}))
	return &v
}

// wantActive checks that a payload's session can be used, and ended that it cannot.
func (h *fixture) wantActive(what string, p *accounts.AuthPayload) {
	h.t.Helper()
	if v := h.caller(p); v.UserID != p.User.ID {
		h.t.Errorf("%s: nobody (%s), want the user", what, v.Reason())
	}
}

func (h *fixture) wantRevoked(what string, p *accounts.AuthPayload) {
	h.t.Helper()
	if v := h.caller(p); v.SignedIn() || v.Reason() != "revoked" {
		h.t.Errorf("%s: signed in %v, reason %q; want nobody, revoked", what, v.SignedIn(), v.Reason())
	}
	wantProblem(h.t, what+": refresh", errOf(h.exchange(*p.RefreshToken)), problem.InvalidToken, "")
}

// wantProblem checks a refusal's code and field.
func wantProblem(t *testing.T, what string, err error, code problem.Code, field string) *problem.Problem {
	t.Helper()
	var p *problem.Problem
	if !errors.As(err, &p) {
		t.Errorf("%s: %v, want %s", what, err, code)
		return &problem.Problem{}
	}
	if p.Code != code || p.Field != field {
		t.Errorf("%s: %s of field %q, want %s of %q", what, p.Code, p.Field, code, field)
	}
	return p
}

var check = testenv.Check

// inParallel runs f n times at the same moment.
func inParallel(n int, f func(i int)) {
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { <-start; f(i) })
	}
	close(start)
	wg.Wait()
}

// account compares users as accounts: which session an answer has begun does not count.
var account = cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".SignedIn" }, cmp.Ignore())

func ptr[T any](v T) *T { return &v }

// clock stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) move(d time.Duration) { c.set(c.Now().Add(d)) }

func (c *clock) set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}

// must returns a value without which a test cannot go on.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// errOf is the error of a use case whose payload is not looked at.
func errOf[T any](_ T, err error) error { return err }

// wantEqual compares what came with what was wanted.
func wantEqual[T any](t *testing.T, what string, want, got T, options ...cmp.Option) {
	t.Helper()
	if diff := cmp.Diff(want, got, options...); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
