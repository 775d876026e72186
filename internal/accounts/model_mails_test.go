package accounts_test

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// link is a mail with a token.
type link struct {
	purpose         token.OneTimePurpose
	of              *person
	user, session   uuid.UUID
	address         string // to which it went
	text, code      string
	expires, until  time.Time // until is as the mail said
	used, forgotten bool
	admin           bool // an invitation gives ADMIN
	attempts        int

	shown       proofs // of a challenge
	credentials int    // of its account then
}

var linkLives = map[token.OneTimePurpose]time.Duration{token.ResetAccess: 30 * time.Minute,
	token.VerifyEmail: 24 * time.Hour, token.ChangeEmail: 24 * time.Hour, token.UndoEmail: 7 * 24 * time.Hour,
	token.Invitation: 7 * 24 * time.Hour, token.SecureAccount: 7 * 24 * time.Hour,
	token.Export: 24 * time.Hour}

// mailed takes the mails of the step before: there must be one for each of these links, in their order, and no other.
func (m *model) mailed(want ...*link) {
	letters := m.letters()
	if len(letters) != len(want) {
		m.fail("%d mails, want %d: %+v", len(letters), len(want), letters)
	}
	for i, l := range want {
		got := letters[i]
		switch l.purpose {
		case token.UndoEmail:
		case token.Invitation:
			m.withdraw(l.address)
		default:
			m.expire(l.user, l.purpose)
		}
		l.until = m.now().Add(linkLives[l.purpose])
		l.expires = l.until
		if string(got.Kind) != string(l.purpose) || got.To != l.address || (got.Code != "") != (l.session != uuid.Nil && l.purpose != token.Invitation && l.purpose != token.Export) ||
			!got.Expires.Equal(l.expires) {
			m.fail("the mail is %+v, want %+v", got, l)
		}
		l.text, l.code = got.Token, got.Code
		m.links = append(m.links, l)
	}
	if len(m.links) > 60 {
		m.links = slices.DeleteFunc(m.links, func(l *link) bool { return !m.canBeUsed(l) && m.chance(50) })
	}
}

// noticed says that the owner of an account has to be told, at the address that it had, if that was confirmed: of the first
// thing that a step did, since the others follow from it.
func (m *model) noticed(before person, kind accounts.MailKind) {
	told := slices.ContainsFunc(m.tells, func(told string) bool { return strings.HasSuffix(told, " to "+before.email) })
	if before.verified && !told {
		m.tells = append(m.tells, fmt.Sprintf("%s to %s", kind, before.email))
	}
}

// holdsNotices: those of the step, and no other mail.
func (m *model) holdsNotices() {
	m.mailed()
	var got []string
	for _, l := range m.fixture.told {
		got = append(got, fmt.Sprintf("%s to %s", l.Kind, l.To))
		m.securing(l)
	}
	if !slices.Equal(got, m.tells) {
		m.fail("the notices are %q, want %q", got, m.tells)
	}
	m.fixture.told, m.tells = nil, nil
}

// securing notes the link of a notice. It has one when there is something to secure.
func (m *model) securing(l *accounts.Letter) {
	p := &person{secured: m.now()}
	to := func(p *person) bool { return p.email == l.To && p.active() }
	if i := slices.IndexFunc(m.people, to); i >= 0 && accounts.CanSecure(l.Kind) {
		p = m.people[i]
	}
	if got := l.Token != ""; got != p.secured.Before(m.now()) {
		m.fail("the notice %+v has a link: %v", l, got)
	} else if got {
		m.links = append(m.links, &link{purpose: token.SecureAccount, of: p, user: p.id, address: l.To, text: l.Token,
			expires: m.now().Add(linkLives[token.SecureAccount])})
	}
}

// takeSecure follows the link of a notice. All others of the account end with it.
func (m *model) takeSecure() {
	l, want := m.someLink(token.SecureAccount)
	if want == "" && l.address != l.of.email {
		want = problem.InvalidToken
	}
	_, err := m.seat().SecureAccount(m.t.Context(), anonymous, accounts.SecureAccountInput{Token: l.text})
	if !m.outcome(err, want, "secureAccount of %s by %s", l.of.email, l.purpose) {
		m.mailed()
		return
	}
	l.used, l.of.secured, l.of.password, l.of.proved, l.of.pending = true, m.now(), nobodysPassword, false, ""
	m.expire(l.user, token.VerifyEmail, token.ResetAccess, token.ChangeEmail, token.Invitation, token.SecureAccount, token.Export,
		token.SecondFactor)
	m.endAll(l.user)
	l.of.credentials++
	m.mailed(&link{purpose: token.ResetAccess, of: l.of, user: l.user, address: l.address})
}

func (m *model) canBeUsed(l *link) bool { return !l.used && !l.forgotten && m.now().Before(l.expires) }

