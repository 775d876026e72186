package accounts_test

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// take takes one random step; of links, more than chance has are used before they expire.
func (m *model) take() {
	if newest := len(m.links) - 1; newest >= 0 && m.canBeUsed(m.links[newest]) && m.chance(8) {
		// most notices have the link that secures an account, which often used ends all else
		if purpose := m.links[newest].purpose; purpose != token.SecureAccount || m.chance(20) {
			redeeming[purpose](m)
			return
		}
	}
	all := 0
	for _, s := range m.steps {
		all += s.weight
	}
	n := m.random.IntN(all)
	for _, s := range m.steps {
		if n -= s.weight; n < 0 {
			s.take(m)
			return
		}
	}
}

// outcome holds an answer against what the model says: a code, or success where there is none.
func (m *model) outcome(err error, want problem.Code, format string, args ...any) bool {
	what := fmt.Sprintf(format, args...)
	if m.rollsBack && errors.Is(err, errInjected) {
		m.note("%s: rolled back", what)
		m.seen[strings.Fields(what)[0]+" rolled back"]++
		return false
	}
	m.note("%s: want %s", what, cmp.Or(want, "success"))
	m.seen[strings.Fields(what)[0]+" "+string(cmp.Or(want, "done"))]++
	if want == "" && err != nil || want != "" && !problem.Is(err, want) {
		m.fail("%s: %v, want %s", what, err, cmp.Or(want, "success"))
	}
	return err == nil
}

// weighted is a step, and how often it is taken.
type weighted struct {
	weight int
	take   func(*model)
}

var steps = []weighted{
	{6, (*model).takeRegister},
	{30, (*model).takeLogin},
	{20, func(m *model) { m.takeRefresh(0) }},
	{6, func(m *model) { m.takeRefresh(1) }},
	{3, func(m *model) { m.takeRefresh(2 + m.random.IntN(3)) }},
	{4, (*model).takeForged},
	{4, (*model).takeLogout},
	{4, (*model).takeChangePassword},
	{6, (*model).takeReauthenticate},
	{4, (*model).takeRevokeSession},
	{2, (*model).takeRevokeOthers},
	{2, func(m *model) { m.takeStatus(accounts.StatusSuspended) }},
	{4, func(m *model) { m.takeStatus(accounts.StatusActive) }},
	{5, (*model).takeSetRoles},
	{2, (*model).takeDelete},
	{1, (*model).takeDeleteUser}, {2, (*model).takeEndSessions}, {2, (*model).takeSendReset},
	{2, (*model).takeList},
	{14, (*model).takeTime},
	{1, (*model).takeForget},
	{5, (*model).takeRequestReset},
	{4, (*model).takeResetPassword},
	{4, (*model).takeRequestVerification},
	{2, (*model).takeVerifyEmail},
	{4, (*model).takeVerifyByCode},
	{7, (*model).takeChangeEmail},
	{7, (*model).takeConfirmChange},
	{3, (*model).takeRevertChange},
	{2, (*model).takeSecure},
	{2, (*model).takeExport}, {2, (*model).takeDownload},
	{1, (*model).takeFree},
	{4, (*model).takeInvite},
	{4, (*model).takeAccept},
	{2, (*model).takeErase},
	{1, (*model).takeSilence},
	{12, (*model).takeRollBack},
}

// redeeming are the steps that use links.
var redeeming = map[token.OneTimePurpose]func(*model){
	token.ResetAccess: (*model).takeResetPassword, token.VerifyEmail: (*model).takeVerifyEmail,
	token.ChangeEmail: (*model).takeConfirmChange, token.UndoEmail: (*model).takeRevertChange,
	token.Invitation: (*model).takeAccept, token.SecureAccount: (*model).takeSecure,
	token.Export: (*model).takeDownload, token.SecondFactor: (*model).takeComplete,
}

