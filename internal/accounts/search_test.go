package accounts_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestUsers_SearchPagesAreThoseOfTheWholeList: what a search finds does not depend on how it is found, whether those who
// match are many or few, spread or together, old or new.
func TestUsers_SearchPagesAreThoseOfTheWholeList(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		const users = 3500
		h.fill(users)
		var all []*accounts.UserEdge
		for p := (accounts.UserPage{Page: firstPage(100)}); ; p.After = &all[len(all)-1].Cursor {
			page := must(h.Users(t.Context(), p))
			all = append(all, page.Edges...)
			if !page.PageInfo.HasNextPage {
				break
			}
		}
		testenv.Equal(t, users, len(all), "users")
		for _, search := range []string{"u", "old", "even", "new", "new3499", "all", "all3", "nobody", "\U0010FFFF"} {
			for _, status := range []*accounts.UserStatus{nil, ptr(accounts.StatusActive), ptr(accounts.StatusSuspended)} {
				var want []*accounts.UserEdge
				for _, e := range all {
					if strings.HasPrefix(e.Node.Email, search) && (status == nil || e.Node.Status == *status) {
						want = append(want, e)
					}
				}
				for i, cursor := range []*string{nil, &all[10].Cursor, &all[1500].Cursor, &all[users-10].Cursor} {
					for _, p := range []accounts.Page{{After: cursor, First: ptr[int32](7)}, {Before: cursor, Last: ptr[int32](7)},
						{Before: cursor, First: ptr[int32](7)}, {After: cursor, Last: ptr[int32](7)}} {
						got := must(h.Users(t.Context(), accounts.UserPage{Page: p, Search: &search, Status: status}))
						what := fmt.Sprintf("%s of %v, cursor %d, %v", search, status, i, p)
						wantEqual(t, what, cursorsOf(pageOf(want, p)), cursorsOf(got.Edges))
						wantEqual(t, what, int32(len(want)), must(h.CountUsers(t.Context(), got)))
					}
				}
			}
		}
	})
}

// fill adds users by number: every second one's address begins with even, those of the last thousands with new, and of
// the first with old; every hundredth is suspended.
func (h *fixture) fill(users int) {
	h.t.Helper()
	id, series, at := "(lpad(to_hex(n), 8, '0') || '-0000-7000-8000-000000000000')::uuid", "generate_series(0, %d) n", "now()"
	if _, ok := database.SQLitePath(h.url); ok {
		id, at = "printf('%08x-0000-7000-8000-000000000000', n)", "'2026-01-01 00:00:00+00:00'"
		series = "(WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < %d) SELECT n FROM s)"
	}
	h.exec("INSERT INTO users (id, email, password_hash, roles, status, created_at, updated_at) SELECT " + id +
		", CASE WHEN n < 1200 THEN 'old' WHEN n >= 2300 THEN 'new' WHEN n % 2 = 0 THEN 'even' ELSE 'all' END || n || '@example.com'" +
		", '$argon2id$v=19$', '[\"USER\"]', CASE WHEN n % 100 = 0 THEN 'SUSPENDED' ELSE 'ACTIVE' END, " + at + ", " + at +
		" FROM " + fmt.Sprintf(series, users-1))
}

// pageOf takes a page out of a sorted list, by its cursors, which need not be in it.
func pageOf(all []*accounts.UserEdge, p accounts.Page) []*accounts.UserEdge {
	var edges []*accounts.UserEdge
	for _, e := range all {
		if (p.After == nil || order(e.Cursor) > order(*p.After)) && (p.Before == nil || order(e.Cursor) < order(*p.Before)) {
			edges = append(edges, e)
		}
	}
	if p.First != nil {
		return edges[:min(len(edges), int(*p.First))]
	}
	return edges[max(0, len(edges)-int(*p.Last)):]
}

func order(cursor string) string { return string(must(base64.RawURLEncoding.DecodeString(cursor))) }

func cursorsOf(edges []*accounts.UserEdge) []string {
	cursors := []string{}
	for _, e := range edges {
		cursors = append(cursors, e.Cursor)
	}
	return cursors
}

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
