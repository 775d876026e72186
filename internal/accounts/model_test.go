package accounts_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"entgo.io/ent"
	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/token"
)

// TestSessions_AgreeWithTheirModel takes random steps on two instances of one database, and holds every answer
// and every row against a naive model in memory. MODEL_SEED repeats a walk, and TEST_LONG=model takes a long one.
func TestSessions_AgreeWithTheirModel(t *testing.T) {
	const full = 100_000
	count, seed := 1_000, modelSeed()
	switch {
	case testenv.Long("model"):
		count = full
	case testing.Short():
		count = 500
	}
	eachDatabase(t, func(t *testing.T, h *fixture) {
		m := newModel(t, h, seed)
		m.steps = slices.Concat(steps, factorSteps)
		m.walk(count)
		t.Logf("of %d answers about live sessions %d were remembered", m.signedIn, m.remembered)
		if m.remembered*2 < m.signedIn {
			t.Error("the views are hardly used, so they are not tested")
		}
		if count == full && len(m.seen) < outcomes {
			t.Errorf("%d outcomes were seen, want %d or more", len(m.seen), outcomes)
		}
	})
}

// modelSeed is another one in each run, unless MODEL_SEED repeats one.
func modelSeed() uint64 {
	if text := os.Getenv("MODEL_SEED"); text != "" {
		return must(strconv.ParseUint(text, 10, 64))
	}
	return uint64(time.Now().UnixNano())
}

// walk takes a number of steps, and holds everything against the model after each.
func (m *model) walk(count int) {
	for m.step = range count {
		m.take()
		m.tell()
		m.holds()
	}
	m.t.Logf("MODEL_SEED=%d, %d steps: %v", m.seed, count, m.seen)
}

// wholeLife is short enough for sessions that see the end of it.
const wholeLife = refreshTTL + 3*24*time.Hour

// deletionGrace is short enough for accounts that see the end of it.
const deletionGrace = 4 * time.Hour

// outcomes is how many pairs of a step and its outcome a long run sees at least: one saw 162, of which twelve were rare.
const outcomes = 145

// model is what should be.
type model struct {
	*fixture
	random   *rand.Rand
	at       [2]*seat
	acting   *seat
	gate     *seat // which knows devices; nobody asks it who calls
	steps    []weighted
	people   []*person
	devices  map[*person][]*device
	sessions []*signIn             // the live ones, those that have a row, and some that are gone
	links    []*link               // of mails, and challenges; the newest last
	tokens   []*personal           // personal access tokens
	begun    []*ceremony           // of passkeys
	lost     []*key                // passkeys that no account has any more
	tells    []string              // the notices that the step must leave
	revoked  []accounts.Revocation // in force
	floor    time.Time             // the clock never steps back over a sign-in or an end

	rollsBack bool // the step: its transaction fails after its last write

	seed       uint64
	step       int
	history    []string
	seen       map[string]int // how often each outcome
	signedIn   int            // answers about live sessions
	remembered int            // those of them that cost no read
}

// seat is an instance with a pool of its own, as another process has.
type seat struct {
	*fixture
	reads int  // of sessions
	deaf  bool // it does not hear what the other does
}

// person is an account, or none while the id is zero.
type person struct {
	home             string // the first address
	email, password  string
	pending          string // the address that is asked for; "": none
	id               uuid.UUID
	admin, suspended bool
	verified         bool
	proved           bool      // who has the password has shown that they read the mail
	secured          time.Time // by the link of a notice

	eraseAt    time.Time // of a deleted account; zero: it is not deleted
	restorable bool      // by its owner

	everProved                 bool // somebody who held the account has shown that they read its mail
	credentials, factorChanges int  // how often they changed
	app, begun                 *authenticator
	keys                       []*key
	codes, spent               []string // recovery codes
}

// signIn is one session.
type signIn struct {
	of                           *person
	user                         uuid.UUID // the person's id at that time
	id                           uuid.UUID
	tokens                       []string // refresh tokens, the newest last
	created, proved, idle, until time.Time
	ended                        bool // by somebody
	row                          bool // is there
	known                        bool // to have lived after the step before
	shown                        proofs
}

func newModel(t *testing.T, h *fixture, seed uint64) *model {
	h.config.SessionTTL, h.config.DeletionGrace = wholeLife, deletionGrace
	m := &model{fixture: h, random: rand.New(rand.NewPCG(seed, 0)), seed: seed, seen: map[string]int{},
		devices: map[*person][]*device{}}
	for i := range m.at {
		m.at[i] = newSeat(t, h)
		m.at[i].config.Client.AuditEvent.Use(m.rollBack)
		m.at[i].SyncedUntil(time.Now())
	}
	m.gate = &seat{fixture: m.at[0].throttled(unlimited)}
	for _, name := range []string{"root", "ada", "bob", "eve"} {
		p := &person{home: name + "@example.com", email: name + "@example.com"}
		m.people, m.devices[p] = append(m.people, p), []*device{{}, {}}
	}
	root := must(h.CreateAdministrator(t.Context(), m.people[0].email, goodPassword))
	*m.people[0] = person{home: root.Email, email: root.Email, password: goodPassword, id: root.ID, admin: true}
	return m
}

func newSeat(t *testing.T, h *fixture) *seat {
	s := &seat{fixture: h.otherPool(h.url)}
	s.config.Client.Session.Intercept(ent.InterceptFunc(func(next ent.Querier) ent.Querier {
		return ent.QuerierFunc(func(ctx context.Context, q ent.Query) (ent.Value, error) {
			s.reads++
			return next.Query(ctx, q)
		})
	}))
	return s
}

