package accounts_test

import (
	"slices"
	"time"

	"github.com/google/uuid"

	entpasskey "github.com/gatehouse/gatehouse/ent/passkey"
	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/passkey/passkeytest"
	"github.com/gatehouse/gatehouse/internal/problem"
)

// key is a passkey of an account.
type key struct {
	*passkeytest.Passkey
	of          *person
	id          uuid.UUID
	credentials int    // of the account when it was last used beside another proof: it opens the account alone while they stay
	count       uint32 // when it was last used
}

// ceremony are options that a passkey may answer.
type ceremony struct {
	adds          bool // a passkey; else one is used
	options       any
	user, session uuid.UUID // that began it; nobody who is signed in: none
	expires       time.Time
	used          bool
}

// begins notes options that were given to a session, or to nobody.
func (m *model) begins(c *ceremony) {
	c.expires = m.now().Add(accounts.CeremonyTTL)
	if m.begun = append(m.begun, c); len(m.begun) > 40 {
		m.begun = slices.Delete(m.begun, 0, 20)
	}
}

// answers reports whether options may be answered in a session, or by nobody who is signed in.
func (m *model) answers(c *ceremony, session uuid.UUID) bool {
	return !c.used && m.now().Before(c.expires) && c.session == session
}

// hasBegun reports whether there are options that may be answered in a session, or by nobody who is signed in.
func (m *model) hasBegun(adds bool, session uuid.UUID) bool {
	return slices.ContainsFunc(m.begun, func(c *ceremony) bool { return c.adds == adds && m.answers(c, session) })
}

// someCeremony is mostly one that may be answered there, else any of its kind, or one that nobody has begun.
func (m *model) someCeremony(adds bool, session uuid.UUID) *ceremony {
	var all, fit []*ceremony
	for _, c := range m.begun {
		if c.adds != adds {
			continue
		}
		if all = append(all, c); m.answers(c, session) {
			fit = append(fit, c)
		}
	}
	switch n := m.random.IntN(100); {
	case n < 85 && len(fit) > 0:
		return oneOf(m, fit)
	case n < 95 && len(all) > 0:
		return oneOf(m, all)
	}
	return &ceremony{options: map[string]any{"challenge": "x"}}
}

func (m *model) takeStartPasskey() {
	s := m.caller(anybody)
	if len(s.of.keys) >= 3 {
		return
	}
	made, err := m.seat().StartPasskey(m.t.Context(), s.viewer())
	if !m.outcome(err, m.changes(s), "startPasskey by %s, %s", s.of.email, s.id) {
		return
	}
	for _, c := range m.begun {
		c.used = c.used || c.adds && c.user == s.user // replaced
	}
	m.begins(&ceremony{adds: true, options: made.Options, user: s.user, session: s.id})
}

func (m *model) takeAddPasskey() {
	s := m.caller(func(s *signIn) bool { return m.hasBegun(true, s.id) || m.chance(5) })
	if !m.hasBegun(true, s.id) && m.chance(70) {
		m.takeStartPasskey()
		return
	}
	c, origin, want := m.someCeremony(true, s.id), passkeyOrigin, m.changes(s)
	if m.chance(10) {
		origin = "https://evil.example"
	}
	made, response := passkeytest.Create(m.t, origin, c.options)
	switch {
	case !c.adds || c.user != s.user:
		want = problem.InvalidToken
	case want != "":
	case !m.answers(c, s.id):
		want = problem.InvalidToken
	case origin != passkeyOrigin:
		c.used, want = true, problem.InvalidCredentials
	}
	given, err := m.seat().AddPasskey(m.t.Context(), s.viewer(), accounts.AddPasskeyInput{Response: response})
	if !m.outcome(err, want, "addPasskey by %s, %s", s.of.email, s.id) {
		return
	}
	c.used = true
	m.added(s.of, given.RecoveryCodes)
	s.of.keys = append(s.of.keys, &key{made, s.of, given.Factor.ID, s.of.credentials, 0})
	s.shown.key = true
}

// takeStartPasskeyLogin asks for a passkey in a session, or for anybody's.
func (m *model) takeStartPasskeyLogin() {
	s, by, want := &signIn{of: &person{}}, anonymous, problem.Code("")
	if m.chance(40) {
		s = m.caller(func(s *signIn) bool { return len(s.of.keys) > 0 || m.chance(10) })
		if by, want = s.viewer(), m.refused(s); want == "" && len(s.of.keys) == 0 {
			want = problem.NotFound
		}
	}
	made, err := m.seat().StartPasskeyLogin(m.t.Context(), by)
	if m.outcome(err, want, "startPasskeyLogin by %s, %s", s.of.email, s.id) {
		m.begins(&ceremony{options: made.Options, user: s.user, session: s.id})
	}
}

// answer is what a browser answers to options with a passkey.
type answer struct {
	*ceremony
	key             *key
	response        any
	foreign, copied bool
}

