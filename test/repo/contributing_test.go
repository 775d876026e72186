package repo

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/servertest"
)

// TestContributing_ExampleWorks follows CONTRIBUTING.md in a copy of the tree: its diffs apply, the commands below them
// run, and the tests of packages and folders that the example touches pass on the result. The twin: without the rule of
// a field that the example adds, the program does not start.
func TestContributing_ExampleWorks(t *testing.T) {
	if testing.Short() {
		t.Skip("generates and builds the program")
	}
	servertest.NeedProgram(t, "git", "apt-get install git")
	page := servertest.ReadFile(t, "CONTRIBUTING.md")
	diffs := blocks(page, "diff")
	if len(diffs) == 0 {
		t.Fatal("CONTRIBUTING.md has no diff")
	}
	folder := copyTree(t)
	for _, diff := range diffs {
		servertest.Execute(t, folder, "git", "apply", servertest.WriteFile(t, diff))
	}
	for _, command := range commands(page) {
		t.Log(command)
		servertest.Execute(t, folder, "sh", "-ec", command)
	}

	schema := filepath.Join(folder, "schema.graphql")
	guarded := regexp.MustCompile(`(?m)^\+  (\w+)[(:].* (@auth\S*(?: \[\w+\]\))?)$`)
	rule := guarded.FindStringSubmatch(strings.Join(diffs, ""))
	if rule == nil {
		t.Fatal("the example adds no guarded field")
	}
	text := servertest.ReadFile(t, schema)
	at := strings.Index(text, "\n  "+rule[1])
	open := text[:at] + strings.Replace(text[at:], " "+rule[2], "", 1)
	if err := os.WriteFile(schema, []byte(open), 0o644); err != nil {
		t.Fatal(err)
	}
	servertest.Execute(t, folder, "go", "tool", "gqlgen", "generate")
	serve := exec.CommandContext(t.Context(), "go", "run", ".")
	serve.Dir = folder
	serve.Env = append(os.Environ(), "GATEHOUSE_ADDR=127.0.0.1:0")
	out, err := serve.CombinedOutput()
	if want := "." + rule[1] + ": does not say who may use it"; err == nil || !strings.Contains(string(out), want) {
		t.Errorf("the start was not refused with %q: %v\n%s", want, err, out)
	}
}

// commands are what CONTRIBUTING.md tells to run after the example: the lines of the sh blocks after its first diff, in
// the section of the example.
func commands(page string) []string {
	_, example, _ := strings.Cut(page, "```diff\n")
	example, _, _ = strings.Cut(example, "\n## ")
	var all []string
	for _, block := range blocks(example, "sh") {
		all = append(all, strings.Split(strings.TrimSpace(block), "\n")...)
	}
	return all
}

// blocks returns the code blocks of a language.
func blocks(page, language string) (all []string) {
	for _, found := range regexp.MustCompile("(?sm)^```"+language+"\n(.*?)^```").FindAllStringSubmatch(page, -1) {
		all = append(all, found[1])
	}
	return all
}

// copyTree copies what git tracks, as it is in the working tree.
func copyTree(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	for _, name := range tracked(t) {
		to := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, []byte(servertest.ReadFile(t, name)), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}
