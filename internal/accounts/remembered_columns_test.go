package accounts_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect/sql/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent/migrate"
	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// seen is all that an instance says of the caller of an access token.
func (h *fixture) seen(p *accounts.AuthPayload) string {
	h.t.Helper()
	v := h.caller(p)
	if !v.SignedIn() {
		return "nobody: " + v.Reason()
	}
	me, err := h.Me(h.t.Context(), v)
	return fmt.Sprintf("%v %v %v %v: %s %v", v.UserID, v.SessionID, v.Roles, v.AuthTime.UTC(), must(json.Marshal(me)), err)
}

// TestSessionCache_NoticesEachColumnThatSQLChanges: after each column was changed past the program, an instance that
// remembers says what one says that reads the database each time.
func TestSessionCache_NoticesEachColumnThatSQLChanges(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		defer h.exec("DELETE FROM users") // of which some are not as the program leaves them
		defer h.exec("DELETE FROM sessions")
		if h.onPostgres() {
			h.exec("ALTER TABLE sessions DROP CONSTRAINT sessions_users_sessions") // an id can change
		} else {
			h.exec("PRAGMA foreign_keys = off")
		}
		remembers, m := h.caching(0)
		remembers.follow()
		another := h.must(h.register("eve@example.com", goodPassword))
		differs := 0
		for _, table := range []*schema.Table{migrate.UsersTable, migrate.SessionsTable} {
			for _, column := range table.Columns {
				p := h.must(h.register(uuid.NewString()+"@example.com", goodPassword))
				testenv.Eventually(t, "the session is remembered", testenv.HangGuard, func() bool {
					remembers.seen(p)
					return len(m.count(func() { remembers.seen(p) })) == 0
				})
				before := h.seen(p)
				id := map[bool]uuid.UUID{true: p.User.ID, false: p.Viewer.SessionID}[table == migrate.UsersTable]
				h.exec(fmt.Sprintf("UPDATE %s SET %s = %s WHERE id = '%s'", table.Name, column.Name, otherValue(column, another), id))
				after := h.seen(p)
				if after != before {
					differs++
				}
				for began := time.Now(); remembers.seen(p) != after; time.Sleep(5 * time.Millisecond) {
					if time.Since(began) > testenv.HangGuard {
						t.Errorf("%s.%s: %s, want %s", table.Name, column.Name, remembers.seen(p), after)
						break
					}
				}
			}
		}
		if differs < 10 {
			t.Errorf("%d columns change what is said", differs)
		}
	})
}

// otherValue is one that no row has, but for a user's id.
func otherValue(c *schema.Column, another *accounts.AuthPayload) string {
	switch {
	case c.Name == "user_id":
		return fmt.Sprintf("'%s'", another.User.ID)
	case c.Name == "roles":
		return `'["ADMIN", "USER"]'`
	case c.Name == "status":
		return "'SUSPENDED'"
	case c.Type == field.TypeUUID:
		return fmt.Sprintf("'%s'", uuid.New())
	case c.Type == field.TypeBool:
		return "NOT " + c.Name
	case c.Type == field.TypeTime:
		return "'2001-01-01 00:00:00+00:00'"
	case strings.HasPrefix(c.Type.String(), "int"):
		return c.Name + " + 7"
	}
	return "'x'"
}
