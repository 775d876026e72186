package e2e

import (
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"sync"
	"testing"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// frontEnds are the folders of unmodified client libraries, one for each version of graphql-js.
var frontEnds = []string{"test/e2e/clients/graphql16", "test/e2e/clients/graphql17"}

// eachFrontEnd runs a program of test/e2e/clients with the packages of each folder, and with what args returns.
func eachFrontEnd(t *testing.T, program string, args func(*testing.T) []string) {
	t.Helper()
	for _, folder := range frontEnds {
		t.Run(path.Base(folder), func(t *testing.T) {
			installPackages(t, folder)
			args := append([]string{"test/e2e/clients/" + program, folder}, args(t)...)
			t.Log(servertest.Execute(t, ".", "node", args...))
		})
	}
}

// installing has a lock for each folder of packages: tests run in parallel, and npm ci empties a folder first.
var installing sync.Map

// installPackages installs a folder's packages as its lock file says, unless they are there. It skips a test when no
// registry answers.
func installPackages(t *testing.T, folder string) {
	t.Helper()
	lock, _ := installing.LoadOrStore(folder, &sync.Mutex{})
	lock.(*sync.Mutex).Lock()
	defer lock.(*sync.Mutex).Unlock()
	servertest.NeedProgram(t, "npm", "install Node.js 20 or newer")
	run := func(args ...string) (string, error) {
		command := exec.CommandContext(t.Context(), "npm", args...)
		command.Dir = folder
		out, err := command.CombinedOutput()
		return string(out), err
	}
	if _, err := run("ls"); err == nil {
		return
	}
	out, err := run("ci", "--no-audit", "--no-fund")
	switch {
	case err == nil:
	case noRegistry.MatchString(out):
		testenv.Missing(t, "an npm registry", "connect to one, or name one with npm config set registry, for "+folder)
	default:
		t.Fatalf("npm ci in %s: %v\n%s", folder, err, out)
	}
}

// noRegistry matches what npm says when nobody answers: a name that does not resolve, a connection that is not made.
var noRegistry = regexp.MustCompile(
	`code (ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTCACHED|ERR_SOCKET_TIMEOUT)`)

// TestFrontEnds_PersistedQueriesFallBack: the links of Apollo Client 3 and 4 and urql's exchange send hashes first, and
// send the document once the server does not know hashes. Then it is answered.
func TestFrontEnds_PersistedQueriesFallBack(t *testing.T) {
	s := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+dbtest.SQLite(t))
	eachFrontEnd(t, "persisted.mjs", func(*testing.T) []string { return []string{s.URL + "/graphql"} })
}

// TestFrontEnds_ToolsReadTheSchema: graphql-js builds and runs what introspection says, and so do mocks and code
// generators.
func TestFrontEnds_ToolsReadTheSchema(t *testing.T) {
	s := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+dbtest.SQLite(t))
	eachFrontEnd(t, "introspect.mjs", func(*testing.T) []string { return []string{s.URL} })
}

// TestFrontEnds_WalkThroughASessionInABrowser: from a page of another loopback origin, which nobody had to
// allow, Apollo Client 3 and 4, urql, their React hooks, graphql-request and Relay register, log in, read errors, refresh
// by cookie and log out in Chromium, with the headers that they and tracing libraries add.
func TestFrontEnds_WalkThroughASessionInABrowser(t *testing.T) {
	t.Parallel()
	needBrowser(t)
	eachFrontEnd(t, "browser.mjs", func(t *testing.T) []string {
		build := t.TempDir()
		page := httptest.NewServer(http.FileServer(http.Dir(filepath.Join(build, "page"))))
		t.Cleanup(page.Close)
		return []string{page.URL, servertest.Start(t).URL + "/graphql", build}
	})
}
