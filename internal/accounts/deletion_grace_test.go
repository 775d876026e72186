package accounts_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

const grace = 30 * 24 * time.Hour

// eachWithGrace is eachDatabase with time to take a deletion back, mails, and a limit of tries.
func eachWithGrace(t *testing.T, story func(t *testing.T, h *fixture)) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		story(t, h.instance(func(c *accounts.Config) { c.DeletionGrace = grace }))
	})
}

// status is what administrators see of an account; "" when there is none.
func (h *fixture) status(p *accounts.AuthPayload) accounts.UserStatus {
	h.t.Helper()
	u := must(h.User(h.t.Context(), p.User.ID))
	if u == nil {
		return ""
	}
	return u.Status
}

// notice takes the one notice that there must be.
func (h *fixture) notice(what string, kind accounts.MailKind) *accounts.Letter {
	h.t.Helper()
	all := h.notices()
	testenv.Equal(h.t, string(kind), kindsOf(all), what)
	return all[0]
}

// TestDeleteAccount_SignInTakesItBack until the time that the mail says; then the account is gone, and its address free.
func TestDeleteAccount_SignInTakesItBack(t *testing.T) {
	eachWithGrace(t, func(t *testing.T, h *fixture) {
		p := h.verified(ada)
		login := func() error { return errOf(h.login(ada, goodPassword)) }
		for range 2 {
			must(h.DeleteAccount(t.Context(), p.Viewer))
			h.wantRevoked("deleted", p)
			l := h.notice("deleted", accounts.MailAccountLeaving)
			testenv.Equal(t, h.clock.Now().UTC().Truncate(time.Microsecond).Add(grace), l.Expires, "until when the mail says")
			testenv.Equal(t, accounts.StatusDeleted, h.status(p), "the status")
			wantProblem(t, "a refresh", errOf(h.exchange(*p.RefreshToken)), problem.InvalidToken, "")
			wantProblem(t, "register", errOf(h.register(ada, otherPassword)), problem.EmailTaken, "")
			wantProblem(t, "a wrong password", errOf(h.login(ada, otherPassword)), problem.InvalidCredentials, "")
			h.clock.set(l.Expires.Add(-time.Microsecond))
			check(t, h.EraseAccounts(t.Context()))
			p = h.must(h.login(ada, goodPassword))
			testenv.Equal(t, accounts.StatusActive, h.status(p), "the status after a sign-in")
			testenv.Equal(t, accounts.StatusActive, p.User.Status, "the status in its answer")
			h.wantActive("after a sign-in", p)
			h.notice("restored", accounts.MailAccountRestored)
			e := h.auditLog(&accounts.AuditFilter{Kind: ptr("account_restored")})[0]
			testenv.Equal(t, []any{accounts.ActorUser, p.User.ID, p.Viewer.SessionID}, []any{e.Actor, *e.ActorID, *e.SessionID}, "the row")
		}
		must(h.DeleteAccount(t.Context(), p.Viewer))
		h.clock.move(grace)
		wantProblem(t, "a sign-in when the time is over", login(), problem.InvalidCredentials, "")
		check(t, h.EraseAccounts(t.Context()))
		testenv.Equal(t, "", h.status(p), "the status then")
		if again := h.must(h.register(ada, goodPassword)); again.User.ID == p.User.ID {
			t.Error("another account has the id")
		}
	})
}

// TestDeleteAccount_OwnerHasItAgainFromAThief with a session, who knows the password, has changed it, or has changed the
// address before they delete the account; the thief does not.
func TestDeleteAccount_OwnerHasItAgainFromAThief(t *testing.T) {
	eachWithGrace(t, func(t *testing.T, h *fixture) {
		const bob = "bob@example.com"
		p := h.verified(bob)
		thief := h.must(h.changePassword(p.Viewer, goodPassword, otherPassword))
		must(h.DeleteAccount(t.Context(), thief.Viewer))
		mine := h.must(h.resetPassword(h.resetLink(bob), goodPassword))
		testenv.Equal(t, accounts.StatusActive, h.status(mine), "after a reset")
		wantProblem(t, "the thief's password", errOf(h.login(bob, otherPassword)), problem.InvalidCredentials, "")
		h.letters()

		thief = h.verified(ada)
		change := h.changeEmail(thief, ada2).Token
		check(t, h.confirmChange(anonymous, change))
		must(h.DeleteAccount(t.Context(), thief.Viewer)) // before the mail to the former address is sent
		undo := h.letter(accounts.MailUndoEmail, ada)
		check(t, h.revertChange(undo.Token))
		testenv.Equal(t, accounts.StatusDeleted, h.status(thief), "after the undo")
		mine = h.must(h.resetPassword(h.letter(accounts.MailReset, ada).Token, goodPassword))
		testenv.Equal(t, []any{accounts.StatusActive, ada}, []any{h.status(mine), mine.User.Email}, "after a reset")
		wantProblem(t, "the thief's address", errOf(h.login(ada2, goodPassword)), problem.InvalidCredentials, "")
	})
}

