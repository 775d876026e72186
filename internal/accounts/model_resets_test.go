package accounts_test

import (
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/token"
)

// nobodysPassword stands for the random one of an undo, and of an account that was secured.
const nobodysPassword = ""

func (p *person) opens(pw string) bool { return pw == p.password && pw != nobodysPassword }

func (m *model) takeRequestReset() {
	p := oneOf(m, m.people)
	if newest := len(m.links) - 1; newest >= 0 && m.chance(30) { // which the new one replaces
		p = m.links[newest].of
	}
	address := oneOf(m, append(p.addresses(), p.email, p.email))
	_, err := m.seat().RequestPasswordReset(m.t.Context(), anonymous, accounts.RequestPasswordResetInput{Email: address})
	done := m.outcome(err, "", "requestPasswordReset for %s", address)
	if !done || address != p.email || p.id == uuid.Nil || !m.mayReturn(p) {
		m.mailed()
		return
	}
	m.mailed(&link{purpose: token.ResetAccess, of: p, user: p.id, address: address})
}

// takeResetPassword chooses a password by a mail. Who reads the mailbox has not shown the second factor; but one that may
// be another person's, who registered the address, goes.
func (m *model) takeResetPassword() {
	l, want := m.someLink(token.ResetAccess)
	p := l.of
	strange := p.factorChanges > 0 && !p.everProved && !p.admin
	switch {
	case want == "" && l.address != p.email:
		want = problem.InvalidToken
	case want == "" && p.hasFactor() && !strange:
		want = problem.SecondFactorRequired
	}
	pw := oneOf(m, []string{goodPassword, otherPassword})
	at, d := m.place(p)
	given, err := at.ResetPassword(m.t.Context(), d.viewer(), accounts.ResetPasswordInput{Token: l.text, NewPassword: pw})
	begins := m.outcome(err, want, "resetPassword of %s by %s", p.email, l.purpose)
	if !begins && !problem.Is(err, problem.SecondFactorRequired) {
		return
	}
	l.used = true
	m.noticed(person{verified: true, email: l.address}, accounts.MailPasswordChanged)
	if strange {
		m.loseFactors(p)
	}
	p.password, p.verified, p.proved, p.everProved, p.pending = pw, true, true, true, ""
	p.credentials++
	m.expire(l.user, token.VerifyEmail, token.ResetAccess, token.ChangeEmail, token.Invitation, token.Export,
		token.SecondFactor)
	m.endAll(l.user)
	if begins {
		p.eraseAt, p.restorable = time.Time{}, false // which the notice does not say: the link was asked for
		m.begin(p, given, byPassword)
		m.arrived(d, p, given)
	}
	m.challenged(p, err, byPassword)
}

// takeOperator resets an account as the commands do, with its factors or not, or makes it an administrator's.
func (m *model) takeOperator() {
	p, what := oneOf(m, m.people), oneOf(m, []string{"reset", "reset-factors", "promote"})
	pw := oneOf(m, []string{goodPassword, otherPassword})
	account := &accounts.User{ID: p.id, Email: p.email}
	if m.chance(10) {
		account.Email = "former@example.com" // it has moved since the operator looked
	}
	var want problem.Code
	switch {
	case p.id == uuid.Nil || account.Email != p.email:
		want = problem.NotFound
	case !p.active():
		want = problem.Forbidden
	}
	var err error
	if what == "promote" {
		_, err = m.seat().Promote(m.t.Context(), account, pw)
	} else {
		_, err = m.seat().ResetAccount(m.t.Context(), account, pw, what == "reset-factors")
	}
	if !m.outcome(err, want, "%s of %s by an operator", what, p.email) {
		return
	}
	m.noticed(*p, accounts.MailPasswordChanged)
	p.password, p.proved, p.pending = pw, false, ""
	p.credentials++
	m.expire(p.id, token.VerifyEmail, token.ResetAccess, token.ChangeEmail, token.UndoEmail, token.Invitation,
		token.SecureAccount, token.Export, token.SecondFactor)
	m.endAll(p.id)
	if what != "reset" {
		m.loseFactors(p)
	}
	if what == "promote" && !p.admin {
		p.admin = true
		m.revoked = append(m.revoked, accounts.Revocation{UserID: p.id, Roles: p.roles(), At: m.now(),
			Until: lastToken(m.now())})
	}
}
