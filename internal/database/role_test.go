package database_test

import (
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/dbtest"
)

// TestOpen_RoleThatMayNotChangeTablesIsEnough: by the statements of docs/operations.md.
func TestOpen_RoleThatMayNotChangeTablesIsEnough(t *testing.T) {
	owners := dbtest.Postgres(t)
	page := string(must(os.ReadFile("../../docs/operations.md")))
	grants := regexp.MustCompile(`(?s)GRANT USAGE ON SCHEMA.*?\n` + "```").FindString(page)
	name := fmt.Sprint("app", time.Now().UnixNano()) // roles belong to the server, which tests share
	grants = strings.ReplaceAll(strings.TrimSuffix(grants, "```"), "gatehouse_app", name)
	owner := open(t, owners)
	must(owner.SQL().Exec("CREATE ROLE " + name + " LOGIN PASSWORD 'secret'; " + grants))
	must(owner.Migrate(t.Context()))

	restricted := with(t, owners, func(u *url.URL) { u.User = url.UserPassword(name, "secret") })
	d := migrated(t, restricted)
	must(newUser(t.Context(), d.Client, "ada@example.com"))
	if _, err := d.SQL().Exec("ALTER TABLE users ADD COLUMN more int"); err == nil {
		t.Error("the role may change tables")
	}
}