// expire ends the links of an account.
func (m *model) expire(user uuid.UUID, purposes ...token.OneTimePurpose) {
	for _, l := range m.links {
		if l.user == user && slices.Contains(purposes, l.purpose) && m.canBeUsed(l) {
			l.expires = m.now()
		}
	}
}

// takeBack ends the changes of a person's address that some sessions began, their exports, their invitations to be an
// administrator, and the sign-ins that wait for a second factor.
func (m *model) takeBack(p *person, began func(*link) bool) {
	for _, l := range m.links {
		move := l.purpose == token.ChangeEmail
		begun := move || l.admin || l.purpose == token.Export || l.purpose == token.SecondFactor
		if l.user != p.id || !begun || !m.canBeUsed(l) || !began(l) {
			continue
		}
		if l.expires = m.now(); move {
			p.pending = ""
		}
	}
}

// withdraw ends the invitations of an address.
func (m *model) withdraw(address string) {
	for _, l := range m.links {
		if l.purpose == token.Invitation && l.address == address && m.canBeUsed(l) {
			l.expires = m.now()
		}
	}
}

func (m *model) canBeUndone(user uuid.UUID) bool {
	return slices.ContainsFunc(m.links, func(l *link) bool {
		return l.user == user && l.purpose == token.UndoEmail && m.canBeUsed(l)
	})
}

// someLink is mostly one that can be used for a purpose, and says whether it is let in there. Else it is another purpose's,
// or used, replaced or expired, or its account is suspended.
func (m *model) someLink(purpose token.OneTimePurpose) (l *link, want problem.Code) {
	usable := func(l *link) bool { return l.purpose == purpose && m.canBeUsed(l) }
	fits := usable
	switch n := m.random.IntN(100); {
	case n < 10:
		fits = func(l *link) bool { return l.purpose != purpose }
	case n < 25:
		fits = func(l *link) bool { return l.purpose == purpose && !m.canBeUsed(l) }
	case n < 40: // used, or ended by something else than time
		fits = func(l *link) bool { return l.purpose == purpose && !m.canBeUsed(l) && m.now().Before(l.until) }
	case n < 50:
		fits = func(l *link) bool { return usable(l) && l.of.suspended }
	}
	all := slices.Collect(m.linksThat(fits))
	if len(all) == 0 {
		all = slices.Collect(m.linksThat(usable))
	}
	if len(all) == 0 {
		return &link{of: &person{}, text: "x"}, problem.InvalidToken
	}
	l = oneOf(m, all)
	opening := []token.OneTimePurpose{token.ResetAccess, token.UndoEmail, token.SecondFactor}
	shut := !l.of.active() && (!m.mayReturn(l.of) || !slices.Contains(opening, purpose))
	if !usable(l) || l.of.id != l.user || shut {
		return l, problem.InvalidToken
	}
	return l, ""
}

func (m *model) linksThat(fit func(*link) bool) iter.Seq[*link] {
	return func(yield func(*link) bool) {
		for _, l := range m.links {
			if fit(l) && !yield(l) {
				return
			}
		}
	}
}

// addresses are those that a person uses.
func (p *person) addresses() []string {
	return []string{p.home, "b" + p.home, "c" + p.home}
}

func (m *model) takeRequestVerification() {
	s := m.caller(anybody)
	want := m.refused(s)
	_, err := m.seat().RequestEmailVerification(m.t.Context(), s.viewer())
	if !m.outcome(err, want, "requestEmailVerification by %s, %s", s.of.email, s.id) || s.of.verified {
		m.mailed()
		return
	}
	m.mailed(&link{purpose: token.VerifyEmail, of: s.of, user: s.user, session: s.id, address: s.of.email})
}

func (m *model) takeVerifyEmail() {
	l, want := m.someLink(token.VerifyEmail)
	if want == "" && l.address != l.of.email {
		want = problem.InvalidToken
	}
	by, own := m.follower(l)
	_, err := m.seat().VerifyEmail(m.t.Context(), by, accounts.VerifyEmailInput{Token: &l.text})
	if m.outcome(err, want, "verifyEmail of %s by %s", l.of.email, l.purpose) {
		l.used, l.of.verified, l.of.proved = true, true, own
		l.of.everProved = l.of.everProved || own
	}
}

// follower follows a link: nobody, or a session, and whether it shows that the account's own user does.
func (m *model) follower(l *link) (by *viewer.Viewer, own bool) {
	if m.chance(50) {
		return anonymous, false
	}
	s := m.caller(func(s *signIn) bool { return s.user == l.user || m.chance(30) })
	return s.viewer(), s.user == l.user && m.isActive(s)
}

