package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/pgtemp"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == plainCommand {
		fmt.Fprintln(os.Stderr, servePlain(os.Args[2]))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// TestQuickRunMeasuresEveryFigure shows that the program works; what it measures in so little time says nothing.
func TestQuickRunMeasuresEveryFigure(t *testing.T) {
	if testing.Short() {
		t.Skip("a minute of load")
	}
	t.Setenv("TMPDIR", openFolder(t))
	c, err := pgtemp.New()
	if errors.Is(err, pgtemp.ErrMissing) {
		testenv.Missing(t, "Postgres", err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	var out, errs strings.Builder
	if code := run(t.Context(), []string{"-quick"}, &out, &errs); code != 0 {
		t.Fatalf("exit code %d\n%s\n%s", code, &out, &errs)
	}
	for _, engine := range []string{"Postgres", "SQLite"} {
		for _, name := range []string{"me, %s ÷ plain", "denied me, %s ÷ plain", "users page of 100, %s ÷ plain", "logins, %s ÷ argon2id alone",
			"me, %s, p99 under a login flood ÷ quiet", "login without its hashing, %s: ", "me, %s: ", "users page of 100 at depth, %s: ",
			"start to first answer, %s", "resident memory idle, %s", "the same after many requests, %s"} {
			if name = fmt.Sprintf(name, engine); !strings.Contains("\n"+out.String(), "\n"+name) {
				t.Errorf("no figure %q", name)
			}
		}
	}
	if strings.Contains(out.String(), "NaN") {
		t.Errorf("not measured:\n%s", &out)
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "gatehouse-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// openFolder is t.TempDir for a folder that the account of the Postgres server may enter.
func openFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "bench-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	return folder
}

func TestFiguresAreJudged(t *testing.T) {
	for _, c := range []struct {
		rounds []float64
		want   bounds
		ok     string
	}{
		{[]float64{0.1, 0.5, 0.9}, atLeast(0.3, 0.5), "aim"},
		{[]float64{0.9, 0.3, 0.1}, atLeast(0.3, 0.5), "yes"},
		{[]float64{0.29}, atLeast(0.3, 0.5), "NO"},
		{[]float64{2, 1}, atMost(4, 2), "aim"},
		{[]float64{4}, atMost(4, 2), "yes"},
		{[]float64{4.1, 4.1}, atMost(4, 2), "NO"},
		{[]float64{math.NaN()}, atMost(4, 2), "NO"},
		{[]float64{7}, bounds{}, "–"},
	} {
		table := &table{}
		table.add("it", c.rounds, c.want)
		if got := table.figures[0].ok(); got != c.ok || table.failed() != (c.ok == "NO") {
			t.Errorf("%v within %+v is %q, want %q", c.rounds, c.want, got, c.ok)
		}
	}
}

// TestUsersAreTheSameInGoAndInSQL: `me` and pages ask for users by what Go says their ids and addresses are.
func TestUsersAreTheSameInGoAndInSQL(t *testing.T) {
	if got, want := userID(255), "01977420-dcff-7000-8000-0000000000ff"; got != want {
		t.Errorf("the id of user 255 is %s, want %s", got, want)
	}
	if userEmail(1) != "u9e3779b1@example.com" {
		t.Errorf("the address of user 1 is %s", userEmail(1))
	}
}
