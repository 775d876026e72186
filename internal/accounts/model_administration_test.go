package accounts_test

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/token"
)

// managed chooses who manages whom, and says what it is refused with. The account may be gone.
func (m *model) managed() (by *signIn, id uuid.UUID, p *person, want problem.Code) {
	by = m.caller(func(s *signIn) bool { return s.of.admin || m.chance(20) })
	p = oneOf(m, m.people)
	id = p.id
	if m.chance(10) {
		old := m.caller(anybody)
		p, id = old.of, old.user
	}
	want = m.refused(by)
	if want == "" && !by.of.admin {
		want = problem.Forbidden
	}
	if want == "" && (p.id != id || id == uuid.Nil) {
		want = problem.NotFound
	}
	return by, id, p, want
}

// last reports whether a person is the only one who can manage.
func (m *model) last(p *person) bool {
	return !slices.ContainsFunc(m.people, func(q *person) bool { return q != p && q.admin && q.active() })
}

func (m *model) takeStatus(status accounts.UserStatus) {
	by, id, p, want := m.managed()
	suspend := status == accounts.StatusSuspended
	switch {
	case want != "" || !suspend:
	case p.deleted():
		want = problem.Forbidden
	case m.last(p):
		want = problem.LastAdmin
	}
	var err error
	if suspend {
		_, err = m.seat().SuspendUser(m.t.Context(), by.viewer(), id)
	} else {
		_, err = m.seat().ReinstateUser(m.t.Context(), by.viewer(), id)
	}
	if m.outcome(err, want, "%s %s by %s, %s", status, p.email, by.of.email, by.id) {
		p.proved = p.proved && p.suspended == suspend
		m.restored(p)
		if p.suspended != suspend {
			p.credentials++
		}
		if suspend && !p.suspended {
			m.noticed(*p, accounts.MailAccountSuspended)
		}
		p.suspended = suspend
		if suspend {
			m.takeBack(p, func(*link) bool { return true })
			m.expire(id, token.Invitation)
			m.endAll(id)
		}
	}
}

func (m *model) takeSetRoles() {
	by, id, p, want := m.managed()
	roles := oneOf(m, [][]accounts.Role{{accounts.RoleUser}, {accounts.RoleUser, accounts.RoleAdmin}})
	unproved, vouched := len(roles) == 2 && !p.admin && (!p.proved || m.canBeUndone(id)), m.chance(70)
	if want == "" && len(roles) == 1 && m.last(p) {
		want = problem.LastAdmin
	} else if want == "" && unproved && !vouched {
		want = problem.BadUserInput
	}
	_, err := m.seat().SetRoles(m.t.Context(), by.viewer(), accounts.SetRolesInput{UserID: id, Roles: roles, AllowUnverifiedEmail: vouched})
	if m.outcome(err, want, "setRoles %v of %s by %s, %s", roles, p.email, by.of.email, by.id) {
		if unproved {
			p.credentials++
			p.proved = false // known devices are forgotten: whose password it is has to be shown again
			m.takeBack(p, func(*link) bool { return true })
			m.expire(id, token.UndoEmail)
			m.endAll(id)
		}
		if p.admin = len(roles) == 2; !p.admin {
			m.expire(id, token.Invitation)
		}
		m.revoked = append(m.revoked, accounts.Revocation{UserID: id, Roles: p.roles(), At: m.now(),
			Until: lastToken(m.now())})
	}
}

func (m *model) takeDelete() {
	by := m.caller(anybody)
	want := m.refused(by)
	if want == "" && by.of.admin && m.last(by.of) {
		want = problem.LastAdmin
	}
	_, err := m.seat().DeleteAccount(m.t.Context(), by.viewer())
	if m.outcome(err, want, "deleteAccount of %s, %s", by.of.email, by.id) {
		m.deleted(by.of, true)
	}
}

// deleted deletes a person's account, which stays until it is erased.
func (m *model) deleted(p *person, byOwner bool) {
	kind, at := accounts.MailAccountDeleted, m.now().Add(deletionGrace)
	if byOwner {
		kind = accounts.MailAccountLeaving
	}
	m.noticed(*p, kind)
	m.takeBack(p, func(*link) bool { return true })
	m.expire(p.id, token.Invitation)
	m.endAll(p.id)
	if !p.deleted() || at.Before(p.eraseAt) {
		p.eraseAt = at
	}
	p.restorable, p.proved, p.suspended = byOwner, false, false
	p.credentials++
}

func (p *person) deleted() bool { return !p.eraseAt.IsZero() }

func (p *person) active() bool { return !p.suspended && !p.deleted() }

// mayReturn reports whether who proves to be the owner of an account may use it.
func (m *model) mayReturn(p *person) bool {
	return p.active() || p.deleted() && p.restorable && m.now().Before(p.eraseAt)
}

// restored takes a deletion back.
func (m *model) restored(p *person) {
	if p.deleted() {
		m.noticed(*p, accounts.MailAccountRestored)
		p.eraseAt, p.restorable = time.Time{}, false
	}
}

// takeErase removes the accounts whose time is over.
func (m *model) takeErase() {
	m.outcome(m.seat().EraseAccounts(m.t.Context()), "", "eraseAccounts")
	for _, p := range m.people {
		if !p.deleted() || m.now().Before(p.eraseAt) {
			continue
		}
		m.seen["eraseAccounts erases"]++
		for _, s := range m.sessions {
			s.row = s.row && s.user != p.id
		}
		*p = person{home: p.home, email: p.home, password: p.password}
	}
}

func (m *model) takeDeleteUser() {
	by, id, p, want := m.managed()
	if want == "" && m.last(p) {
		want = problem.LastAdmin
	}
	_, err := m.seat().DeleteUser(m.t.Context(), by.viewer(), id)
	if m.outcome(err, want, "deleteUser %s by %s, %s", p.email, by.of.email, by.id) {
		m.deleted(p, false)
	}
}

func (m *model) takeEndSessions() {
	by, id, p, want := m.managed()
	_, err := m.seat().EndUserSessions(m.t.Context(), by.viewer(), id)
	if m.outcome(err, want, "endSessions of %s by %s, %s", p.email, by.of.email, by.id) {
		m.takeBack(p, func(*link) bool { return true })
		m.endAll(id)
	}
}

func (m *model) takeSendReset() {
	by, id, p, want := m.managed()
	if want == "" && !p.active() {
		want = problem.Forbidden
	}
	_, err := m.seat().SendPasswordReset(m.t.Context(), by.viewer(), id)
	if !m.outcome(err, want, "sendPasswordReset to %s by %s, %s", p.email, by.of.email, by.id) {
		m.mailed()
		return
	}
	m.mailed(&link{purpose: token.ResetAccess, of: p, user: id, address: p.email})
}
