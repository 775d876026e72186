package accounts_test

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// personal is a personal access token.
type personal struct {
	of          *person
	user        uuid.UUID
	id, session uuid.UUID // session made it
	text        string
	until       time.Time
	revoked     bool
	known       bool // to have been usable after the step before
}

func (m *model) isUsable(t *personal) bool { return !t.revoked && m.now().Before(t.until) }

// mayBeUsable is isUsable by the clock of an instance that is behind.
func (m *model) mayBeUsable(t *personal) bool {
	return !t.revoked && m.now().Add(-token.Leeway).Before(t.until)
}

// endAll ends all sessions and personal access tokens of a user.
func (m *model) endAll(user uuid.UUID) {
	m.end(m.allOf(user)...)
	m.endTokens(user, func(*personal) bool { return true })
}

// endTokens ends those tokens of a user that may be usable, and no others.
func (m *model) endTokens(user uuid.UUID, which func(*personal) bool) {
	for _, t := range m.tokens {
		if t.user == user && m.mayBeUsable(t) && which(t) {
			t.revoked = true
			m.revoked = append(m.revoked, accounts.Revocation{UserID: user, SessionID: t.id, At: m.now(),
				Until: lastToken(m.now())})
		}
	}
}

func (m *model) takeCreateToken() {
	s := m.caller(anybody)
	usable := func(t *personal) bool { return t.user == s.user && m.isUsable(t) }
	if slices.ContainsFunc(m.tokens, usable) && m.chance(50) {
		return
	}
	longest := oneOf(m, []time.Duration{time.Minute, 300 * 24 * time.Hour})
	until := m.now().Add(time.Second + time.Duration(m.random.Int64N(int64(longest))))
	made, err := m.seat().CreateAccessToken(m.t.Context(), s.viewer(), script(until))
	if m.outcome(err, m.changes(s), "createAccessToken by %s, %s", s.of.email, s.id) {
		m.noticed(*s.of, accounts.MailAccessTokenCreated)
		m.tokens = append(m.tokens, &personal{of: s.of, user: s.user, session: s.id, id: made.AccessToken.ID,
			text: made.Token, until: until.Truncate(time.Second)})
	}
}

func script(until time.Time) accounts.CreateAccessTokenInput {
	return accounts.CreateAccessTokenInput{Name: "a script", Scopes: []string{string(accounts.ScopeAccountRead)},
		ExpiresAt: until}
}

// takeByToken tries what needs a proof with a token, which has proved nothing.
func (m *model) takeByToken() {
	t := &personal{of: &person{}, text: "x"}
	if len(m.tokens) > 0 {
		t = oneOf(m, m.tokens)
	}
	want := problem.Unauthenticated
	switch usable := m.isUsable(t); {
	case usable && !t.of.hasFactor():
		return // what the schema keeps tokens from
	case usable:
		want = problem.ReauthenticationRequired
	}
	at := m.seat()
	v := must(at.TokenViewer(m.t.Context(), t.text, viewer.Origin{}))
	_, err := at.CreateAccessToken(m.t.Context(), &v, script(m.now().Add(time.Hour)))
	m.outcome(err, want, "byToken of %s: createAccessToken", t.of.email)
	_, err = at.RemoveFactor(m.t.Context(), &v, uuid.New())
	m.outcome(err, want, "byToken of %s: removeFactor", t.of.email)
}

// takeRevokeToken revokes mostly a token of one's own.
func (m *model) takeRevokeToken() {
	t := &personal{id: uuid.New()}
	unusable := func(t *personal) bool { return !m.isUsable(t) }
	if usable := slices.DeleteFunc(slices.Clone(m.tokens), unusable); len(usable) > 0 && m.chance(70) {
		t = oneOf(m, usable)
	} else if len(m.tokens) > 0 {
		t = oneOf(m, m.tokens)
	}
	own := m.chance(75)
	s := m.caller(func(s *signIn) bool { return (s.user == t.user) == own })
	want := m.refused(s)
	if want == "" && (s.user != t.user || !m.mayBeUsable(t)) {
		want = problem.NotFound
	}
	_, err := m.seat().RevokeAccessToken(m.t.Context(), s.viewer(), t.id)
	if m.outcome(err, want, "revokeAccessToken %s by %s, %s", t.id, s.of.email, s.id) {
		m.endTokens(s.user, func(one *personal) bool { return one == t })
	}
}

// holdsTokens asks every instance who calls with each token that can be used, or could before the step, and with one
// that cannot.
func (m *model) holdsTokens() {
	dead := slices.DeleteFunc(slices.Clone(m.tokens), func(t *personal) bool { return m.isUsable(t) || t.known })
	if len(dead) > 0 {
		m.holdsToken(oneOf(m, dead))
	}
	if len(dead) > 20 {
		m.tokens = slices.DeleteFunc(m.tokens, func(t *personal) bool { return t == dead[0] })
	}
	for _, t := range m.tokens {
		if t.known || m.isUsable(t) {
			m.holdsToken(t)
		}
		t.known = m.isUsable(t)
	}
}

func (m *model) holdsToken(t *personal) {
	for i, at := range m.at {
		v := must(at.TokenViewer(m.t.Context(), t.text, viewer.Origin{}))
		if v.SignedIn() != m.isUsable(t) {
			m.fail("instance %d: the token %s of %s can be used: %v; signed in: %v", i, t.id, t.of.email, m.isUsable(t),
				v.SignedIn())
		}
		if v.SignedIn() && (v.UserID != t.user || v.TokenID != t.id || v.SessionID != uuid.Nil || v.AMR != 0 ||
			!slices.Equal(v.Roles, t.of.roles())) {
			m.fail("instance %d: the viewer of a token of %s is %+v", i, t.of.email, v)
		}
	}
}