// rollBack fails the write that is a transaction's last.
func (m *model) rollBack(next ent.Mutator) ent.Mutator {
	return ent.MutateFunc(func(ctx context.Context, change ent.Mutation) (ent.Value, error) {
		written, err := next.Mutate(ctx, change)
		if m.rollsBack {
			err = errInjected
		}
		return written, err
	})
}

// otherPool returns another instance, with a pool of its own.
func (h *fixture) otherPool(url string) *fixture {
	h.t.Helper()
	db := must(database.Open(h.t.Context(), database.Config{URL: url, Log: slog.New(slog.DiscardHandler)}))
	h.t.Cleanup(func() { check(h.t, db.Close()) })
	return h.instance(func(c *accounts.Config) { c.Client = db.Client })
}

// fail says how the walk can be repeated, and how it ended.
func (m *model) fail(format string, args ...any) {
	m.t.Helper()
	m.t.Fatalf("%s\nMODEL_SEED=%d, step %d. The last steps:\n%s", fmt.Sprintf(format, args...), m.seed, m.step,
		strings.Join(m.history, "\n"))
}

func (m *model) note(format string, args ...any) {
	m.history = append(m.history, m.now().Format("06-01-02 15:04:05.000000 ")+fmt.Sprintf(format, args...))
	m.history = m.history[max(0, len(m.history)-20):]
}

func (m *model) now() time.Time { return m.clock.Now().Truncate(time.Microsecond) }

func (m *model) isActive(s *signIn) bool { return m.livesAt(s, m.now()) }

func (m *model) livesAt(s *signIn, now time.Time) bool {
	return s.row && !s.ended && now.Before(s.idle) && now.Before(s.until)
}

// mayLive reports whether a session lives by the clock of an instance that is behind.
func (m *model) mayLive(s *signIn) bool { return m.livesAt(s, m.now().Add(-token.Leeway)) }

func (m *model) liveOf(user uuid.UUID) []*signIn {
	return m.which(func(s *signIn) bool { return s.user == user && m.isActive(s) })
}

func (m *model) allOf(user uuid.UUID) []*signIn {
	return m.which(func(s *signIn) bool { return s.user == user })
}

func (m *model) which(f func(*signIn) bool) (some []*signIn) {
	for _, s := range m.sessions {
		if f(s) {
			some = append(some, s)
		}
	}
	return some
}

func oneOf[T any](m *model, all []T) T { return all[m.random.IntN(len(all))] }

func (m *model) chance(percent int) bool { return m.random.IntN(100) < percent }

// begin notes a new session, and by what it began. The user's dead ones lose their rows.
func (m *model) begin(p *person, given *accounts.AuthPayload, by proofs) {
	if p.hasFactor() && !by.code && !by.key && !by.spared {
		m.fail("a session of %s began without the second factor", p.email)
	}
	if slices.ContainsFunc(m.sessions, func(s *signIn) bool { return s.id == given.Viewer.SessionID || s.user == given.User.ID && s.of != p }) {
		m.fail("an id came twice")
	}
	for _, s := range m.sessions {
		s.row = s.row && (s.user != p.id || m.isActive(s))
	}
	now := m.now()
	s := &signIn{of: p, user: p.id, id: given.Viewer.SessionID, row: true, created: now, proved: now, shown: by,
		idle: now.Add(refreshTTL).Truncate(time.Second), until: now.Add(wholeLife).Truncate(time.Second)}
	m.sessions = append(m.sessions, s)
	m.given(s, given)
	m.floor = now
}

// given checks a payload and takes its refresh token.
func (m *model) given(s *signIn, p *accounts.AuthPayload) {
	claims, err := m.access.Verify(p.AccessToken)
	if err != nil {
		m.fail("the access token: %v", err)
	}
	if claims.UserID != s.user || claims.SessionID != s.id || !claims.AuthenticatedAt.Equal(s.proved.Truncate(time.Second)) ||
		!slices.Equal(claims.Roles, s.of.roles()) || claims.AMR != s.shown.amr() {
		m.fail("the access token says %+v", claims)
	}
	if v := p.Viewer; v.UserID != s.user || v.SessionID != s.id || !v.AuthTime.Equal(s.proved) || !slices.Equal(v.Roles, s.of.roles()) ||
		v.AMR != s.shown.amr() {
		m.fail("the viewer is %+v", v)
	}
	if p.RefreshToken == nil {
		return
	}
	if slices.ContainsFunc(m.sessions, func(s *signIn) bool { return slices.Contains(s.tokens, *p.RefreshToken) }) {
		m.fail("a refresh token came twice")
	}
	s.tokens = append(s.tokens, *p.RefreshToken)
}

func (p *person) roles() []string {
	if p.admin {
		return []string{"ADMIN", "USER"}
	}
	return []string{"USER"}
}

// end ends sessions that may live, and nothing else.
func (m *model) end(all ...*signIn) {
	now := m.now()
	for _, s := range all {
		if m.mayLive(s) {
			s.ended = true
			m.revoked = append(m.revoked, accounts.Revocation{UserID: s.user, SessionID: s.id, At: now,
				Until: lastToken(now)})
		}
	}
}

func lastToken(now time.Time) time.Time {
	return now.Add(accessTTL + token.Leeway).Truncate(time.Second)
}
