package accounts_test

import (
	"encoding/base32"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/totp"
)

// TestFactors_AgreeWithTheirModel is TestSessions_AgreeWithTheirModel of few people who mostly use second factors and
// personal access tokens, so that a short walk meets them.
func TestFactors_AgreeWithTheirModel(t *testing.T) {
	count, seed := 700, modelSeed()
	switch {
	case testenv.Long("model"):
		count = 20_000
	case testing.Short():
		count = 350
	}
	eachDatabase(t, func(t *testing.T, h *fixture) {
		m := newModel(t, h, seed)
		m.people = m.people[:3]
		m.steps = slices.Concat(factorSteps, aroundFactors)
		m.walk(count)
	})
}

// factorSteps are the steps of second factors and of personal access tokens.
var factorSteps = []weighted{
	{8, (*model).takeStartTotp},
	{12, (*model).takeConfirmTotp},
	{12, (*model).takeComplete},
	{5, (*model).takeReauthenticateByCode},
	{2, (*model).takeRemoveFactor},
	{3, (*model).takeRegenerate},
	{2, (*model).takeOperator},
	{5, (*model).takeCreateToken},
	{3, (*model).takeRevokeToken},
	{2, (*model).takeByToken},
	{10, (*model).takeTick},
	{5, (*model).takeStartPasskey},
	{7, (*model).takeAddPasskey},
	{8, (*model).takeStartPasskeyLogin},
	{6, (*model).takePasskeyLogin},
	{4, (*model).takeReauthenticateByPasskey},
}

// aroundFactors are the other steps of a walk that mostly uses factors.
var aroundFactors = []weighted{
	{3, (*model).takeRegister},
	{26, (*model).takeLogin},
	{8, func(m *model) { m.takeRefresh(0) }},
	{1, func(m *model) { m.takeRefresh(1) }},
	{4, func(m *model) { m.takeRefresh(2) }},
	{1, (*model).takeLogout},
	{2, (*model).takeChangePassword},
	{3, (*model).takeReauthenticate},
	{1, (*model).takeRevokeSession},
	{1, (*model).takeRevokeOthers},
	{1, func(m *model) { m.takeStatus(accounts.StatusSuspended) }},
	{3, func(m *model) { m.takeStatus(accounts.StatusActive) }},
	{1, (*model).takeSetRoles},
	{1, (*model).takeDelete},
	{1, (*model).takeEndSessions},
	{4, (*model).takeRequestReset},
	{4, (*model).takeResetPassword},
	{1, (*model).takeRequestVerification},
	{1, (*model).takeVerifyEmail},
	{1, (*model).takeChangeEmail},
	{1, (*model).takeConfirmChange},
	{1, (*model).takeRevertChange},
	{1, (*model).takeSecure},
	{1, (*model).takeExport}, {1, (*model).takeDownload},
	{1, (*model).takeErase},
	{2, (*model).takeRollBack},
}

// proofs are what was shown in a session, or for a challenge. Nothing else may be in its amr.
type proofs struct {
	password, code, key bool
	spared              bool // the second factor: the device was remembered, or the session takes the place of another
}

var byPassword = proofs{password: true}

// mfa reports whether they are two factors. A passkey is two in one.
func (p proofs) mfa() bool { return p.key || p.password && p.code }

// amr says it in the words of RFC 8176.
func (p proofs) amr() (set token.AMR) {
	for value, is := range map[token.AMR]bool{token.Password: p.password, token.OneTimeCode: p.code,
		token.HardwareKey: p.key, token.UserPresence: p.key, token.MultiFactor: p.mfa()} {
		if is {
			set |= value
		}
	}
	return set
}

// authenticator is an app.
type authenticator struct {
	id      uuid.UUID // when it counts
	secret  totp.Secret
	last    int64     // step whose code was used
	session uuid.UUID // which began to set it up
	begun   time.Time
}

const (
	totpStep  = 30 * time.Second
	setupLife = 30 * time.Minute
)

// stepOf returns the step of a code that the app may have shown now, the first one that is not used.
func (a *authenticator) stepOf(code string, now time.Time) (step int64, ok bool) {
	if a == nil {
		return 0, false
	}
	for step = now.Unix()/30 - 1; step <= now.Unix()/30+1; step++ {
		if step > a.last && a.secret.Code(time.Unix(step*30, 0)) == code {
			return step, true
		}
	}
	return 0, false
}

