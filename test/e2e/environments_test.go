package e2e

import (
	"database/sql"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// everywhere are the tests that TestEnvironment_ChangesNoAnswer runs: the transcripts compare every answer.
const everywhere = "^(TestTranscripts|TestReferenceCases|" +
	"TestEveryEndOfASession_ReachesTheOtherInstance|TestEveryChangeOfAUser_ReachesTheOtherInstance|" +
	"TestEnvironment_IsLogged)$"

// core are the packages whose tests it runs too with TEST_LONG=environments, which takes some minutes.
var core = []string{"./internal/accounts", "./internal/database", "./internal/token", "./internal/viewer",
	"./internal/config", "./verify", "./graph", "./authz"}

// TestEnvironment_IsLogged logs in which environment the process is.
func TestEnvironment_IsLogged(t *testing.T) {
	t.Log("environment:", runtime.GOMAXPROCS(0), time.Date(2026, 1, 1, 0, 0, 0, 0, time.Local).Format("-0700"))
}

// TestEnvironment_ChangesNoAnswer: it runs tests again, in processes of other environments and with a Postgres
// that has another time zone and writes dates otherwise.
func TestEnvironment_ChangesNoAnswer(t *testing.T) {
	if testing.Short() {
		t.Skip("runs other tests three times")
	}
	broken := servertest.WriteFile(t, "PK\x03\x04 and no more")
	postgres := inOtherTimeZone(t)
	binary, err := filepath.Abs(os.Args[0])
	servertest.Check(t, err)
	for name, c := range map[string]struct {
		environment []string
		logs        string
	}{
		"one processor, a day ahead": {[]string{"GOMAXPROCS=1", "TZ=Pacific/Kiritimati", "LC_ALL=C", "LANG="},
			"environment: 1 +1400"},
		"two processors, Turkish": {[]string{"GOMAXPROCS=2", "TZ=America/St_Johns", "LC_ALL=tr_TR.UTF-8",
			"LANG=tr_TR.UTF-8"}, "environment: 2 -0330"},
		"sixteen processors, and zones that cannot be read": {
			[]string{"GOMAXPROCS=16", "TZ=Nowhere/Land", "ZONEINFO=" + broken, "LC_ALL=xx_YY.ISO-8859-9"},
			"environment: 16 +0000"},
	} {
		t.Run(name, func(t *testing.T) {
			if !testenv.Long("environments") { // some of the others are tests of time
				t.Parallel()
			}
			inside := append([]string{"TEST_DATABASE_URL=" + postgres}, c.environment...)
			out := runIn(t, inside, binary, "-test.run="+everywhere, "-test.short", "-test.v")
			if !strings.Contains(out, c.logs) {
				t.Errorf("the environment does not hold, want %q:\n%s", c.logs, out)
			}
			if strings.Count(out, "\n--- PASS: Test") != 5 || strings.Contains(out, "--- SKIP") {
				t.Errorf("not everything ran:\n%s", out)
			}
			if testenv.Long("environments") {
				t.Log(runIn(t, inside, "go", append([]string{"test", "-count=1", "-short"}, core...)...))
			}
		})
	}
}

// runIn runs a program in an environment, and returns what it printed.
func runIn(t *testing.T, environment []string, name string, arguments ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), name, arguments...)
	c.Env = append(os.Environ(), environment...)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(environment, " "), err, out)
	}
	return string(out)
}

// inOtherTimeZone returns a Postgres in another time zone.
func inOtherTimeZone(t *testing.T) string {
	t.Helper()
	url := dbtest.NewServer(t).URL("postgres")
	db, err := sql.Open("postgres", url)
	servertest.Check(t, err)
	defer db.Close()
	servertest.Exec(t, db, "ALTER SYSTEM SET TimeZone = 'Asia/Kathmandu'", "ALTER SYSTEM SET DateStyle = 'German, DMY'",
		"ALTER SYSTEM SET log_timezone = 'Asia/Kathmandu'", "SELECT pg_reload_conf()")
	servertest.Eventually(t, "Postgres has the time zone", servertest.HangGuard, func() bool {
		var zone string
		db.SetMaxIdleConns(0) // a new connection each time
		return db.QueryRow("SHOW TimeZone").Scan(&zone) == nil && zone == "Asia/Kathmandu"
	})
	return url
}
