package main

import (
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

func TestMain(m *testing.M) {
	becomeYardstick()
	os.Exit(m.Run())
}

// smoke is a run of a few seconds, which shows that each group works.
var smoke = size{rounds: 1, starts: 1, requests: 50, users: 1100, callers: 4, sessions: 20,
	round: 30 * time.Millisecond, speedRounds: 1, speedRound: 30 * time.Millisecond, deadline: 10 * time.Minute}

// TestSmoke_MeasuresEveryFigure runs every group, in so little time that the figures mean nothing.
func TestSmoke_MeasuresEveryFigure(t *testing.T) {
	t.Setenv("TMPDIR", openFolder(t))
	program, err := build(t.Context(), openFolder(t))
	testenv.Check(t, err)
	table := &table{}
	options := &options{binary: program, only: regexp.MustCompile(""), size: smoke}
	testenv.Check(t, measure(t.Context(), options, table, t.Output()))
	var out strings.Builder
	table.print(&out)
	engines := []string{"SQLite"}
	if !strings.Contains(out.String(), "Without Postgres") {
		engines = append(engines, "Postgres")
	}
	for _, e := range engines {
		for _, name := range everyFigure {
			if name = strings.ReplaceAll(name, "%s", e); !strings.Contains("\n"+out.String(), "\n"+name) {
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
	if len(engines) == 1 {
		testenv.Missing(t, "Postgres", "apt-get install postgresql")
	}
}

var everyFigure = []string{
	"me, %s ÷ plain", "me, %s ÷ bare gqlgen", "me, %s, allocated", "denied me, %s ÷ plain",
	"users page of 100, %s ÷ plain", "users page of 100, %s ÷ bare gqlgen's",
	"me, 5 users in turn, %s ÷ me, one user, %s", "me, 9 users in turn, %s ÷ me, 5 users in turn, %s",
	"me, 20 users in turn, %s ÷ me, 5 users in turn, %s",
	"me, 20 users in turn, by 160 documents, %s, garbage collections in 9000 requests",
	"me, 20 users in turn, by 160 documents, %s, resident memory",
	"me with a personal access token, %s ÷ me with a session, %s",
	"logins, %s ÷ argon2id alone", "me, %s, p99 under a login flood ÷ quiet",
	"me, %s, rate under a login flood ÷ quiet",
	"owners' sign-ins answered under a flood of wrong ones from an IPv6 /48, %s",
	"new documents answered under a flood of others from one address, %s",
	"login without its hashing, %s: ", "me, %s: ", "users page of 100 at depth, %s: ",
	"start to first answer, %s", "resident memory idle, %s", "the same after many requests, %s",
}

// TestQuickRun_Exits0 is `make bench BENCHFLAGS=-quick`.
func TestQuickRun_Exits0(t *testing.T) {
	if !testenv.Long("bench") {
		t.Skip("a minute of load: TEST_LONG=bench")
	}
	t.Setenv("TMPDIR", openFolder(t))
	var out, errs strings.Builder
	if code := run(t.Context(), []string{"-quick"}, &out, &errs); code != 0 {
		t.Fatalf("exit code %d\n%s\n%s", code, &out, &errs)
	}
}

// openFolder is t.TempDir for a folder that the account of the Postgres server may enter.
func openFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "bench-test-")
	testenv.Check(t, err)
	t.Cleanup(func() { os.RemoveAll(folder) })
	testenv.Check(t, os.Chmod(folder, 0o755))
	return folder
}

func TestFigure_IsComparedWithItsTarget(t *testing.T) {
	for _, c := range []struct {
		rounds  []float64
		bounds  bounds
		verdict string
	}{
		{[]float64{0.1, 0.5, 0.9}, atLeast(0.3, 0.5), "stretch"},
		{[]float64{0.9, 0.3, 0.1}, atLeast(0.3, 0.5), "yes"},
		{[]float64{0.29}, atLeast(0.3, 0.5), "NO"},
		{[]float64{2, 1}, atMost(4, 2), "stretch"},
		{[]float64{4}, atMost(4, 2), "yes"},
		{[]float64{4.1, 4.1}, atMost(4, 2), "NO"},
		{[]float64{math.NaN()}, atMost(4, 2), "NO"},
		{[]float64{7}, bounds{}, "–"},
	} {
		table := &table{}
		table.add("it", c.rounds, c.bounds)
		if got := table.figures[0].verdict(); got != c.verdict || table.failed() != (c.verdict == "NO") {
			t.Errorf("%v within %+v is %q, want %q", c.rounds, c.bounds, got, c.verdict)
		}
	}
}

// TestSeed_GoComputesTheIDsThatSQLInserts: logins and pages ask for users by the addresses and ids that Go computes.
func TestSeed_GoComputesTheIDsThatSQLInserts(t *testing.T) {
	if got, want := userID(255), "01977420-dcff-7000-8000-0000000000ff"; got != want {
		t.Errorf("the id of user 255 is %s, want %s", got, want)
	}
	if userEmail(1) != "u9e3779b1@example.com" {
		t.Errorf("the address of user 1 is %s", userEmail(1))
	}
}
