package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestContributingsExampleWorks follows CONTRIBUTING.md in a copy of the tree: its diff applies, the code generates and
// builds, and the new line stands in the access table. The twin: the same field without @auth stops the start.
func TestContributingsExampleWorks(t *testing.T) {
	need(t, "git", "apt-get install git")
	blocks := regexp.MustCompile("(?s)```diff\n(.*?)```").FindAllStringSubmatch(read(t, "CONTRIBUTING.md"), -1)
	if len(blocks) != 1 {
		t.Fatalf("CONTRIBUTING.md has %d diffs, want 1", len(blocks))
	}
	folder := copyOfTree(t)
	patch := filepath.Join(t.TempDir(), "example.diff")
	if err := os.WriteFile(patch, []byte(blocks[0][1]), 0o644); err != nil {
		t.Fatal(err)
	}
	execute(t, folder, "git", "apply", patch)
	execute(t, folder, "go", "tool", "gqlgen", "generate")

	access := exec.CommandContext(t.Context(), "go", "run", ".", "access")
	access.Dir = folder
	out, err := access.CombinedOutput()
	if want := "| `Query.hasUsers` | administrators |"; err != nil || !strings.Contains(string(out), want) {
		t.Fatalf("no line %q: %v\n%s", want, err, out)
	}

	schema := filepath.Join(folder, "schema.graphql")
	open := strings.Replace(read(t, schema), "hasUsers: Boolean! @auth(roles: [ADMIN])", "hasUsers: Boolean!", 1)
	if err := os.WriteFile(schema, []byte(open), 0o644); err != nil {
		t.Fatal(err)
	}
	execute(t, folder, "go", "tool", "gqlgen", "generate")
	serve := exec.CommandContext(t.Context(), "go", "run", ".")
	serve.Dir = folder
	serve.Env = append(os.Environ(), "GATEHOUSE_ADDR=127.0.0.1:0")
	out, err = serve.CombinedOutput()
	if want := "Query.hasUsers: does not say who may use it"; err == nil || !strings.Contains(string(out), want) {
		t.Errorf("the start was not refused with %q: %v\n%s", want, err, out)
	}
}

// copyOfTree copies what git tracks, as it is in the working tree.
func copyOfTree(t *testing.T) string {
	t.Helper()
	list, err := exec.CommandContext(t.Context(), "git", "ls-files", "-co", "--exclude-standard").Output()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for name := range strings.Lines(string(list)) {
		name = strings.TrimSpace(name)
		text, err := os.ReadFile(name)
		if os.IsNotExist(err) {
			continue // deleted, and not yet committed
		}
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}
