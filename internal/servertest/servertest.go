// Package servertest starts the program for the tests in test/ and asks it: one Process, one Client, one Proxy, and
// what they need. No test defines a second of these.
//
// The tests of a folder run in the root of the repository (see Main), so that every path in them is one of the
// repository. The program is built once a folder, when a test first starts a child; no time that a test bounds has begun
// then.
package servertest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/cli"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// Main runs the tests of a folder in the root of the repository, with databases that are migrated.
func Main(m *testing.M) {
	if err := chdirToRoot(); err != nil {
		fmt.Fprintln(os.Stderr, "servertest:", err)
		os.Exit(1)
	}
	code := dbtest.Run(m, migrate)
	removeBuilds()
	os.Exit(code)
}

func migrate(url string) error {
	o := command(context.Background(), []string{"GATEHOUSE_DATABASE_URL=" + url}, "", []string{"migrate"})
	if o.Code != cli.ExitDone {
		return errors.New(o.Stderr)
	}
	return nil
}

func chdirToRoot() error {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return fmt.Errorf("looking for the root of the repository: %w", err)
	}
	return os.Chdir(filepath.Dir(strings.TrimSpace(string(out))))
}

// Buffer is testenv's.
type Buffer = testenv.Buffer

// HangGuard is testenv's.
const HangGuard = testenv.HangGuard

// These are testenv's.
var (
	Check       = testenv.Check
	Eventually  = testenv.Eventually
	FreeAddress = testenv.FreeAddress
)

// ReadFile returns a file's text.
func ReadFile(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	Check(t, err)
	return string(text)
}

// WriteFile writes a text to a file of the test, and returns its path.
func WriteFile(t testing.TB, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "file")
	Check(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// Between returns what stands between two texts in a third, where they first do.
func Between(t testing.TB, text, before, after string) string {
	t.Helper()
	_, rest, ok := strings.Cut(text, before)
	inner, _, ok2 := strings.Cut(rest, after)
	if !ok || !ok2 {
		t.Fatalf("no %q in %s", before, text)
	}
	return inner
}

// OpenDB is dbtest's OpenRaw.
func OpenDB(t testing.TB, url string) *sql.DB {
	t.Helper()
	return dbtest.OpenRaw(t, url)
}

// Exec runs statements past the program.
func Exec(t testing.TB, db *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// NeedProgram skips a test whose program is not on this machine.
func NeedProgram(t testing.TB, program, hint string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		testenv.Missing(t, program, hint)
	}
}

// Execute runs a program in a folder, and returns what it prints; it must succeed.
func Execute(t testing.TB, folder, name string, args ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), name, args...)
	c.Dir = folder
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}
