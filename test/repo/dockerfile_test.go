package repo

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestDockerfile_CopiesWhatThePagesAreBuiltFrom builds the pages from the files that the Dockerfile's first stage copies,
// and from no other.
func TestDockerfile_CopiesWhatThePagesAreBuiltFrom(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the pages")
	}
	servertest.NeedProgram(t, "npm", "install Node.js 20 or newer")
	packages, err := filepath.Abs("web/node_modules")
	testenv.Check(t, err)
	if _, err := os.Stat(packages); err != nil {
		testenv.Missing(t, packages, "run make playground")
	}
	work := filepath.Join(t.TempDir(), "src/web")
	stage, _, _ := strings.Cut(servertest.ReadFile(t, "Dockerfile"), "npm run build")
	copies := 0
	for line := range strings.Lines(stage) {
		words := strings.Fields(line)
		if len(words) < 3 || words[0] != "COPY" {
			continue
		}
		to := words[len(words)-1]
		for _, from := range words[1 : len(words)-1] {
			copies++
			for _, file := range tracked(t, from) {
				name := strings.TrimPrefix(file, from)
				if name == "" { // from is a file
					name = filepath.Base(file)
				}
				target := filepath.Join(work, to, name)
				testenv.Check(t, os.MkdirAll(filepath.Dir(target), 0o755))
				testenv.Check(t, os.WriteFile(target, []byte(servertest.ReadFile(t, file)), 0o600))
			}
		}
	}
	if copies < 6 {
		t.Fatalf("%d files and folders are copied before the build", copies)
	}
	testenv.Check(t, os.Symlink(packages, filepath.Join(work, "node_modules")))
	servertest.Execute(t, work, "npm", "run", "build")
}
