package accounts_test

import (
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

func (h *fixture) secure(link string) error {
	return errOf(h.SecureAccount(h.t.Context(), anonymous, accounts.SecureAccountInput{Token: link}))
}

// warned lets another person who knows the password of an account with a confirmed address sign in, and returns the session
// and the notice.
func (h *fixture) warned(email string) (*accounts.AuthPayload, *accounts.Letter) {
	h.t.Helper()
	p := h.must(h.loginAt(at("192.0.2.66"), email, goodPassword))
	all := h.notices()
	testenv.Equal(h.t, "new_device", kindsOf(all), "the notices of another's sign-in")
	return p, all[0]
}

func TestSecureAccount_NothingOpensTheAccountButItsMailbox(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		p, other := h.verified(ada), h.verified("bob@example.com")
		thief, notice := h.warned(ada)
		move := h.changeEmail(thief, ada2)
		reset := h.resetLink(ada)
		h.wantActive("the thief, before the link is used", thief)

		check(t, h.secure(notice.Token))
		again := h.letter(accounts.MailReset, ada)
		testenv.Equal(t, "", kindsOf(h.notices()), "notices")
		h.wantRevoked("the owner", p)
		h.wantRevoked("the thief", thief)
		h.wantActive("another user", other)
		wantProblem(t, "the password", errOf(h.loginAt(p.Viewer, ada, goodPassword)), problem.InvalidCredentials, "")
		wantRefused(t, "the thief's change of address", "expired", h.confirmChange(anonymous, move.Token))
		wantRefused(t, "an older reset", "expired", errOf(h.resetPassword(reset, otherPassword)))
		wantRefused(t, "the link again", "used", h.secure(notice.Token))
		owner := h.must(h.resetPassword(again.Token, otherPassword))
		testenv.Equal(t, []any{p.User.ID, ada}, []any{owner.User.ID, owner.User.Email}, "the account")
		testenv.Equal(t, nil, owner.User.PendingEmail, "the pending address")
	})
}

// TestSecureAccount_EachNoticeCanBeUsedUntilOneIs: what a thief does ends no link of an earlier notice, of which there may
// be no later one, since notices are counted; but no notice of before is sent with a link any more.
func TestSecureAccount_EachNoticeCanBeUsedUntilOneIs(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		h.verified(ada)
		thief, first := h.warned(ada)
		check(t, errOf(h.changePassword(thief.Viewer, goodPassword, otherPassword)))
		second := h.notices()
		testenv.Equal(t, "password_changed", kindsOf(second), "the notices of the new password")
		check(t, errOf(h.loginAt(at("192.0.2.67"), ada, otherPassword))) // whose notice waits
		h.clock.move(time.Second)
		check(t, h.secure(first.Token))
		wantRefused(t, "the second", "expired", h.secure(second[0].Token))
		late := h.notices()
		testenv.Equal(t, "new_device", kindsOf(late), "the notice that has waited")
		testenv.Equal(t, "", late[0].Token, "its link")
	})
}

