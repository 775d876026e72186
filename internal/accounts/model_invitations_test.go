package accounts_test

import (
	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/token"
)

// takeInvite lets somebody, mostly an administrator, invite somebody, mostly one who has no account.
func (m *model) takeInvite() {
	by := m.caller(func(s *signIn) bool { return s.of.admin || m.chance(10) })
	p, roles := oneOf(m, m.people), []accounts.Role{accounts.RoleUser}
	for tries := 0; p.id != uuid.Nil && tries < 5; tries++ {
		p = oneOf(m, m.people)
	}
	admin := m.chance(50)
	if admin {
		roles = append(roles, accounts.RoleAdmin)
	}
	want := m.refused(by)
	if want == "" && !by.of.admin {
		want = problem.Forbidden
	}
	if want == "" && p.id != uuid.Nil {
		want = problem.EmailTaken
	}
	_, err := m.seat().InviteUser(m.t.Context(), by.viewer(), accounts.InviteUserInput{Email: p.email, Roles: roles})
	if !m.outcome(err, want, "inviteUser %s by %s, %s", p.email, by.of.email, by.id) {
		m.mailed()
		return
	}
	m.mailed(&link{purpose: token.Invitation, of: by.of, user: by.user, session: by.id, address: p.email, admin: admin})
}

func (m *model) takeAccept() {
	l, want := m.someLink(token.Invitation)
	if want == "" && !l.of.admin {
		m.fail("the invitation of %s has outlived the role of %s", l.address, l.of.email)
	}
	given, err := m.seat().AcceptInvitation(m.t.Context(), anonymous,
		accounts.AcceptInvitationInput{Token: l.text, Password: goodPassword})
	if !m.outcome(err, want, "acceptInvitation of %s", l.address) {
		return
	}
	l.used = true
	m.withdraw(l.address) // where the clock was set back, one that it had replaced can be used again
	for _, p := range m.people {
		if p.email == l.address {
			*p = person{home: p.home, email: p.email, password: goodPassword, id: given.User.ID, admin: l.admin, verified: true,
				proved: true, everProved: true}
			m.begin(p, given, byPassword)
		}
	}
}
