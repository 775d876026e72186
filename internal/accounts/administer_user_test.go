package accounts_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

func TestEndUserSessions_EndsAllOfTheUserAndNoOther(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		root, bob := h.administrator("root@example.com"), h.must(h.register("bob@example.com", goodPassword))
		one, two := h.must(h.register(ada, goodPassword)), h.must(h.login(ada, goodPassword))
		must(h.EndUserSessions(t.Context(), root.Viewer, one.User.ID))
		h.wantRevoked("the first session", one)
		h.wantRevoked("the second session", two)
		h.wantActive("another user", bob)
		h.wantActive("the administrator", root)
		h.wantActive("the user, again", h.must(h.login(ada, goodPassword)))
		_, err := h.EndUserSessions(t.Context(), root.Viewer, uuid.New())
		wantProblem(t, "nobody's", err, problem.NotFound, "")
	})
}

func TestDeleteUser_FreesTheAddress(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		root, p := h.administrator("root@example.com"), h.must(h.register(ada, goodPassword))
		must(h.DeleteUser(t.Context(), root.Viewer, p.User.ID))
		h.wantRevoked("the session", p)
		wantProblem(t, "login", errOf(h.login(ada, goodPassword)), problem.InvalidCredentials, "")
		wantProblem(t, "again", errOf(h.DeleteUser(t.Context(), root.Viewer, p.User.ID)), problem.NotFound, "")
		h.must(h.register(ada, otherPassword))
		h.wantActive("the administrator", root)
	})
}

// TestSendPasswordReset_OnlyTheUserLearnsTheLink, and nothing of the administrator, whose browser speaks German.
func TestSendPasswordReset_OnlyTheUserLearnsTheLink(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		root, p := *h.administrator("root@example.com").Viewer, h.must(h.register(ada, goodPassword))
		root.Origin = at("192.0.2.99").Origin
		root.Origin.Agent, root.Origin.Language = "the browser of root", "de"
		must(h.SendPasswordReset(t.Context(), &root, p.User.ID))
		l := h.letter(accounts.MailReset, ada)
		testenv.Equal(t, []string{"", "", ""}, []string{l.Where, l.Device, l.Locale}, "what the mail says of the administrator")
		h.wantActive("until the link is used", p)
		h.must(h.resetPassword(l.Token, otherPassword))
		h.wantRevoked("afterwards", p)

		before := h.rows("jobs")
		wantProblem(t, "nobody's", errOf(h.SendPasswordReset(t.Context(), &root, uuid.New())), problem.NotFound, "")
		off := h.instance(func(c *accounts.Config) { c.MailOff = true })
		wantProblem(t, "without mail", errOf(off.SendPasswordReset(t.Context(), &root, p.User.ID)), problem.MailOff, "")
		h.suspend(p.User.ID)
		wantProblem(t, "suspended", errOf(h.SendPasswordReset(t.Context(), &root, p.User.ID)), problem.Forbidden, "")
		testenv.Equal(t, before, h.rows("jobs"), "jobs, with those of what was refused")
	})
}