// someAnswer is mostly a right one by a passkey of a person. Else the passkey is another's, or nobody's any more, or a copy
// of it, or the page is of another origin. Whose passkey it is an answer need not say where something else says that.
func (m *model) someAnswer(p *person, session uuid.UUID, alone bool) *answer {
	a := &answer{ceremony: m.someCeremony(false, session)}
	keys := p.keys
	if other := oneOf(m, m.people); m.chance(8) {
		keys = other.keys
	} else if m.chance(8) {
		keys = m.lost
	}
	if len(keys) == 0 {
		made, _ := passkeytest.Create(m.t, passkeyOrigin, map[string]any{})
		made.RPID = "id.example.org"
		keys = []*key{{Passkey: made}}
	}
	a.key = oneOf(m, keys)
	used := *a.key.Passkey
	switch n := m.random.IntN(100); {
	case n < 8:
		a.foreign, used.Origin = true, "https://evil.example"
	case n < 16 && a.key.count > 0 && !m.rollsBack: // which would bring the options back
		a.copied, used.Count = true, a.key.count-1
	default:
		used.Count = a.key.count
	}
	if !alone && m.chance(30) {
		used.Handle = ""
	}
	a.response = used.Use(a.options)
	return a
}

// wants says what an answer is refused with where it counts for a person, in a session or without one, unless something
// else is refused first. Options are used up by a passkey that is refused.
func (m *model) wants(a *answer, p *person, session uuid.UUID, first problem.Code) problem.Code {
	switch {
	case a.ceremony.expires.IsZero():
		return problem.InvalidToken
	case first != "":
		return first
	case !m.answers(a.ceremony, session):
		return problem.InvalidToken
	}
	own := slices.Contains(p.keys, a.key)
	if own && a.copied {
		m.noticed(*p, accounts.MailPasskeyCloned)
	}
	if !own || a.foreign || a.copied {
		a.ceremony.used = true
		return problem.InvalidCredentials
	}
	return ""
}

// used notes that a passkey of a person was used beside another proof.
func (*model) used(a *answer, p *person) {
	a.ceremony.used = true
	a.key.count++
	a.key.credentials = p.credentials
}

// takePasskeyLogin signs in with a passkey alone.
func (m *model) takePasskeyLogin() {
	if !m.hasBegun(false, uuid.Nil) && m.chance(70) {
		m.takeStartPasskeyLogin()
		return
	}
	p := oneOf(m, m.people)
	for range 5 {
		if len(p.keys) == 0 {
			p = oneOf(m, m.people)
		}
	}
	a := m.someAnswer(p, uuid.Nil, true)
	if a.key.of != nil {
		p = a.key.of
	}
	stays := slices.Contains(p.keys, a.key) && m.mayReturn(p)
	var want problem.Code
	if stays {
		want = m.wants(a, p, uuid.Nil, "")
	} else if want = m.wants(a, &person{}, uuid.Nil, ""); want == problem.InvalidCredentials {
		m.seen["passkeyLogin of no account"]++
	}
	if want == "" && a.key.credentials != p.credentials {
		a.ceremony.used, want = true, problem.InvalidCredentials
	}
	at, d := m.place(p)
	given, err := at.PasskeyLogin(m.t.Context(), d.viewer(), accounts.PasskeyLoginInput{Response: a.response})
	if m.outcome(err, want, "passkeyLogin of %s", p.email) {
		m.used(a, p)
		m.restored(p)
		m.begin(p, given, proofs{key: true})
		m.arrived(d, p, given)
	}
}

func (m *model) takeReauthenticateByPasskey() {
	s := m.caller(func(s *signIn) bool {
		return m.hasBegun(false, s.id) || len(s.of.keys) > 0 && m.chance(10) || m.chance(2)
	})
	if !m.hasBegun(false, s.id) && m.chance(70) {
		m.takeStartPasskeyLogin()
		return
	}
	a := m.someAnswer(s.of, s.id, false)
	want := m.wants(a, s.of, s.id, m.refused(s))
	given, err := m.seat().Reauthenticate(m.t.Context(), s.viewer(), accounts.ReauthenticateInput{Passkey: a.response})
	if m.outcome(err, want, "reauthenticateByPasskey by %s, %s", s.of.email, s.id) {
		m.used(a, s.of)
		s.proved, s.shown.key = m.now(), true
		m.given(s, given)
	}
}

// loseKeys takes some passkeys away from a person.
func (m *model) loseKeys(p *person, which func(*key) bool) {
	for _, k := range p.keys {
		if which(k) {
			m.lost = append(m.lost, k)
		}
	}
	p.keys = slices.DeleteFunc(slices.Clone(p.keys), which)
}

// holdsKeys compares the rows of a person's passkeys.
func (m *model) holdsKeys(p *person) {
	rows := must(m.db.Client.Passkey.Query().Where(entpasskey.UserID(p.id)).All(m.t.Context()))
	if len(rows) != len(p.keys) {
		m.fail("%s has %d passkeys, want %d", p.email, len(rows), len(p.keys))
	}
	for _, row := range rows {
		fits := func(k *key) bool {
			return k.id == row.ID && int64(k.count) == row.SignCount && k.credentials == row.CredentialGeneration
		}
		if !slices.ContainsFunc(p.keys, fits) {
			m.fail("%s has the passkey %+v", p.email, row)
		}
	}
}
