package repo

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestContributing_ExampleWorks follows the example of CONTRIBUTING.md in a copy of the tree, step by step: its diffs
// apply and its commands run. Then the field that it adds stands in the access table, and the tests that an added field
// touches pass, those of the schema and the access matrix among them: without the rule of that field there is no guard.
// Of the tests of migrations it runs those that read the files and the versions. With TEST_LONG=contributing all tests of
// the packages pass, and go vet.
func TestContributing_ExampleWorks(t *testing.T) {
	if testing.Short() {
		t.Skip("generates, builds and tests a copy of the program")
	}
	servertest.NeedProgram(t, "git", "apt-get install git")
	example := exampleOf(servertest.ReadFile(t, "CONTRIBUTING.md"))
	field := regexp.MustCompile(`(?m)^\+  (\w+)[(:].* @auth`).FindStringSubmatch(example)
	transcript := regexp.MustCompile(`(?m)^\+\+\+ b/test/e2e/testdata/(\w+)\.txtar$`).FindStringSubmatch(example)
	if field == nil || transcript == nil {
		t.Fatal("the example adds no guarded field, or no transcript of it")
	}
	folder := copyTree(t)
	t.Setenv("TEST_PROGRAM", "") // is of this tree
	if !testenv.Long("contributing") {
		t.Setenv("GENERATED", "./ent ./graph") // the rest is of other schemas, or for the benchmark
	}
	run := func(command string) {
		t.Helper()
		began := time.Now()
		servertest.Execute(t, folder, "sh", "-ec", command)
		t.Logf("%s: %v", command, time.Since(began).Round(time.Second/10))
	}
	run("git init -q && git add -A")
	for _, step := range steps(example) {
		if step.diff {
			run("git apply " + servertest.WriteFile(t, step.text))
		} else {
			run(step.text)
		}
	}
	table := servertest.ReadFile(t, filepath.Join(folder, "ACCESS.md"))
	if !strings.Contains(table, "."+field[1]+"` |") {
		t.Errorf("the access table has no %s:\n%s", field[1], table)
	}
	if testenv.Long("contributing") {
		run("go vet ./... && go test -vet off -short ./graph ./internal/... ./test/e2e")
	}
	touched := "AccessMatrix/sqlite|AccessTable|Schema_|ProductsSchema|Imports_|ExpensiveFields|Validation_|MigrationFiles|" +
		"NewerDatabase|BeforeAFailure|SaysTheVersion|Transcripts/" + transcript[1]
	run("go test -vet off -ldflags=-s -short -run '" + touched + "' ./graph ./internal/database ./test/e2e ./test/repo")
}

// exampleOf returns the section of a page that has the first diff.
func exampleOf(page string) string {
	for section := range strings.SplitSeq(page, "\n## ") {
		if strings.Contains(section, "```diff\n") {
			return section
		}
	}
	return ""
}

// step is a diff to apply, or a command to run.
type step struct {
	diff bool
	text string
}

// steps are the diffs of an example, and the commands that it names, in the order of the page: lines of sh blocks, and
// what begins with make or go between backquotes, unless it has a placeholder in capitals. What runs tests is not among
// them, nor what is told twice.
func steps(example string) (all []step) {
	skipped := regexp.MustCompile(`^(make (test|check|run)|go test|\./gatehouse)\b| [A-Z]+$|=[A-Z]+$`)
	pattern := regexp.MustCompile("(?sm)^```(diff|sh)\n(.*?)^```|`((?:make|go) [^`]+)`")
	for _, found := range pattern.FindAllStringSubmatch(example, -1) {
		if found[1] == "diff" {
			all = append(all, step{true, found[2]})
			continue
		}
		for command := range strings.SplitSeq(strings.TrimSpace(found[2]+found[3]), "\n") {
			next := step{false, command}
			if command != "" && !skipped.MatchString(command) && (len(all) == 0 || all[len(all)-1] != next) {
				all = append(all, next)
			}
		}
	}
	return all
}

// copyTree copies what git tracks, as it is in the working tree.
func copyTree(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	for _, name := range tracked(t) {
		to := filepath.Join(folder, name)
		servertest.Check(t, os.MkdirAll(filepath.Dir(to), 0o755))
		servertest.Check(t, os.WriteFile(to, []byte(servertest.ReadFile(t, name)), 0o755))
	}
	return folder
}
