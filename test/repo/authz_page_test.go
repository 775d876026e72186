package repo

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/authz"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestAuthzPage_ReachesItsAnswersFromAnEmptyFolder follows authz/README.md literally, but for the port, and for the
// checkout in place of a release: it writes the files, runs the commands, asks the questions and compares the answers.
// The twin: without the rule that the last sentence names, the server does not start.
func TestAuthzPage_ReachesItsAnswersFromAnEmptyFolder(t *testing.T) {
	if testing.Short() {
		t.Skip("generates and builds another program")
	}
	servertest.NeedProgram(t, "curl", "apt-get install curl")
	address := servertest.FreeAddress(t)
	page := strings.ReplaceAll(servertest.ReadFile(t, "authz/README.md"), "127.0.0.1:8083", address)
	folder := t.TempDir()
	blocks := regexp.MustCompile("(?sm)^```(\\w+)(?: (\\S+))?\n(.*?)^```").FindAllStringSubmatch(page, -1)
	var commands []string
	var answers string
	for _, block := range blocks {
		switch language, name, text := block[1], block[2], block[3]; {
		case name != "":
			write(t, filepath.Join(folder, name), text)
		case language == "sh":
			commands = append(commands, text)
		case language == "json":
			answers = text
		}
	}
	setup, ok := strings.CutSuffix(commands[0], "go run .\n")
	initialize, rest, _ := strings.Cut(setup, "\n")
	fetch, rest, ok2 := strings.Cut(rest, "\n")
	if !ok || !ok2 || len(commands) != 2 {
		t.Fatal("the page's commands are not those that this test follows")
	}
	root, err := os.Getwd()
	servertest.Check(t, err)
	write(t, filepath.Join(folder, "go.sum"), servertest.ReadFile(t, "go.sum"))
	sh(t, folder, initialize+"\ngo mod edit -require "+module+"@v0.0.0 -replace "+module+"="+root)
	sh(t, folder, "GOPROXY=off "+fetch) // the proxy would be asked for a release
	sh(t, folder, rest)
	start(t, folder, address)
	testenv.Equal(t, strings.ReplaceAll(answers, "\n  ", ""), sh(t, folder, commands[1]),
		"the answers that the page shows")

	write(t, filepath.Join(folder, "schema.graphql"), strings.Replace(
		servertest.ReadFile(t, filepath.Join(folder, "schema.graphql")), "note: Note @auth", "note: Note", 1))
	out, err := exec.CommandContext(t.Context(), "sh", "-ec", "cd "+folder+"; go tool gqlgen generate; go run .").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "Query.note: does not say who may use it") {
		t.Errorf("without a rule it starts: %v\n%s", err, out)
	}
}

// TestAuthzPage_NamesTheVersionOfGqlgenThatIsTested holds the page against go.mod.
func TestAuthzPage_NamesTheVersionOfGqlgenThatIsTested(t *testing.T) {
	version := regexp.MustCompile(`github.com/99designs/gqlgen[ @](v[\d.]+)`)
	tested := version.FindStringSubmatch(servertest.ReadFile(t, "go.mod"))[1]
	testenv.Equal(t, tested, version.FindStringSubmatch(servertest.ReadFile(t, "authz/README.md"))[1],
		"the gqlgen of authz/README.md")
}

// TestAuthzPackage_QuotesTheTenLinesOfThePage compares the code in doc.go, which go doc shows, with the page's.
func TestAuthzPackage_QuotesTheTenLinesOfThePage(t *testing.T) {
	page := servertest.ReadFile(t, "authz/README.md")
	code := regexp.MustCompile(`(?m)^//(\t.*\n)`).FindAllStringSubmatch(servertest.ReadFile(t, "authz/doc.go"), -1)
	var lines strings.Builder
	for _, line := range code {
		lines.WriteString(line[1])
	}
	if len(code) != 10 || !strings.Contains(page, lines.String()) {
		t.Errorf("authz/README.md has not these %d lines of doc.go:\n%s", len(code), &lines)
	}
}

// TestSchema_DeclaresTheDirectivesThatAuthzPublishes compares each definition, descriptions included.
func TestSchema_DeclaresTheDirectivesThatAuthzPublishes(t *testing.T) {
	schema := servertest.ReadFile(t, "schema.graphql")
	_, definitions, _ := strings.Cut(authz.Directives, "\n\n") // after the comment
	for definition := range strings.SplitSeq(strings.TrimSpace(definitions), "\n\n") {
		if !strings.Contains(schema, definition+"\n\n") {
			t.Errorf("schema.graphql declares otherwise than authz/directives.graphql:\n%s", definition)
		}
	}
}

func sh(t *testing.T, folder, commands string) string {
	t.Helper()
	return servertest.Execute(t, folder, "sh", "-ec", commands)
}

func write(t *testing.T, name, text string) {
	t.Helper()
	servertest.Check(t, os.WriteFile(name, []byte(text), 0o644))
}

// start runs the program of a folder until the test ends, and waits until it listens.
func start(t *testing.T, folder, address string) {
	t.Helper()
	c := exec.Command("go", "run", ".")
	c.Dir, c.Stdout, c.Stderr = folder, t.Output(), t.Output()
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // go run's child, too
	servertest.Check(t, c.Start())
	t.Cleanup(func() { syscall.Kill(-c.Process.Pid, syscall.SIGKILL); c.Wait() })
	for deadline := time.Now().Add(5 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("it does not listen")
		}
	}
}
