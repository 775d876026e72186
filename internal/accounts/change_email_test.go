package accounts_test

import (
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// changeEmail returns the mail to the new address.
func (h *fixture) changeEmail(p *accounts.AuthPayload, to string) *accounts.Letter {
	h.t.Helper()
	testenv.Equal(h.t, to, *must(h.ChangeEmail(h.t.Context(), p.Viewer, accounts.ChangeEmailInput{Email: to})).User.PendingEmail,
		"the pending address")
	return h.letter(accounts.MailChangeEmail, to)
}

func (h *fixture) confirmChange(v *viewer.Viewer, link string) error {
	return errOf(h.ConfirmEmailChange(h.t.Context(), v, accounts.ConfirmEmailChangeInput{Token: &link}))
}

func (h *fixture) revertChange(link string) error {
	return errOf(h.RevertEmailChange(h.t.Context(), anonymous, accounts.RevertEmailChangeInput{Token: link}))
}

// verified returns the session of an account whose address is confirmed.
func (h *fixture) verified(email string) *accounts.AuthPayload {
	h.t.Helper()
	p := h.must(h.register(email, goodPassword))
	check(h.t, h.verifyEmail(anonymous, byToken(h.verification(p).Token)))
	return p
}

// moved lets a session move its account, and returns the mail to the former address.
func (h *fixture) moved(p *accounts.AuthPayload, from, to string) *accounts.Letter {
	h.t.Helper()
	check(h.t, h.confirmChange(anonymous, h.changeEmail(p, to).Token))
	return h.letter(accounts.MailUndoEmail, from)
}

const (
	ada2 = "ada@second.example"
	ada3 = "ada@third.example"
)

func TestChangeEmail_NothingChangesBeforeTheNewMailboxConfirms(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		p := h.verified(ada)
		l := h.changeEmail(p, ada2)
		me := must(h.Me(t.Context(), p.Viewer))
		testenv.Equal(t, []any{ada, true, ada2}, []any{me.Email, me.EmailVerified, *me.PendingEmail}, "meanwhile")
		wantProblem(t, "login with the new address", errOf(h.login(ada2, goodPassword)), problem.InvalidCredentials, "")
		check(t, h.requestReset(ada2))
		testenv.Equal(t, 0, len(h.letters()), "mails to the new address")
		h.must(h.login(ada, goodPassword))

		check(t, h.confirmChange(anonymous, l.Token))
		undo := h.letter(accounts.MailUndoEmail, ada)
		testenv.Equal(t, []string{ada2, ""}, []string{undo.Email, undo.Code}, "what the former address is told")
		h.wantActive("the session", p)
		me = must(h.Me(t.Context(), p.Viewer))
		testenv.Equal(t, []any{ada2, true, (*string)(nil)}, []any{me.Email, me.EmailVerified, me.PendingEmail}, "afterwards")
		h.must(h.login(ada2, goodPassword))
		wantProblem(t, "login with the former address", errOf(h.login(ada, goodPassword)), problem.InvalidCredentials, "")
		wantProblem(t, "the former address, registered", errOf(h.register(ada, goodPassword)), problem.EmailTaken, "")
		wantRefused(t, "the link again", "used", h.confirmChange(anonymous, l.Token))
	})
}

func TestChangeEmail_ByCodeOfTheSession(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		other := h.must(h.login(ada, goodPassword))
		code := h.changeEmail(p, ada2).Code
		by := func(v *viewer.Viewer) error {
			return errOf(h.ConfirmEmailChange(t.Context(), v, accounts.ConfirmEmailChangeInput{Code: &code}))
		}
		wantRefused(t, "another session", "expired", by(other.Viewer))
		check(t, by(p.Viewer))
		testenv.Equal(t, 0, len(h.letters()), "mails to an address that was never confirmed: it may be a slip's")
		h.must(h.register(ada, otherPassword))
	})
}

// TestChangeEmail_KeyOfAddressesDecides, when the address is taken after it was asked for.
func TestChangeEmail_KeyOfAddressesDecides(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p, q := h.must(h.register(ada, goodPassword)), h.must(h.register("bob@example.com", goodPassword))
		wantProblem(t, "bob's", errOf(h.ChangeEmail(t.Context(), p.Viewer, accounts.ChangeEmailInput{Email: "Bob@example.com"})),
			problem.EmailTaken, "")
		links := [2]string{h.changeEmail(p, ada2).Token, h.changeEmail(q, ada2).Token}
		results := [2]error{}
		inParallel(2, func(i int) { results[i] = h.confirmChange(anonymous, links[i]) })
		if results[0] != nil {
			results[0], results[1], links[0], links[1] = results[1], results[0], links[1], links[0]
		}
		check(t, results[0])
		wantProblem(t, "the second", results[1], problem.EmailTaken, "")
		wantProblem(t, "the second again", h.confirmChange(anonymous, links[1]), problem.EmailTaken, "")
		wantRefused(t, "the first again", "used", h.confirmChange(anonymous, links[0]))
	})
}

