package repo

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/servertest"
)

// tracked returns the files that git tracks or would, of some patterns, as they are in the working tree.
func tracked(t *testing.T, patterns ...string) (files []string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "git", append([]string{"ls-files", "-co", "--exclude-standard", "--"},
		patterns...)...).Output()
	servertest.Check(t, err)
	for name := range strings.Lines(string(out)) {
		name = strings.TrimSpace(name)
		if _, err := os.Stat(name); err == nil { // else deleted, and not yet committed
			files = append(files, name)
		}
	}
	return files
}

// join returns the texts of files.
func join(t *testing.T, files []string) string {
	t.Helper()
	var all strings.Builder
	for _, name := range files {
		all.WriteString(servertest.ReadFile(t, name))
	}
	return all.String()
}

// TestPages_NameTestsThatThereAre holds each page in docs/ against the tests that it names.
func TestPages_NameTestsThatThereAre(t *testing.T) {
	tests := join(t, tracked(t, "*_test.go"))
	for _, page := range tracked(t, "*.md") {
		for _, name := range regexp.MustCompile(`\b(Test|Fuzz)[A-Z]\w+`).FindAllString(servertest.ReadFile(t, page), -1) {
			if !strings.Contains(tests, "\nfunc "+name+"(") {
				t.Errorf("%s: there is no %s", page, name)
			}
		}
	}
}
