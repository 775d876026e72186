package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/cli"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
)

// TestBadUsage_ExitsWithTwo holds the exit codes of commands that are not written as they should be.
func TestBadUsage_ExitsWithTwo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"unknown command":       {[]string{"nope"}, cli.ExitUsage, "unknown command"},
		"unknown flag":          {[]string{"access", "--nope"}, cli.ExitUsage, "unknown flag"},
		"help on nothing":       {[]string{"help", "nope"}, cli.ExitUsage, "no help on"},
		"admin without a verb":  {[]string{"admin"}, cli.ExitUsage, "admin create EMAIL"},
		"admin without address": {[]string{"admin", "create"}, cli.ExitUsage, "one e-mail address"},
		"password as argument": {[]string{"admin", "create", "a@example.com", "secret"}, cli.ExitUsage,
			"one e-mail address"},
		"check of a missing file": {[]string{"access", "--check", ""}, cli.ExitFailed, "access --json"},
		"help":                    {[]string{"help"}, cli.ExitDone, ""},
		"help on a command":       {[]string{"help", "migrate", "status"}, cli.ExitDone, ""},
		"help on configuration":   {[]string{"help", "config"}, cli.ExitDone, ""},
		"version":                 {[]string{"version"}, cli.ExitDone, ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := servertest.Command(t, nil, "", c.args...)
			if o.Code != c.code || !strings.Contains(o.Stderr, c.says) || c.code == cli.ExitDone && o.Stdout == "" {
				t.Errorf("%+v; want %d and %q", o, c.code, c.says)
			}
		})
	}
	if o := servertest.Command(t, nil, "", "help", "config"); !strings.Contains(o.Stdout, "GATEHOUSE_DATABASE_URL") {
		t.Errorf("help config lists no variables: %s", o.Stdout)
	}
}

// TestMigrate_SaysTheVersionInASentence migrates, and looks before and after.
func TestMigrate_SaysTheVersionInASentence(t *testing.T) {
	t.Parallel()
	files, err := os.ReadDir("internal/database/migrations/sqlite")
	servertest.Check(t, err)
	version := 0
	for _, f := range files {
		if strings.HasSuffix(f.Name(), ".sql") {
			fmt.Sscanf(f.Name(), "%d_", &version)
		}
	}
	env := []string{"GATEHOUSE_DATABASE_URL=" + dbtest.SQLite(t)}
	if o := servertest.Command(t, env, "", "migrate", "status"); o.Code != cli.ExitFailed ||
		!strings.Contains(o.Stderr, "gatehouse migrate") {
		t.Errorf("status of no database: %+v", o)
	}
	want := fmt.Sprintf("The database is at version %d, which is this program's.\n", version)
	for range 2 {
		if o := servertest.Command(t, env, "", "migrate"); o.Code != cli.ExitDone || o.Stdout != want {
			t.Errorf("migrate: %+v, want %s", o, want)
		}
	}
	if o := servertest.Command(t, env, "", "migrate", "status"); o.Code != cli.ExitDone ||
		!strings.Contains(o.Stdout, fmt.Sprint("version ", version)) {
		t.Errorf("status: %+v", o)
	}
}