// TestSecureAccount_IsRefusedWhenTheLinkIsNotTheAccountsAnyMore, and changes nothing.
func TestSecureAccount_IsRefusedWhenTheLinkIsNotTheAccountsAnyMore(t *testing.T) {
	for name, c := range map[string]struct {
		reason string
		spoil  func(h *fixture, p *accounts.AuthPayload)
	}{
		"moved": {"expired", func(h *fixture, p *accounts.AuthPayload) { h.moved(p, ada, ada2) }},
		"moved there and back": {"expired", func(h *fixture, p *accounts.AuthPayload) {
			h.moved(p, ada, ada2)
			h.moved(p, ada2, ada)
		}},
		"moved without the link's end": {"revoked", func(h *fixture, p *accounts.AuthPayload) {
			h.exec("UPDATE users SET email = '" + ada2 + "' WHERE email = '" + ada + "'")
		}},
		"deleted":   {"unknown", func(h *fixture, p *accounts.AuthPayload) { must(h.DeleteAccount(h.t.Context(), p.Viewer)) }},
		"suspended": {"revoked", func(h *fixture, p *accounts.AuthPayload) { h.suspend(p.User.ID) }},
		"reset by the operator": {"expired", func(h *fixture, p *accounts.AuthPayload) {
			must(h.ResetAccount(h.t.Context(), p.User, otherPassword, false))
		}},
		"a week": {"expired", func(h *fixture, p *accounts.AuthPayload) { h.clock.move(7 * 24 * time.Hour) }},
	} {
		t.Run(name, func(t *testing.T) {
			eachThrottled(t, func(t *testing.T, h *fixture) {
				p, other := h.verified(ada), h.verified("bob@example.com")
				_, notice := h.warned(ada)
				c.spoil(h, p)
				h.letters()
				before, jobs := h.rows("sessions"), h.rows("jobs")
				wantRefused(t, name, c.reason, h.secure(notice.Token))
				wantRefused(t, "a token that nobody made", "unknown", h.secure("x"))
				testenv.Equal(t, []int{before, jobs}, []int{h.rows("sessions"), h.rows("jobs")}, "sessions and jobs")
				h.must(h.loginAt(other.Viewer, other.User.Email, goodPassword))
			})
		})
	}
}

// TestSecureAccount_SuspendedAccountStaysSuspended, and is secured when it is reinstated.
func TestSecureAccount_SuspendedAccountStaysSuspended(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		p := h.verified(ada)
		_, notice := h.warned(ada)
		h.suspend(p.User.ID)
		wantRefused(t, "suspended", "revoked", h.secure(notice.Token))
		testenv.Equal(t, accounts.StatusSuspended, must(h.User(t.Context(), p.User.ID)).Status, "its status")
		h.reinstate(p.User.ID)
		check(t, h.secure(notice.Token))
	})
}

// TestNotices_LinkIsForTheOwnersMailboxOnly: a notice that waited while the account moved, was suspended or deleted is sent
// without one, and so is what tells a former address of an undo. Nothing is stored before the mail is written.
func TestNotices_LinkIsForTheOwnersMailboxOnly(t *testing.T) {
	for name, meanwhile := range map[string]func(h *fixture, p *accounts.AuthPayload){
		"nothing":   func(*fixture, *accounts.AuthPayload) {},
		"moved":     func(h *fixture, p *accounts.AuthPayload) { h.exec("UPDATE users SET email = '" + ada2 + "'") },
		"suspended": func(h *fixture, p *accounts.AuthPayload) { h.suspend(p.User.ID) },
		"deleted":   func(h *fixture, p *accounts.AuthPayload) { must(h.DeleteAccount(h.t.Context(), p.Viewer)) },
	} {
		t.Run(name, func(t *testing.T) {
			eachThrottled(t, func(t *testing.T, h *fixture) {
				p := h.verified(ada)
				tokens := h.rows("one_time_tokens")
				h.must(h.loginAt(at("192.0.2.66"), ada, goodPassword))
				testenv.Equal(t, tokens, h.rows("one_time_tokens"), "tokens after the sign-in")
				meanwhile(h, p)
				notice := h.notices()[0]
				testenv.Equal(t, []any{accounts.MailNewDevice, ada}, []any{notice.Kind, notice.To}, "the notice")
				testenv.Equal(t, name == "nothing", notice.Token != "", "it has a link")
			})
		})
	}
	eachThrottled(t, func(t *testing.T, h *fixture) {
		check(t, h.revertChange(h.moved(h.verified(ada), ada, ada2).Token))
		h.letter(accounts.MailReset, ada)
		former := h.notices()
		testenv.Equal(t, []string{"email_changed", ada2, ""}, []string{kindsOf(former), former[0].To, former[0].Token}, "what it is told")
	})
}
