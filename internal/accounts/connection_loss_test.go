package accounts_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/revocation"
	"github.com/gatehouse/gatehouse/ent/session"
	"github.com/gatehouse/gatehouse/ent/user"
	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestConnectionLoss_LosesAndRepeatsNothing cuts the connection to Postgres at each statement of each mutation, before
// it runs, after it ran and in the middle of its answer, as a peer that closes and as one that resets.
// lib/pq lets database/sql send a statement again when the connection was closed, and what would be done twice
// then can end an innocent session. TEST_LONG=cut cuts each statement in every way; otherwise all but the first take
// turns.
func TestConnectionLoss_LosesAndRepeatsNothing(t *testing.T) {
	h := newFixture(t, dbtest.Postgres(t))
	root := h.administrator("root@example.com")
	c := newFaultProxy(t, h.url)
	runs, failed := 0, 0
	for _, m := range mutations {
		sound := m.run(t, h, c, root, cut{})
		if sound.err != nil || !sound.committed || sound.after == sound.before {
			t.Fatalf("%s changes nothing: %+v", m.name, sound)
		}
		for n := 1; n <= sound.statements; n++ {
			for i, at := range cuts {
				if !testenv.Long("cut") && i != 0 && i != 1+n%(len(cuts)-1) || testing.Short() && n%3 != 0 {
					continue
				}
				at.at = n
				got := m.run(t, h, c, root, at)
				m.compare(t, got, sound)
				runs++
				if got.err != nil {
					failed++
				}
			}
		}
	}
	t.Logf("%d cuts in %d mutations; %d answered an error", runs, len(mutations), failed)
}

// mutation is one use case, done by a user or by an administrator to them.
type mutation struct {
	name    string
	prepare func(*cast)
	do      func(h *fixture, c *cast) error
	already problem.Code // what a second try is refused with, when the first one has changed everything
}

// cast is one user with two sessions, of whom the first asks.
type cast struct {
	*fixture
	email          string
	one, two, root *accounts.AuthPayload
	hash           string // of the password
}

var mutations = []mutation{
	{name: "register", already: problem.EmailTaken,
		prepare: func(c *cast) { c.email = "new-" + c.email },
		do: func(h *fixture, c *cast) error {
			return errOf(h.Register(c.t.Context(), anonymous,
				accounts.RegisterInput{Email: c.email, Password: goodPassword}))
		}},
	{name: "login", do: func(h *fixture, c *cast) error {
		return errOf(h.Login(c.t.Context(), anonymous, accounts.LoginInput{Email: c.email, Password: goodPassword}))
	}},
	{name: "refresh", do: func(h *fixture, c *cast) error { return errOf(h.refreshed(c.one)) }},
	{name: "logout", do: func(h *fixture, c *cast) error { return errOf(h.Logout(c.t.Context(), c.one.Viewer, "")) }},
	{name: "revokeSession", already: problem.NotFound, do: func(h *fixture, c *cast) error {
		return errOf(h.RevokeSession(c.t.Context(), c.one.Viewer, c.two.Viewer.SessionID))
	}},
	{name: "revokeOtherSessions", do: func(h *fixture, c *cast) error {
		return errOf(h.RevokeOtherSessions(c.t.Context(), c.one.Viewer))
	}},
	{name: "reauthenticate", do: func(h *fixture, c *cast) error {
		return errOf(h.Reauthenticate(c.t.Context(), c.one.Viewer, accounts.ReauthenticateInput{Password: ptr(goodPassword)}))
	}},
	{name: "changePassword", already: problem.InvalidCredentials, do: func(h *fixture, c *cast) error {
		return errOf(h.ChangePassword(c.t.Context(), c.one.Viewer,
			accounts.ChangePasswordInput{CurrentPassword: goodPassword, NewPassword: otherPassword}))
	}},
	{name: "updateProfile", do: func(h *fixture, c *cast) error { return h.rename(c.one.Viewer, "Ada") }},
	{name: "setRoles", do: func(h *fixture, c *cast) error {
		return h.setRoles(c.root.Viewer, c.one.User.ID, accounts.RoleUser, accounts.RoleAdmin)
	}},
	{name: "suspendUser", do: func(h *fixture, c *cast) error {
		return errOf(h.SuspendUser(c.t.Context(), c.root.Viewer, c.one.User.ID))
	}},
	{name: "reinstateUser",
		prepare: func(c *cast) { _, err := c.SuspendUser(c.t.Context(), c.root.Viewer, c.one.User.ID); check(c.t, err) },
		do: func(h *fixture, c *cast) error {
			return errOf(h.ReinstateUser(c.t.Context(), c.root.Viewer, c.one.User.ID))
		}},
	{name: "deleteAccount", already: problem.Unauthenticated, do: func(h *fixture, c *cast) error {
		return errOf(h.DeleteAccount(c.t.Context(), c.one.Viewer))
	}},
}

