package e2e

import (
	"fmt"
	"testing"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestPages_Figures measures what docs/figures.md says of the pages, with 10,000 users, on a machine that does nothing
// else. It fails where something is not as it should be, and never for its time.
func TestPages_Figures(t *testing.T) {
	if !testenv.Long("figures") {
		t.Skip("measures: TEST_LONG=figures")
	}
	needBrowser(t)
	needPage(t, "account")
	dbtest.Each(t, func(t *testing.T, url string) {
		s := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+url)
		s.Command(servertest.Password, "admin", "create", "root@example.com")
		db := servertest.OpenDB(t, url)
		for n := range 10_000 {
			servertest.Exec(t, db, fmt.Sprintf(`INSERT INTO users (id, email, email_verified, password_hash, roles, status,
				created_at, updated_at) VALUES ('%s', 'user%d@example.com', %t, '', '["%s"]', '%s', '%[6]s', '%[6]s')`,
				numberedID(n), n, n%2 == 0, []string{"USER", "ADMIN"}[n%100/99], []string{"ACTIVE", "SUSPENDED"}[n%10/9],
				fmt.Sprintf("2026-01-%02d %02d:%02d:%02d+00:00", 1+n/3600/24, n/3600%24, n/60%60, n%60)))
		}
		t.Log("\n" + servertest.Execute(t, ".", "node", "web/test/figures.mjs", atLocalhost(s.URL)))
	})
}