// takeRollBack takes a step that is rolled back after all of it was written, its mails too.
func (m *model) takeRollBack() {
	m.rollsBack = true
	oneOf(m, []func(*model){(*model).takeRegister, (*model).takeLogin, (*model).takeChangePassword, (*model).takeSetRoles,
		func(m *model) { m.takeStatus(accounts.StatusSuspended) }, (*model).takeDelete, (*model).takeRequestReset,
		(*model).takeResetPassword, (*model).takeRequestVerification, (*model).takeVerifyEmail, (*model).takeChangeEmail,
		(*model).takeConfirmChange, (*model).takeRevertChange, (*model).takeInvite, (*model).takeAccept, (*model).takeDeleteUser,
		(*model).takeSendReset, (*model).takeEndSessions, (*model).takeSecure, (*model).takeExport,
		(*model).takeDownload, (*model).takeComplete, (*model).takeConfirmTotp, (*model).takeRemoveFactor,
		(*model).takeRegenerate, (*model).takeReauthenticateByCode, (*model).takeOperator, (*model).takeCreateToken,
		(*model).takeRevokeToken, (*model).takeAddPasskey, (*model).takePasskeyLogin, (*model).takeReauthenticateByPasskey})(m)
	m.rollsBack = false
}

// seat is the instance that takes the step.
func (m *model) seat() *seat {
	m.acting = oneOf(m, m.at[:])
	return m.acting
}

// caller is a session with which somebody asks, mostly a live one; an unknown one when none is as asked for.
func (m *model) caller(as func(*signIn) bool) *signIn {
	all := m.which(as)
	if live := m.which(func(s *signIn) bool { return as(s) && m.isActive(s) }); len(live) > 0 && m.chance(85) {
		all = live
	}
	if len(all) == 0 {
		return &signIn{of: &person{}, user: uuid.New(), id: uuid.New()}
	}
	return oneOf(m, all)
}

func anybody(*signIn) bool { return true }

// viewer is whom the access token of a session named, when it lived.
func (s *signIn) viewer() *viewer.Viewer {
	return &viewer.Viewer{UserID: s.user, SessionID: s.id, AuthTime: s.proved, AMR: s.shown.amr()}
}

// refused is what a caller's write is refused with, "" when it is not.
func (m *model) refused(s *signIn) problem.Code {
	if !m.isActive(s) {
		return problem.Unauthenticated
	}
	return ""
}

func (m *model) takeRegister() {
	p := oneOf(m, m.people)
	var want problem.Code
	if p.id != uuid.Nil {
		want = problem.EmailTaken
	}
	pw := oneOf(m, []string{goodPassword, otherPassword})
	given, err := m.seat().Register(m.t.Context(), anonymous, accounts.RegisterInput{Email: p.email, Password: pw})
	if m.outcome(err, want, "register %s", p.email) {
		m.withdraw(p.email)
		*p = person{home: p.home, email: p.email, password: pw, id: given.User.ID}
		m.begin(p, given, byPassword)
	}
}

func (m *model) takeLogin() {
	p := oneOf(m, m.people)
	if len(m.liveOf(p.id)) >= 6 {
		return
	}
	pw := m.password(p)
	at, d := m.place(p)
	var want problem.Code
	switch {
	case p.id == uuid.Nil || !m.mayReturn(p) || !p.opens(pw):
		want = problem.InvalidCredentials
	case p.hasFactor() && !m.spares(d, p):
		want = problem.SecondFactorRequired
	}
	given, err := at.Login(m.t.Context(), d.viewer(), accounts.LoginInput{Email: p.email, Password: pw})
	if m.outcome(err, want, "login %s", p.email) {
		m.restored(p)
		m.begin(p, given, proofs{password: true, spared: p.hasFactor()})
		m.arrived(d, p, given)
	}
	m.challenged(p, err, byPassword)
}

// password is the person's, or sometimes a wrong one.
func (m *model) password(p *person) string {
	if m.chance(20) {
		return otherThan(p.password)
	}
	return p.password
}

