package accounts_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// namesUser checks that each statement on sessions says whose: tables that are divided by user are asked in one place.
func namesUser(t *testing.T, statements []string) {
	t.Helper()
	for _, s := range statements {
		quoted := strings.NewReplacer("`", `"`, `"sessions".`, "").Replace(s)
		asked := strings.Contains(quoted, `UPDATE "sessions"`) || strings.Contains(quoted, `FROM "sessions"`)
		_, where, _ := strings.Cut(quoted, " WHERE ")
		if asked && !strings.Contains(where, `"user_id" =`) && !strings.Contains(where, `"user_id" IN`) {
			t.Errorf("no user is named: %s", s)
		}
	}
}

// TestRefresh_TokenOfAnotherUserOpensNothing makes what needs the secret: tokens whose tags hold, for every pair of a
// user and a session, of which some do not exist. Only the true pairs name a session. The others are refused alike, with
// the same statements.
func TestRefresh_TokenOfAnotherUserOpensNothing(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		a, b := h.must(h.register(ada, goodPassword)), h.must(h.register("bob@example.com", goodPassword))
		metered, m := h.metered()
		users := []uuid.UUID{a.User.ID, b.User.ID, uuid.New()}
		sessions := []uuid.UUID{a.Viewer.SessionID, b.Viewer.SessionID, uuid.New()}
		var first string
		for i, user := range users {
			for j, session := range sessions {
				if i == j && i < 2 {
					continue
				}
				forged := must(h.refresh.New(user, session))
				var err error
				sent := strings.Join(m.count(func() { _, err = metered.exchange(forged.Text()) }), "\n")
				p := wantProblem(t, "refresh", err, problem.InvalidToken, "")
				if first == "" {
					first = sent + p.Message
				}
				testenv.Equal(t, "unknown", p.Reason, "user %d, session %d", i, j)
				testenv.Equal(t, first, sent+p.Message, "statements and message of user %d, session %d", i, j)
				namesUser(t, m.seen)
				if _, err := h.Logout(t.Context(), viewer.Anonymous(""), forged.Text()); err != nil {
					t.Errorf("logout: %v", err)
				}
			}
		}
		h.wantActive("ada", h.must(h.exchange(*a.RefreshToken))) // the control
		h.wantActive("bob", h.must(h.exchange(*b.RefreshToken)))
		own := must(h.refresh.New(a.User.ID, a.Viewer.SessionID)) // any token of a session names it
		must(h.Logout(t.Context(), viewer.Anonymous(""), own.Text()))
		h.wantRevoked("ada", a)
	})
}
