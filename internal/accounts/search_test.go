package accounts_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/accounts"
)

func TestCountUsers_StopsAtItsBoundAndSaysSo(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h = h.instance(func(c *accounts.Config) { c.MaxCount = 3 })
		for users := range 6 {
			page := must(h.Users(t.Context(), accounts.UserPage{Page: firstPage(0)}))
			wantEqual(t, "the count", int32(min(users, 3)), must(h.CountUsers(t.Context(), page)))
			wantEqual(t, "is exact", users <= 3, must(h.CountsAllUsers(t.Context(), page)))
			h.must(h.register(fmt.Sprintf("user%d@example.com", users), goodPassword))
		}
	})
}

// TestAdministratorsLock_OnlyChangesOfAdministratorsTakeIt, and they do even when the account became an administrator's
// after the change had looked.
func TestAdministratorsLock_OnlyChangesOfAdministratorsTakeIt(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		root, user := h.administrator("root@example.com"), h.must(h.register(ada, goodPassword))
		h, m := h.metered()
		suspend := func() { must(h.SuspendUser(t.Context(), root.Viewer, user.User.ID)) }
		locks := func(f func()) bool {
			return slices.ContainsFunc(m.count(f), func(s string) bool { return strings.Contains(s, "settings") })
		}
		for name, f := range map[string]func(){
			"suspend": suspend,
			"roles":   func() { check(t, h.setRoles(root.Viewer, user.User.ID, accounts.RoleUser)) },
			"delete": func() {
				p := h.must(h.register("eve@example.com", goodPassword))
				must(h.DeleteAccount(t.Context(), p.Viewer))
			},
		} {
			if locks(f) {
				t.Errorf("%s of a user takes the lock", name)
			}
		}
		m.before = func(_ int, statement string) error {
			if statement == "BEGIN" && m.before != nil {
				m.before = nil
				h.exec(`UPDATE users SET roles = '["ADMIN", "USER"]'`)
			}
			return nil
		}
		if !locks(suspend) {
			t.Error("of who has just become an administrator it does not")
		}
		if !locks(suspend) {
			t.Error("of an administrator it does not")
		}
	})
}
