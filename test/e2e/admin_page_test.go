package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestAdminPage_InABrowser goes through the page at /admin with the keyboard alone: a user, and an administrator whose
// proof is old, on two screens. TEST_LONG=pages has it on all of them. SCREENSHOTS=FOLDER has pictures.
func TestAdminPage_InABrowser(t *testing.T) {
	t.Parallel()
	needBrowser(t)
	needPage(t, "admin")
	url := "sqlite:" + filepath.Join(t.TempDir(), "gatehouse.db")
	s := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+url,
		"GATEHOUSE_THROTTLE=account=999,network=999,register=999,mail=999,signin=9999,refresh=9999")
	s.Command(servertest.Password, "admin", "create", "root@example.com")
	db := servertest.OpenDB(t, url)
	for n := range 120 {
		servertest.Exec(t, db, fmt.Sprintf(`INSERT INTO users (id, email, password_hash, roles, status, created_at, updated_at)
			VALUES ('%s', 'many%d@example.com', '', '["USER"]', 'ACTIVE', '%[3]s', '%[3]s')`,
			numberedID(n), n, fmt.Sprintf("2026-01-01 00:%02d:%02d+00:00", n/60, n%60)))
	}
	control := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request) {
		s.Stop() // it has sessions in its memory
		defer s.Restart()
		servertest.Exec(t, db, "UPDATE sessions SET authenticated_at = '2026-01-01 00:00:00+00:00'")
	}))
	defer control.Close()
	servertest.Execute(t, ".", "node", onScreens("web/test/admin.mjs", atLocalhost(s.URL), control.URL)...)
}

// TestAdminPage_WantsTheSecondFactorInABrowser: who has none is led to where it is set up; who has one is asked for it,
// at the sign-in and later, on two screens. TEST_LONG=pages has it on all of them. SCREENSHOTS=FOLDER has pictures.
func TestAdminPage_WantsTheSecondFactorInABrowser(t *testing.T) {
	t.Parallel()
	needBrowser(t)
	needPage(t, "admin")
	visits := [][]string{
		{"desk-dark", "phone", "fr"}, {"phone", "desk-dark", "es"}, {"desk", "phone-dark", "de"}, {"phone-dark", "desk", "en"},
	}
	if !testenv.Long("pages") {
		visits = visits[:1]
	}
	for _, screens := range visits {
		s := servertest.Start(t, "GATEHOUSE_ADMIN_MFA=required")
		s.Command(servertest.Password, "admin", "create", "root@example.com")
		servertest.Execute(t, ".", "node", append([]string{"web/test/admin-mfa.mjs", atLocalhost(s.URL)}, screens...)...)
	}
}

// TestPages_PassTheirUnitTests runs what the pages' scripts compute without a browser.
func TestPages_PassTheirUnitTests(t *testing.T) {
	t.Parallel()
	servertest.NeedProgram(t, "node", "install Node.js 20 or newer")
	if _, err := os.Stat("web/node_modules/graphql"); err != nil {
		testenv.Missing(t, "graphql", "run make playground")
	}
	tests, _ := filepath.Glob("web/test/*.test.js")
	if len(tests) < 2 {
		t.Fatalf("found %q", tests)
	}
	servertest.Execute(t, ".", "node", append([]string{"--test"}, tests...)...)
}
