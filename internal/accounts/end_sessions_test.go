package accounts_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/accounts"
)

// TestEndSessions_EndsThoseInScopeAndNoOther, of more users than one transaction has, before, at and after a moment.
func TestEndSessions_EndsThoseInScopeAndNoOther(t *testing.T) {
	for name, c := range map[string]struct {
		account bool // of the first user alone
		since   time.Duration
		ends    func(user, minute int) bool
	}{
		"all":                     {false, -time.Minute, func(int, int) bool { return true }},
		"since the second minute": {false, time.Minute, func(_, minute int) bool { return minute >= 1 }},
		"since later":             {false, time.Minute + time.Microsecond, func(_, minute int) bool { return minute >= 2 }},
		"of an account":           {true, -time.Minute, func(user, _ int) bool { return user == 0 }},
	} {
		t.Run(name, func(t *testing.T) {
			eachDatabase(t, func(t *testing.T, h *fixture) {
				var all [60][]*accounts.AuthPayload // more users than endedUsers
				began := h.clock.Now().Truncate(time.Microsecond)
				for minute := range 3 {
					h.clock.set(began.Add(time.Duration(minute) * time.Minute))
					for user := range all {
						email := fmt.Sprintf("user%d@example.com", user)
						if minute == 0 {
							all[user] = append(all[user], h.must(h.register(email, goodPassword)))
						} else if user%30 == 0 { // some
							all[user] = append(all[user], h.must(h.login(email, goodPassword)))
						}
					}
				}
				account := uuid.Nil
				if c.account {
					account = all[0][0].User.ID
				}
				want := 0
				ended := must(h.EndSessions(t.Context(), account, began.Add(c.since)))
				for user, sessions := range all {
					for minute, p := range sessions {
						if what := fmt.Sprintf("user %d, minute %d", user, minute); c.ends(user, minute) {
							want++
							h.wantRevoked(what, p)
						} else {
							h.wantActive(what, p)
						}
					}
				}
				wantEqual(t, "ended", want, ended)
				recorded := h.db.Client.Revocation.Query().CountX(t.Context())
				wantEqual(t, "revocations for relying services", want, recorded)
				wantEqual(t, "ended again", 0, must(h.EndSessions(t.Context(), account, began.Add(c.since))))
			})
		})
	}
}