func otherThan(pw string) string {
	if pw == goodPassword {
		return otherPassword
	}
	return goodPassword
}

// takeRefresh presents a refresh token of an age: 0 is the newest, whose successor is made; 1 has an unused successor,
// which is given again; 2 is late for ten seconds; what is older has been copied.
func (m *model) takeRefresh(age int) {
	s := m.caller(func(s *signIn) bool { return len(s.tokens) > age })
	i := len(s.tokens) - 1 - age
	if i < 0 {
		return
	}
	lived := m.isActive(s)
	var want problem.Code
	if !lived || age > 1 {
		want = problem.InvalidToken
	}
	given, err := m.seat().Refresh(m.t.Context(), anonymous, accounts.RefreshInput{RefreshToken: &s.tokens[i]})
	m.outcome(err, want, "refresh-%d of %s, %s", min(age, 2), s.of.email, s.id)
	switch {
	case !lived:
	case age == 2 && m.now().Truncate(time.Second).Sub(s.idle.Add(-refreshTTL)).Abs() <= 10*time.Second:
		m.seen["refresh-2 is late"]++
	case age > 1:
		m.takeBack(s.of, func(l *link) bool { return l.session == s.id })
		m.end(s)
		m.endTokens(s.user, func(t *personal) bool { return t.session == s.id })
	case age == 1:
		if *given.RefreshToken != s.tokens[i+1] {
			m.fail("another successor")
		}
		given.RefreshToken = nil
		m.given(s, given)
	default:
		was := s.idle
		if s.idle = m.now().Add(refreshTTL).Truncate(time.Second); s.idle.Before(was) {
			m.acting = nil // the clock was set back: that the session ends earlier, each instance has from the log
		}
		m.given(s, given)
	}
}

// takeForged presents what only a thief of the secret could make: it names the session and a generation that fits.
func (m *model) takeForged() {
	s := m.caller(anybody)
	forged, err := m.refresh.New(s.user, s.id)
	check(m.t, err)
	for range len(s.tokens) - 1 - m.random.IntN(2) {
		forged = forged.Next()
	}
	_, err = m.seat().Refresh(m.t.Context(), anonymous, accounts.RefreshInput{RefreshToken: ptr(forged.Text())})
	m.outcome(err, problem.InvalidToken, "forged of %s, %s", s.of.email, s.id)
}

func (m *model) takeLogout() {
	s := m.caller(anybody)
	_, err := m.seat().Logout(m.t.Context(), s.viewer(), "")
	m.outcome(err, "", "logout %s, %s", s.of.email, s.id)
	m.end(s)
}

// proof chooses a password, and says what it is refused with.
func (m *model) proof(s *signIn) (pw string, want problem.Code) {
	pw = m.password(s.of)
	switch {
	case s.of.id != s.user: // the account is gone
		return pw, problem.Unauthenticated
	case !s.of.opens(pw):
		return pw, problem.InvalidCredentials
	}
	return pw, m.refused(s)
}

func (m *model) takeChangePassword() {
	s := m.caller(anybody)
	pw, want := m.proof(s)
	next := otherThan(s.of.password)
	given, err := m.seat().ChangePassword(m.t.Context(), s.viewer(),
		accounts.ChangePasswordInput{CurrentPassword: pw, NewPassword: next})
	if m.outcome(err, want, "changePassword by %s, %s", s.of.email, s.id) {
		s.of.password = next
		m.noticed(*s.of, accounts.MailPasswordChanged)
		m.expire(s.user, token.ResetAccess)
		m.takeBack(s.of, func(*link) bool { return true })
		m.endAll(s.user)
		for _, k := range s.of.keys {
			if k.credentials == s.of.credentials {
				k.credentials++
			}
		}
		s.of.credentials++
		shown := s.shown
		shown.password, shown.spared = true, true
		m.begin(s.of, given, shown) // in the place of the one that asked
	}
}