// someCode is mostly one that an app shows, else one that it has shown before, or another person's, or none.
func (m *model) someCode(a *authenticator) string {
	var all []*authenticator
	for _, p := range m.people {
		if p.app != nil {
			all = append(all, p.app)
		}
	}
	n := m.random.IntN(100)
	switch {
	case n < 12 && len(all) > 0:
		return oneOf(m, all).secret.Code(m.now())
	case a == nil || n < 18:
		return "x"
	case n < 28:
		return a.secret.Code(time.Unix(a.last*30, 0))
	case n < 36:
		return a.secret.Code(m.now().Add(oneOf(m, []time.Duration{-2, -3, 2, 3}) * totpStep))
	}
	return a.secret.Code(m.now().Add(oneOf(m, []time.Duration{-1, 0, 0, 0, 1, 1}) * totpStep))
}

// changes says what a change of the caller's factors is refused with, "" when it is not.
func (m *model) changes(s *signIn) problem.Code {
	want := m.refused(s)
	if want == "" && s.of.hasFactor() && !s.shown.mfa() {
		want = problem.ReauthenticationRequired
	}
	return want
}

func (m *model) takeStartTotp() {
	s := m.caller(anybody)
	begun, err := m.seat().StartTotp(m.t.Context(), s.viewer())
	if m.outcome(err, m.changes(s), "startTotp by %s, %s", s.of.email, s.id) {
		secret := must(base32.StdEncoding.DecodeString(begun.Secret))
		s.of.begun = &authenticator{secret: secret, session: s.id, begun: m.now()}
	}
}

func (m *model) takeConfirmTotp() {
	s := m.caller(func(s *signIn) bool { return s.of.begun != nil && s.of.begun.session == s.id || m.chance(10) })
	begun := s.of.begun
	code, want := m.someCode(begun), m.changes(s)
	step, right := begun.stepOf(code, m.now())
	switch {
	case want != "":
	case begun == nil || begun.session != s.id || !m.now().Before(begun.begun.Add(setupLife)):
		want = problem.NotFound
	case !right:
		want = problem.InvalidCredentials
	}
	made, err := m.seat().ConfirmTotp(m.t.Context(), s.viewer(), accounts.ConfirmTotpInput{Code: code})
	if !m.outcome(err, want, "confirmTotp by %s, %s", s.of.email, s.id) {
		return
	}
	m.added(s.of, made.RecoveryCodes)
	begun.id, begun.last = made.Factor.ID, step
	s.of.app, s.of.begun, s.shown.code = begun, nil, true
}

// added notes that a person is about to have one more factor. With the first come recovery codes.
func (m *model) added(p *person, codes []string) {
	m.noticed(*p, accounts.MailFactorAdded)
	if first := !p.hasFactor(); first != (len(codes) == 10) {
		m.fail("the first: %v, and %d codes", first, len(codes))
	} else if first {
		p.codes = codes
	}
	p.factorChanges++
}

func (p *person) hasFactor() bool { return p.app != nil || len(p.keys) > 0 }

func (m *model) takeReauthenticateByCode() {
	s := m.caller(func(s *signIn) bool { return s.of.app != nil || m.chance(10) })
	code, want := m.someCode(s.of.app), m.refused(s)
	step, right := s.of.app.stepOf(code, m.now())
	if want == "" && !right {
		want = problem.InvalidCredentials
	}
	given, err := m.seat().Reauthenticate(m.t.Context(), s.viewer(), accounts.ReauthenticateInput{Code: &code})
	if m.outcome(err, want, "reauthenticateByCode by %s, %s", s.of.email, s.id) {
		s.of.app.last, s.proved, s.shown.code = step, m.now(), true
		m.given(s, given)
	}
}

// takeRemoveFactor removes mostly one's own factor.
func (m *model) takeRemoveFactor() {
	s := m.caller(func(s *signIn) bool { return s.of.hasFactor() || m.chance(10) })
	of, id, want := s.of, uuid.New(), m.changes(s)
	if m.chance(30) {
		of = oneOf(m, m.people)
	}
	if all := of.factorIDs(); len(all) > 0 {
		id = oneOf(m, all)
	}
	if want == "" && !slices.Contains(s.of.factorIDs(), id) {
		want = problem.NotFound
	}
	_, err := m.seat().RemoveFactor(m.t.Context(), s.viewer(), id)
	if !m.outcome(err, want, "removeFactor by %s, %s", s.of.email, s.id) {
		return
	}
	m.noticed(*s.of, accounts.MailFactorRemoved)
	s.of.factorChanges++
	if s.of.app != nil && s.of.app.id == id {
		s.of.app = nil
	}
	m.loseKeys(s.of, func(k *key) bool { return k.id == id })
	if !s.of.hasFactor() {
		s.of.spent, s.of.codes = append(s.of.spent, s.of.codes...), nil
	}
}