func TestChangeEmail_PendingChangeIsTakenBack(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		for name, c := range map[string]struct {
			reason string
			happen func(p *accounts.AuthPayload)
		}{
			"by the owner": {"expired", func(p *accounts.AuthPayload) {
				must(h.ChangeEmail(t.Context(), p.Viewer, accounts.ChangeEmailInput{Email: p.User.Email}))
			}},
			"by another change": {"expired", func(p *accounts.AuthPayload) { h.changeEmail(p, ada3) }},
			"by a reset": {"expired", func(p *accounts.AuthPayload) {
				h.must(h.resetPassword(h.resetLink(p.User.Email), otherPassword))
			}},
			"by an operator": {"expired", func(p *accounts.AuthPayload) {
				must(h.ResetAccount(t.Context(), p.User, otherPassword, false))
			}},
			"by a change of password": {"expired", func(p *accounts.AuthPayload) {
				h.must(h.ChangePassword(t.Context(), p.Viewer,
					accounts.ChangePasswordInput{CurrentPassword: goodPassword, NewPassword: otherPassword}))
			}},
			"by a suspension": {"expired", func(p *accounts.AuthPayload) {
				admin := h.root()
				must(h.SuspendUser(t.Context(), admin, p.User.ID))
				must(h.ReinstateUser(t.Context(), admin, p.User.ID))
			}},
			"by ending the session that began it": {"expired", func(p *accounts.AuthPayload) {
				owner := h.must(h.login(ada, goodPassword))
				must(h.RevokeSession(t.Context(), owner.Viewer, p.Viewer.SessionID))
			}},
			"by ending other sessions": {"expired", func(p *accounts.AuthPayload) {
				owner := h.must(h.login(ada, goodPassword))
				must(h.RevokeOtherSessions(t.Context(), owner.Viewer))
			}},
			"by a copied refresh token": {"expired", func(p *accounts.AuthPayload) {
				h.must(h.exchange(*h.must(h.exchange(*p.RefreshToken)).RefreshToken))
				h.clock.move(time.Minute)
				_, err := h.exchange(*p.RefreshToken)
				wantRefused(t, "the copy", "used", err)
			}},
			"by an administrator who ends sessions": {"expired", func(p *accounts.AuthPayload) {
				must(h.EndUserSessions(t.Context(), h.root(), p.User.ID))
			}},
			"by an operator who ends sessions": {"expired", func(p *accounts.AuthPayload) {
				must(h.EndSessions(t.Context(), p.User.ID, time.Time{}))
			}},
			"by time": {"expired", func(*accounts.AuthPayload) { h.clock.move(24 * time.Hour) }},
		} {
			p := h.must(h.register(ada, goodPassword))
			link := h.changeEmail(p, ada2).Token
			c.happen(p)
			wantRefused(t, name, c.reason, h.confirmChange(anonymous, link))
			testenv.Equal(t, ada, h.db.Client.User.GetX(t.Context(), p.User.ID).Email, "%s: the address", name)
			h.exec("DELETE FROM jobs")
			h.payloads = nil
			h.exec("DELETE FROM users")
		}
	})
}

func TestRevertEmailChange_TheFormerOwnerAloneHasTheAccountAgain(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		p := h.verified(ada)
		first := h.moved(p, ada, ada2) // by a thief of the session, who moves on
		second := h.moved(p, ada2, ada3)
		pending := h.changeEmail(p, "ada@fourth.example")
		check(t, h.requestReset(ada3))
		reset := h.letter(accounts.MailReset, ada3)
		check(t, h.revertChange(first.Token))
		h.wantRevoked("the session", p)
		for _, address := range []string{ada, ada2, ada3} {
			wantProblem(t, "the password with "+address, errOf(h.login(address, goodPassword)), problem.InvalidCredentials, "")
		}
		wantRefused(t, "the undo again", "used", h.revertChange(first.Token))
		wantRefused(t, "the thief's undo", "unknown", h.revertChange(second.Token))
		wantRefused(t, "the thief's change", "expired", h.confirmChange(anonymous, pending.Token))
		wantRefused(t, "the thief's reset", "expired", errOf(h.resetPassword(reset.Token, goodPassword)))
		r := h.must(h.resetPassword(h.letter(accounts.MailReset, ada).Token, otherPassword))
		testenv.Equal(t, []any{ada, true}, []any{r.User.Email, r.User.EmailVerified}, "the account")
		for _, address := range []string{ada2, ada3} { // are free
			h.must(h.register(address, goodPassword))
		}
	})
}