// takeVerifyByCode tries the code of a mail in a session, mostly in the one that asked for it.
func (m *model) takeVerifyByCode() {
	l, _ := m.someLink(token.VerifyEmail)
	s := m.caller(func(s *signIn) bool { return s.id == l.session || s.user == l.user && m.chance(20) || m.chance(2) })
	var open *link
	for _, o := range m.links {
		if o.purpose == token.VerifyEmail && o.user == s.user && o.session == s.id && m.canBeUsed(o) && o.attempts < 5 {
			open = o
		}
	}
	code, want := l.code, m.refused(s)
	if m.chance(30) {
		code = "x"
	}
	switch {
	case want != "":
	case open == nil:
		want = problem.InvalidToken
	case open.code != code:
		want = problem.InvalidCredentials
		open.attempts++
	}
	_, err := m.seat().VerifyEmail(m.t.Context(), s.viewer(), accounts.VerifyEmailInput{Code: &code})
	if m.outcome(err, want, "verifyByCode of %s, %s", s.of.email, s.id) {
		open.used, s.of.verified, s.of.proved, s.of.everProved = true, true, true, true
	}
}

func (m *model) takeChangeEmail() {
	s := m.caller(anybody)
	to, want := oneOf(m, (&person{home: "nobody@example.com"}).addresses()), m.refused(s)
	if s.of.home != "" {
		to = oneOf(m, s.of.addresses())
	}
	if other := oneOf(m, m.people); m.chance(15) && other != s.of && other.id != uuid.Nil {
		if to = other.email; want == "" {
			want = problem.EmailTaken
		}
	}
	_, err := m.seat().ChangeEmail(m.t.Context(), s.viewer(), accounts.ChangeEmailInput{Email: to})
	if !m.outcome(err, want, "changeEmail of %s to %s", s.of.email, to) {
		m.mailed()
		return
	}
	if to == s.of.email {
		s.of.pending = ""
		m.expire(s.user, token.ChangeEmail)
		m.mailed()
		return
	}
	s.of.pending = to
	m.mailed(&link{purpose: token.ChangeEmail, of: s.of, user: s.user, session: s.id, address: to})
}

func (m *model) takeConfirmChange() {
	l, want := m.someLink(token.ChangeEmail)
	if want == "" && l.address != l.of.pending {
		want = problem.InvalidToken
	}
	by, own := m.follower(l)
	_, err := m.seat().ConfirmEmailChange(m.t.Context(), by, accounts.ConfirmEmailChangeInput{Token: &l.text})
	if !m.outcome(err, want, "confirmEmailChange of %s by %s", l.of.email, l.purpose) {
		m.mailed()
		return
	}
	l.used = true
	before := *l.of
	m.moved(l)
	l.of.proved, l.of.everProved = own, before.everProved || own
	if !before.verified {
		m.mailed()
		return
	}
	m.mailed(&link{purpose: token.UndoEmail, of: l.of, user: l.user, address: before.email})
}

// moved is what a change of address and its undo have in common.
func (m *model) moved(l *link) {
	l.of.email, l.of.verified, l.of.proved, l.of.pending = l.address, true, false, ""
	m.expire(l.user, token.VerifyEmail, token.ResetAccess, token.ChangeEmail, token.SecureAccount, token.Export)
	m.withdraw(l.address)
}

// takeRevertChange undoes a change: what was changed later cannot be undone any more.
func (m *model) takeRevertChange() {
	l, want := m.someLink(token.UndoEmail)
	_, err := m.seat().RevertEmailChange(m.t.Context(), anonymous, accounts.RevertEmailChangeInput{Token: l.text})
	if !m.outcome(err, want, "revertEmailChange of %s by %s", l.of.email, l.purpose) {
		m.mailed()
		return
	}
	l.used = true
	if l.of.email != l.address {
		m.noticed(*l.of, accounts.MailEmailChanged)
	}
	for _, later := range m.links[slices.Index(m.links, l)+1:] {
		later.forgotten = later.forgotten || later.user == l.user && later.purpose == token.UndoEmail
	}
	m.moved(l)
	m.expire(l.user, token.Invitation, token.SecondFactor)
	l.of.password = nobodysPassword
	m.endAll(l.user)
	l.of.credentials++
	m.mailed(&link{purpose: token.ResetAccess, of: l.of, user: l.user, address: l.address})
}

func (m *model) takeFree() {
	m.outcome(m.seat().FreeFormerAddresses(m.t.Context()), "", "freeFormerAddresses")
	for _, l := range m.links {
		l.forgotten = l.forgotten || l.purpose == token.UndoEmail && !m.now().Before(l.expires)
	}
}

func (m *model) takeForget() {
	m.outcome(m.seat().DeleteExpiredRevocations(m.t.Context()), "", "forgetRevocations")
	m.floor = m.now()
}

func (m *model) takeList() {
	p := oneOf(m, m.people)
	all, err := m.seat().Sessions(m.t.Context(), viewer.Anonymous(viewer.Missing), &accounts.User{ID: p.id})
	m.outcome(err, "", "sessions of %s", p.email)
	if want := m.liveOf(p.id); len(all) != len(want) {
		m.fail("%d sessions are listed, want %d", len(all), len(want))
	}
}