// factorKinds are what a person can complete a sign-in with.
func (p *person) factorKinds() (kinds []accounts.FactorKind) {
	if p.app != nil {
		kinds = append(kinds, accounts.FactorTotp)
	}
	if len(p.keys) > 0 {
		kinds = append(kinds, accounts.FactorPasskey)
	}
	if len(p.codes) > 0 {
		kinds = append(kinds, accounts.FactorRecoveryCodes)
	}
	return kinds
}

func (p *person) factorIDs() (all []uuid.UUID) {
	if p.app != nil {
		all = append(all, p.app.id)
	}
	for _, k := range p.keys {
		all = append(all, k.id)
	}
	return all
}

// loseFactors takes all factors away.
func (m *model) loseFactors(p *person) {
	if p.hasFactor() {
		p.spent, p.codes = append(p.spent, p.codes...), nil
		p.factorChanges++
	}
	p.app, p.begun = nil, nil
	m.loseKeys(p, func(*key) bool { return true })
}

func (m *model) takeRegenerate() {
	s := m.caller(func(s *signIn) bool { return s.of.hasFactor() || m.chance(10) })
	want := m.changes(s)
	if want == "" && !s.of.hasFactor() {
		want = problem.NotFound
	}
	made, err := m.seat().RegenerateRecoveryCodes(m.t.Context(), s.viewer())
	if m.outcome(err, want, "regenerateRecoveryCodes by %s, %s", s.of.email, s.id) {
		m.noticed(*s.of, accounts.MailRecoveryCodesReplaced)
		s.of.spent, s.of.codes = append(s.of.spent, s.of.codes...), made.RecoveryCodes
		s.of.factorChanges++
	}
}

// takeTick lets apps show the next code, or moves the clock to where a challenge, a personal access token, the setup of an
// app or the options of a passkey end.
func (m *model) takeTick() {
	to := m.now().Add(time.Duration(m.random.Int64N(int64(40 * time.Second))))
	var ends []time.Time
	for _, l := range m.links {
		if l.purpose == token.SecondFactor && m.canBeUsed(l) {
			ends = append(ends, l.expires)
		}
	}
	for _, t := range m.tokens {
		if m.isUsable(t) && t.until.Before(m.now().Add(time.Hour)) {
			ends = append(ends, t.until)
		}
	}
	for _, p := range m.people {
		if p.begun != nil && m.now().Before(p.begun.begun.Add(setupLife)) {
			ends = append(ends, p.begun.begun.Add(setupLife))
		}
	}
	for _, c := range m.begun {
		if m.answers(c, c.session) {
			ends = append(ends, c.expires)
		}
	}
	if len(ends) > 0 && m.chance(20) {
		to = oneOf(m, ends).Add(oneOf(m, []time.Duration{-time.Microsecond, 0, time.Microsecond}))
		m.floor = to // an instance that is behind sees no token whose end another one has seen
	}
	m.clock.set(to)
	m.note("the clock ticks")
}

// holdsFactors compares the rows of factors and of recovery codes.
func (m *model) holdsFactors() {
	apps := must(m.db.Client.TotpFactor.Query().All(m.t.Context()))
	codes := must(m.db.Client.RecoveryCode.Query().All(m.t.Context()))
	rows := 0
	for _, p := range m.people {
		for _, row := range apps {
			if row.UserID != p.id {
				continue
			}
			rows++
			a := p.begun
			if row.Confirmed {
				a = p.app
			}
			if a == nil || row.Confirmed && (row.ID != a.id || row.LastStep != a.last) {
				m.fail("%s has the app %+v, want %+v", p.email, row, a)
			}
		}
		if p.app != nil {
			rows--
		}
		if p.begun != nil {
			rows--
		}
		unused := 0
		for _, row := range codes {
			if row.UserID == p.id && row.UsedAt == nil {
				unused++
			}
		}
		m.holdsKeys(p)
		if rows != 0 || unused != len(p.codes) {
			m.fail("%s has %d apps too many, and %d recovery codes, want %d", p.email, rows, unused, len(p.codes))
		}
	}
}
