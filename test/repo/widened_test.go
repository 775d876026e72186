package repo

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/servertest"
)

// TestWidened_PrintsWhatABranchOpens opens a field on a branch, and asks in clones of it: one that has main, one that
// has the branch alone, and one without its history.
func TestWidened_PrintsWhatABranchOpens(t *testing.T) {
	if testing.Short() {
		t.Skip("builds two programs")
	}
	servertest.NeedProgram(t, "git", "apt-get install git")
	folder := copyTree(t)
	run := func(folder, command string) string {
		t.Helper()
		return servertest.Execute(t, folder, "sh", "-ec", command)
	}
	const commit = "git add -A && git -c user.name=ann -c user.email=ann@example.com commit -qm "
	run(folder, "git init -q -b main && "+commit+"base")
	if out := run(folder, ".ci/widened"); !strings.Contains(out, "no commit to compare with") {
		t.Errorf("without a commit before: %s", out)
	}
	run(folder, "git checkout -q -b branch")
	for _, name := range []string{"schema.graphql", "graph/generated.go"} {
		text := servertest.ReadFile(t, filepath.Join(folder, name))
		opened := strings.Replace(text, `): UserConnection @auth(roles: [ADMIN], scopes: ["users:read"])`, "): UserConnection @auth", 1)
		servertest.Check(t, os.WriteFile(filepath.Join(folder, name), []byte(opened), 0o644))
	}
	run(folder, commit+"open && git checkout -q main && git checkout -q branch")
	for name, options := range map[string]string{
		"with main": "", "the branch alone": "--single-branch", "without history": "--depth 1",
	} {
		clone := filepath.Join(t.TempDir(), "clone")
		run(folder, "git clone -q "+options+" file://"+folder+" "+clone)
		out := run(clone, ".ci/widened")
		want := "Query.users: signed-in users\n"
		if name == "without history" {
			want = "no commit to compare with"
		}
		if !strings.Contains(out, want) || strings.Contains(out, "Query.user:") {
			t.Errorf("%s: %s", name, out)
		}
	}
}