// TestRevertEmailChange_ThiefCannotTakeTheUndoAway: what the thief can undo leads to the thief's first address, and the
// owner's undo still works.
func TestRevertEmailChange_ThiefCannotTakeTheUndoAway(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.verified(ada)
		first, second := h.moved(p, ada, ada2), h.moved(p, ada2, ada3)
		check(t, h.revertChange(second.Token))
		q := h.must(h.resetPassword(h.letter(accounts.MailReset, ada2).Token, goodPassword))
		must(h.ChangeEmail(t.Context(), q.Viewer, accounts.ChangeEmailInput{Email: ada3}))
		h.letters()
		check(t, h.revertChange(first.Token))
		h.must(h.resetPassword(h.letter(accounts.MailReset, ada).Token, otherPassword))
		h.must(h.login(ada, otherPassword))
	})
}

// TestRevertEmailChange_FormerAddressIsFreeAfterAWeek, and not while the account has it again, or could go back to it.
func TestRevertEmailChange_FormerAddressIsFreeAfterAWeek(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.verified(ada)
		undo := h.moved(p, ada, ada2)
		h.clock.move(6 * 24 * time.Hour)
		h.moved(p, ada2, ada)
		h.clock.move(24 * time.Hour)
		check(t, h.FreeFormerAddresses(t.Context()))
		wantProblem(t, "the account's", errOf(h.register(ada, goodPassword)), problem.EmailTaken, "")
		wantRefused(t, "the undo", "unknown", h.revertChange(undo.Token))
		h.moved(p, ada, ada3)
		h.clock.move(6 * 24 * time.Hour)
		check(t, h.FreeFormerAddresses(t.Context()))
		h.must(h.register(ada2, goodPassword))
		wantProblem(t, "one to go back to", errOf(h.register(ada, goodPassword)), problem.EmailTaken, "")
		h.clock.move(24 * time.Hour)
		check(t, h.FreeFormerAddresses(t.Context()))
		h.must(h.register(ada, goodPassword))
	})
}

// TestDeleteAccount_FreesWhatTheAccountCouldGoBackTo with it.
func TestDeleteAccount_FreesWhatTheAccountCouldGoBackTo(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.verified(ada)
		h.moved(p, ada, ada2)
		must(h.DeleteAccount(t.Context(), p.Viewer))
		testenv.Equal(t, []int{0, 0}, []int{h.rows("addresses"), h.rows("one_time_tokens")}, "rows")
	})
}

// TestUndo_EndsWhereAnotherRightBegins: who owned a former address gets no right that the account was given later.
func TestUndo_EndsWhereAnotherRightBegins(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		for name, grant := range map[string]func(p *accounts.AuthPayload){
			"promotion": func(*accounts.AuthPayload) { must(h.promote(ada2, otherPassword)) },
			"reset":     func(p *accounts.AuthPayload) { must(h.ResetAccount(t.Context(), p.User, otherPassword, false)) },
			"vouched": func(p *accounts.AuthPayload) {
				check(t, h.setRoles(h.root(), p.User.ID, accounts.RoleUser, accounts.RoleAdmin))
			},
		} {
			p := h.verified(ada)
			undo := h.moved(p, ada, ada2)
			_, err := h.SetRoles(t.Context(), h.root(), accounts.SetRolesInput{UserID: p.User.ID,
				Roles: []accounts.Role{accounts.RoleUser, accounts.RoleAdmin}})
			wantProblem(t, name+": a grant that nobody vouches for", err, problem.BadUserInput, "allowUnverifiedEmail")
			p.User.Email = ada2
			grant(p)
			wantRefused(t, name, "expired", h.revertChange(undo.Token))
			testenv.Equal(t, ada2, h.db.Client.User.GetX(t.Context(), p.User.ID).Email, "%s: the address", name)
			h.exec("DELETE FROM jobs")
			h.payloads = nil
			h.exec("DELETE FROM addresses")
			h.exec("DELETE FROM users")
		}
	})
}

// TestChangeEmail_EndsWithItsLink: nobody sees an address as pending that can no longer be confirmed.
func TestChangeEmail_EndsWithItsLink(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		p := h.verified(ada)
		pending := func(what, want string) {
			t.Helper()
			check(t, h.DeleteOldOneTimeTokens(t.Context()))
			got := ""
			if address := must(h.User(t.Context(), p.User.ID)).PendingEmail; address != nil {
				got = *address
			}
			testenv.Equal(t, want, got, "pending "+what)
		}
		h.changeEmail(p, ada2)
		h.clock.move(20 * time.Hour)
		pending("before the link expires", ada2)
		p = h.must(h.login(ada, goodPassword))
		h.changeEmail(p, ada2)
		h.clock.move(20 * time.Hour)
		pending("after the first of two links has expired", ada2)
		h.clock.move(4 * time.Hour)
		pending("after both", "")
		h.changeEmail(h.must(h.login(ada, goodPassword)), ada2)
		pending("when it is asked for again", ada2)
	})
}