// run is what came of one try, and of the next one on a sound connection.
type run struct {
	cut        cut
	statements int // that were sent
	committed  bool
	writers    int // connections on which something was to be written
	before     string
	err        error
	after      string
	errAgain   error
	afterAgain string
}

// run does the mutation to a fresh cast, through a connection of its own that is cut, and then once more.
func (m mutation) run(t *testing.T, h *fixture, through *faultProxy, root *accounts.AuthPayload, at cut) run {
	t.Helper()
	c := newCast(h, root)
	if m.prepare != nil {
		m.prepare(c)
	}
	h.clock.move(time.Minute)
	db, err := database.Open(t.Context(), database.Config{URL: through.url, Log: slog.New(slog.DiscardHandler)})
	check(t, err)
	defer db.Close()
	caller := h.instance(func(c *accounts.Config) { c.Client = db.Client })
	r := run{cut: at, before: c.state()}
	through.arm(at)
	r.err = m.do(caller, c)
	seen := through.arm(cut{})
	r.statements = len(seen)
	writers := map[int]bool{}
	for _, s := range seen {
		r.committed = r.committed || s.text == "COMMIT" && s.passed
		if !s.reads() {
			writers[s.connection] = true
		}
	}
	r.writers = len(writers)
	r.after = c.state()
	r.errAgain = m.do(caller, c)
	r.afterAgain = c.state()
	return r
}

// compare holds a run that was cut against one that was not.
func (m mutation) compare(t *testing.T, r, sound run) {
	t.Helper()
	wrong := func(format string, args ...any) {
		t.Helper()
		t.Errorf("%s, %s: %s\nbefore: %s\nafter:  %s, %v\nsound:  %s", m.name, r.cut, fmt.Sprintf(format, args...),
			r.before, r.after, r.err, sound.after)
	}
	want := sound.before
	if r.committed {
		want = sound.after
	}
	if r.before != sound.before || r.after != want {
		wrong("COMMIT was sent: %v", r.committed)
	}
	if r.err == nil && !r.committed || r.err != nil && !database.Unavailable(r.err) {
		wrong("the answer is not what happened, or not that the database is unavailable")
	}
	if r.writers > 1 {
		wrong("a write was sent again, on %d connections", r.writers)
	}
	end, code := sound.after, problem.Code("")
	if r.committed {
		end, code = sound.afterAgain, m.already
	}
	if r.afterAgain != end || code == "" && r.errAgain != nil || code != "" && !problem.Is(r.errAgain, code) {
		wrong("the next try answers %v and leaves\n        %s, want\n        %s", r.errAgain, r.afterAgain, end)
	}
}

// newCast registers a user and logs them in once more. What must stay secret is noted by other tests.
func newCast(h *fixture, root *accounts.AuthPayload) *cast {
	h.t.Helper()
	ctx, c := h.t.Context(), &cast{fixture: h, email: uuid.NewString() + "@example.com", root: root}
	c.one = h.must(h.Register(ctx, anonymous, accounts.RegisterInput{Email: c.email, Password: goodPassword}))
	c.two = h.must(h.Login(ctx, anonymous, accounts.LoginInput{Email: c.email, Password: goodPassword}))
	c.hash = h.db.Client.User.GetX(ctx, c.one.User.ID).PasswordHash
	return c
}

// state says all that a mutation may change, in words that are the same for every cast.
func (c *cast) state() string {
	ctx, db, now := c.t.Context(), c.db.Client, c.clock.Now().Truncate(time.Microsecond)
	var words []string
	say := func(format string, args ...any) { words = append(words, fmt.Sprintf(format, args...)) }
	for _, u := range db.User.Query().Where(user.Email(c.email)).AllX(ctx) {
		say("user %v %s named %v, new password %v, updated %v:", u.Roles, u.Status, u.Name != nil,
			u.PasswordHash != c.hash, u.UpdatedAt.Equal(now))
	}
	for _, s := range db.Session.Query().Where(session.HasUserWith(user.Email(c.email))).Order(session.ByID()).AllX(ctx) {
		say("session %d ended %v, begun %v, proved %v;", s.RefreshGeneration, s.EndedAt != nil,
			s.CreatedAt.Equal(now), s.AuthenticatedAt.Equal(now))
	}
	for _, r := range db.Revocation.Query().Where(revocation.UserID(c.one.User.ID), revocation.At(now)).Order(ent.Asc(revocation.FieldID)).AllX(ctx) {
		say("revoked %v %v;", r.SessionID != nil, r.Roles)
	}
	return strings.Join(words, " ")
}