// TestDeleteUser_OnlyAnAdministratorTakesItBack, also of an account that its owner had deleted before.
func TestDeleteUser_OnlyAnAdministratorTakesItBack(t *testing.T) {
	eachWithGrace(t, func(t *testing.T, h *fixture) {
		p, root := h.verified(ada), h.root()
		for _, owner := range []bool{false, true} {
			kind := accounts.MailAccountDeleted
			if owner {
				must(h.DeleteAccount(t.Context(), p.Viewer))
				h.notices()
			}
			must(h.DeleteUser(t.Context(), root, p.User.ID))
			h.notice("deleted", kind)
			wantProblem(t, "login", errOf(h.login(ada, goodPassword)), problem.InvalidCredentials, "")
			check(t, h.requestReset(ada))
			testenv.Equal(t, 0, len(h.letters()), "mails of a reset")
			for what, err := range map[string]error{
				"suspendUser":       errOf(h.SuspendUser(t.Context(), root, p.User.ID)),
				"sendPasswordReset": errOf(h.SendPasswordReset(t.Context(), root, p.User.ID)),
				"admin reset":       errOf(h.ResetAccount(t.Context(), p.User, otherPassword, false)),
			} {
				p := wantProblem(t, what, err, problem.Forbidden, "")
				testenv.Equal(t, false, strings.Contains(p.Message, "sign in"), what+" says that the owner can sign in")
			}
			must(h.ReinstateUser(t.Context(), root, p.User.ID))
			h.notice("restored", accounts.MailAccountRestored)
			h.clock.move(grace)
			check(t, h.EraseAccounts(t.Context()))
			root, p = h.root(), h.must(h.login(ada, goodPassword))
			h.notices()
		}
	})
}

// TestDeleteAccount_AdministratorInGraceIsNone.
func TestDeleteAccount_AdministratorInGraceIsNone(t *testing.T) {
	eachWithGrace(t, func(t *testing.T, h *fixture) {
		root, other := h.root(), h.administrator("other@example.com").Viewer
		must(h.DeleteAccount(t.Context(), other))
		wantProblem(t, "the last one", errOf(h.DeleteAccount(t.Context(), root)), problem.LastAdmin, "")
		h.must(h.login("other@example.com", goodPassword))
		must(h.DeleteAccount(t.Context(), root))
	})
}

// TestEraseAccounts_ManyInstancesRemoveEachOnce, while owners sign in: an account is wholly theirs again, or gone.
func TestEraseAccounts_ManyInstancesRemoveEachOnce(t *testing.T) {
	eachWithGrace(t, func(t *testing.T, h *fixture) {
		var all []*accounts.AuthPayload
		for i := range 30 {
			p := h.owner(i, false)
			must(h.DeleteAccount(t.Context(), p.Viewer))
			all = append(all, p)
		}
		h.clock.move(grace - time.Microsecond)
		inParallel(4, func(i int) {
			if i == 3 {
				h.clock.move(time.Microsecond)
			}
			if err := h.EraseAccounts(t.Context()); err != nil {
				t.Error(err)
			}
			_, err := h.loginAt(nth(i), all[i].User.Email, goodPassword)
			if err != nil && !problem.Is(err, problem.InvalidCredentials) {
				t.Error(err)
			}
		})
		check(t, h.EraseAccounts(t.Context()))
		testenv.Equal(t, 0, h.rows("users WHERE status = 'DELETED'"), "deleted accounts that are left")
		testenv.Equal(t, 30, h.rows("users")+h.rows("erasures"), "accounts, and erasures of them")
		testenv.Equal(t, h.rows("users"), h.rows("addresses"), "addresses")
	})
}

// TestSuspendUser_SaysThatAnOwnerCanSignInAgain, which only those can who deleted their account.
func TestSuspendUser_SaysThatAnOwnerCanSignInAgain(t *testing.T) {
	eachWithGrace(t, func(t *testing.T, h *fixture) {
		p := h.verified(ada)
		must(h.DeleteAccount(t.Context(), p.Viewer))
		refused := wantProblem(t, "suspendUser", errOf(h.SuspendUser(t.Context(), h.root(), p.User.ID)), problem.Forbidden, "")
		testenv.Equal(t, true, strings.Contains(refused.Message, "sign in"), refused.Message)
	})
}

// TestDeletion_TimeOfOneThatWasTakenBackCountsNoMore: an instance of an older version reinstates an account and leaves
// the time at which it was to be erased.
func TestDeletion_TimeOfOneThatWasTakenBackCountsNoMore(t *testing.T) {
	eachWithGrace(t, func(t *testing.T, h *fixture) {
		p := h.verified(ada)
		must(h.DeleteAccount(t.Context(), p.Viewer))
		h.notices()
		h.reinstate(p.User.ID)
		h.clock.move(grace)
		ctx, cancel := context.WithTimeout(t.Context(), testenv.HangGuard)
		defer cancel()
		check(t, h.EraseAccounts(ctx))
		check(t, ctx.Err())
		testenv.Equal(t, accounts.StatusActive, h.status(p), "the status when the time is over")
		p = h.must(h.login(ada, goodPassword))
		h.notices()
		must(h.DeleteAccount(t.Context(), p.Viewer))
		until := h.notice("deleted again", accounts.MailAccountLeaving).Expires
		testenv.Equal(t, h.clock.Now().UTC().Truncate(time.Microsecond).Add(grace), until, "until when the mail says")
	})
}