func (m *model) takeReauthenticate() {
	s := m.caller(anybody)
	pw, want := m.proof(s)
	given, err := m.seat().Reauthenticate(m.t.Context(), s.viewer(), accounts.ReauthenticateInput{Password: ptr(pw)})
	if m.outcome(err, want, "reauthenticate by %s, %s", s.of.email, s.id) {
		s.proved, s.shown.password = m.now(), true
		m.given(s, given)
	}
}

func (m *model) takeRevokeSession() {
	by := m.caller(anybody)
	s := m.caller(func(s *signIn) bool { return s.user == by.user || m.chance(20) })
	want := m.refused(by)
	if want == "" && (s.user != by.user || !m.mayLive(s)) {
		want = problem.NotFound
	}
	_, err := m.seat().RevokeSession(m.t.Context(), by.viewer(), s.id)
	if m.outcome(err, want, "revokeSession %s by %s, %s", s.id, by.of.email, by.id) {
		m.takeBack(by.of, func(l *link) bool { return l.session == s.id })
		m.end(s)
		m.endTokens(by.user, func(t *personal) bool { return t.session == s.id })
	}
}

func (m *model) takeRevokeOthers() {
	by := m.caller(anybody)
	_, err := m.seat().RevokeOtherSessions(m.t.Context(), by.viewer())
	if m.outcome(err, m.refused(by), "revokeOtherSessions by %s, %s", by.of.email, by.id) {
		m.takeBack(by.of, func(l *link) bool { return l.session != by.id })
		m.end(m.which(func(s *signIn) bool { return s.user == by.user && s != by })...)
		m.endTokens(by.user, func(t *personal) bool { return t.session != by.id })
	}
}

// takeTime moves the clock: mostly a little, sometimes to the very end of a session or a link, or over days, and
// periodically back by up to a second.
func (m *model) takeTime() {
	live, usable, before := m.which(m.isActive), slices.Collect(m.linksThat(m.canBeUsed)), m.now()
	to := before.Add(time.Duration(m.random.Int64N(int64(8 * time.Second))))
	switch n := m.random.IntN(100); {
	case n < 10:
		to = before.Add(-time.Duration(m.random.Int64N(int64(time.Second))))
	case n < 25:
		to = before.Add(time.Duration(m.random.Int64N(int64(15 * time.Minute))))
	case n < 30:
		to = before.Add(time.Duration(m.random.Int64N(int64(12 * 24 * time.Hour))))
	case n < 45 && len(live) > 0:
		soonest := slices.MinFunc(live, func(a, b *signIn) int { return a.end().Compare(b.end()) })
		to = soonest.end().Add(oneOf(m, []time.Duration{-time.Microsecond, 0, time.Microsecond}))
	case n < 65 && len(usable) > 0:
		soonest := slices.MinFunc(usable, func(a, b *link) int { return a.expires.Compare(b.expires) })
		to = soonest.expires.Add(oneOf(m, []time.Duration{-time.Microsecond, 0, time.Microsecond}))
	}
	if p := oneOf(m, m.people); p.deleted() && p.eraseAt.After(before) && m.chance(20) {
		to = p.eraseAt.Add(oneOf(m, []time.Duration{-time.Microsecond, 0, time.Microsecond}))
	}
	if to.Before(m.floor) {
		to = m.floor
	}
	m.clock.set(to)
	for _, s := range live {
		switch {
		case m.isActive(s):
			continue
		case m.now().Before(s.idle):
			m.seen["session ends at the end of its life"]++
		default:
			m.seen["session ends idle"]++
		}
		m.floor = to
	}
	m.note("the clock moves by %v", to.Sub(before))
}

func (s *signIn) end() time.Time {
	if s.idle.Before(s.until) {
		return s.idle
	}
	return s.until
}

// takeSilence cuts an instance off for a few steps: what it has missed it is never told.
func (m *model) takeSilence() {
	s := m.seat()
	s.deaf = true
	s.SyncLost()
	m.note("an instance hears nothing")
}
