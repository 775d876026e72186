package main

import (
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/dbtest"
)

// everywhere are the tests that TestTheEnvironmentChangesNoAnswer runs: the transcripts compare every answer.
const everywhere = "^(TestTranscripts|TestCasesOfTheReference|TestEveryEndingIsHeardByTheOtherInstance)$"

// core are the packages whose tests it runs too with ENVIRONMENTS=full, which takes some minutes.
var core = []string{"./internal/accounts", "./internal/database", "./internal/token", "./internal/viewer", "./internal/config", "./verify", "./graph", "./authz"}

// TestTheEnvironmentChangesNoAnswer is R-041: it runs tests again, in processes of other environments and with a
// Postgres that lives in another time zone and writes dates otherwise.
func TestTheEnvironmentChangesNoAnswer(t *testing.T) {
	if testing.Short() {
		t.Skip("runs other tests three times")
	}
	broken := filepath.Join(t.TempDir(), "zones.zip")
	if err := os.WriteFile(broken, []byte("PK\x03\x04 and no more"), 0o600); err != nil {
		t.Fatal(err)
	}
	postgres := abroad(t)
	for name, c := range map[string]struct {
		environment []string
		is          string // what the process says of itself
	}{
		"one processor, a day ahead": {[]string{"GOMAXPROCS=1", "TZ=Pacific/Kiritimati", "LC_ALL=C", "LANG="}, "1 +1400"},
		"two processors, Turkish":    {[]string{"GOMAXPROCS=2", "TZ=America/St_Johns", "LC_ALL=tr_TR.UTF-8", "LANG=tr_TR.UTF-8"}, "2 -0330"},
		"sixteen processors, and zones that cannot be read": {
			[]string{"GOMAXPROCS=16", "TZ=Nowhere/Land", "ZONEINFO=" + broken, "LC_ALL=xx_YY.ISO-8859-9"}, "16 +0000"},
	} {
		t.Run(name, func(t *testing.T) {
			if os.Getenv("ENVIRONMENTS") != "full" { // some of the others are tests of time
				t.Parallel()
			}
			inside := append([]string{"TEST_DATABASE_URL=" + postgres}, c.environment...)
			if is := strings.TrimSpace(again(t, inside, os.Args[0], "where")); is != c.is {
				t.Fatalf("the environment does not hold: %q, want %q", is, c.is)
			}
			if out := again(t, inside, os.Args[0], "-test.run="+everywhere, "-test.short", "-test.v"); strings.Count(out, "\n--- PASS: Test") != 3 || strings.Contains(out, "--- SKIP") {
				t.Errorf("not everything ran:\n%s", out)
			}
			if os.Getenv("ENVIRONMENTS") == "full" {
				t.Log(again(t, inside, "go", append([]string{"test", "-count=1", "-short"}, core...)...))
			}
		})
	}
}

// where says in which environment the process is.
func where() {
	fmt.Println(runtime.GOMAXPROCS(0), time.Date(2026, 1, 1, 0, 0, 0, 0, time.Local).Format("-0700"))
	os.Exit(0)
}

// again runs a program in an environment, and returns what it printed.
func again(t *testing.T, environment []string, name string, arguments ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), name, arguments...)
	c.Env = append(os.Environ(), environment...)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(environment, " "), err, out)
	}
	return string(out)
}

// abroad returns a Postgres that lives elsewhere.
func abroad(t *testing.T) string {
	t.Helper()
	url := dbtest.NewCluster(t).URL("postgres")
	db, err := sql.Open("postgres", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range []string{"ALTER SYSTEM SET TimeZone = 'Asia/Kathmandu'", "ALTER SYSTEM SET DateStyle = 'German, DMY'",
		"ALTER SYSTEM SET log_timezone = 'Asia/Kathmandu'", "SELECT pg_reload_conf()"} {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	soon(t, "Postgres is abroad", 5*time.Second, func() bool {
		var zone string
		db.SetMaxIdleConns(0) // each time anew
		return db.QueryRow("SHOW TimeZone").Scan(&zone) == nil && zone == "Asia/Kathmandu"
	})
	return url
}
