package accounts_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// provesEmail lets all who have a password have shown that they read the mail of the address.
const provesEmail = "UPDATE users SET email_verified = true, email_proved_generation = credential_generation"

// emailProofs are ways to a confirmed address, and whether they show that who has the password reads its mail.
var emailProofs = map[string]struct {
	shows  bool
	happen func(h *fixture, p *accounts.AuthPayload)
}{
	"the code":               {true, (*fixture).proves},
	"the link, in a session": {true, func(h *fixture, p *accounts.AuthPayload) { h.followsLink(p, p.Viewer) }},
	"the link":               {false, func(h *fixture, p *accounts.AuthPayload) { h.followsLink(p, anonymous) }},
	"the link, another's session": {false, func(h *fixture, p *accounts.AuthPayload) {
		h.followsLink(p, h.must(h.register(uuid.NewString()+"@example.com", goodPassword)).Viewer)
	}},
	"the link, a session that has ended": {false, func(h *fixture, p *accounts.AuthPayload) {
		ended := h.must(h.login(p.User.Email, goodPassword))
		must(h.Logout(h.t.Context(), ended.Viewer, ""))
		h.followsLink(p, ended.Viewer)
	}},
	"a reset": {true, func(h *fixture, p *accounts.AuthPayload) {
		h.must(h.resetPassword(h.resetLink(p.User.Email), otherPassword))
	}},
	"the link, then a reset": {true, func(h *fixture, p *accounts.AuthPayload) {
		h.followsLink(p, anonymous)
		h.must(h.resetPassword(h.resetLink(p.User.Email), otherPassword))
	}},
	"the code, then another password": {true, func(h *fixture, p *accounts.AuthPayload) {
		h.proves(p)
		h.must(h.changePassword(p.Viewer, goodPassword, otherPassword))
	}},
	"the link, then another password": {false, func(h *fixture, p *accounts.AuthPayload) {
		h.followsLink(p, anonymous)
		h.must(h.changePassword(p.Viewer, goodPassword, otherPassword))
	}},
	"the code, then an operator's password": {false, func(h *fixture, p *accounts.AuthPayload) {
		h.proves(p)
		must(h.ResetAccount(h.t.Context(), p.User, otherPassword, false))
	}},
	"the code, then a move to a mailbox that a session reads, which can be undone": {false, func(h *fixture, p *accounts.AuthPayload) {
		h.proves(p)
		h.movesTo(p, p.Viewer)
	}},
	"the link, then a move to a mailbox that a session reads, which cannot be undone any more": {true, func(h *fixture, p *accounts.AuthPayload) {
		h.followsLink(p, anonymous)
		h.movesTo(p, p.Viewer)
		h.exec("UPDATE one_time_tokens SET expires_at = created_at WHERE purpose = '" + string(token.UndoEmail) + "'")
	}},
	"the code, then a move to another's mailbox": {false, func(h *fixture, p *accounts.AuthPayload) {
		h.proves(p)
		h.movesTo(p, anonymous)
	}},
	"the code, then a move that is undone": {false, func(h *fixture, p *accounts.AuthPayload) {
		h.proves(p)
		check(h.t, h.confirmChange(p.Viewer, h.changeEmail(p, uuid.NewString()+"@second.example").Token))
		check(h.t, h.revertChange(h.letter(accounts.MailUndoEmail, p.User.Email).Token))
		h.letter(accounts.MailReset, p.User.Email)
	}},
}

// proves enters the code of a mail in the session that asked for it.
func (h *fixture) proves(p *accounts.AuthPayload) {
	h.t.Helper()
	check(h.t, h.verifyEmail(p.Viewer, byCode(h.verification(p).Code)))
}

func (h *fixture) followsLink(p *accounts.AuthPayload, by *viewer.Viewer) {
	h.t.Helper()
	check(h.t, h.verifyEmail(by, byToken(h.verification(p).Token)))
}

// movesTo gives a confirmed account another address, whose owner follows the link.
func (h *fixture) movesTo(p *accounts.AuthPayload, by *viewer.Viewer) {
	h.t.Helper()
	check(h.t, h.confirmChange(by, h.changeEmail(p, uuid.NewString()+"@second.example").Token))
	h.letters()
}

// TestSetRoles_AdminOnlyForWhoHasShownThatTheyReadTheMail: a person registers another's address, whose owner follows the
// link of a mail that they did not ask for. What the owner gets later must not be that person's too.
func TestSetRoles_AdminOnlyForWhoHasShownThatTheyReadTheMail(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		root := h.administrator("root@example.com").Viewer
		for way, c := range emailProofs {
			p := h.must(h.register(uuid.NewString()+"@example.com", goodPassword))
			c.happen(h, p)
			testenv.Equal(t, true, h.isVerified(p.User.ID), "%s: confirmed", way)
			_, err := h.SetRoles(t.Context(), root, accounts.SetRolesInput{UserID: p.User.ID,
				Roles: []accounts.Role{accounts.RoleAdmin, accounts.RoleUser}})
			if c.shows {
				check(t, err)
			} else {
				wantProblem(t, way, err, problem.BadUserInput, "allowUnverifiedEmail")
			}
		}
	})
}
