package e2e

import (
	"os/exec"
	"path"
	"testing"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
)

// frontEnds are the folders of unmodified client libraries, one for each version of graphql-js.
var frontEnds = []string{"test/e2e/clients/graphql16", "test/e2e/clients/graphql17"}

// eachFrontEnd runs a program of test/e2e/clients with the packages of each folder.
func eachFrontEnd(t *testing.T, program string, args ...string) {
	t.Helper()
	servertest.NeedProgram(t, "npm", "install Node.js 20 or newer")
	for _, folder := range frontEnds {
		t.Run(path.Base(folder), func(t *testing.T) {
			installed := exec.CommandContext(t.Context(), "npm", "ls")
			if installed.Dir = folder; installed.Run() != nil {
				servertest.Execute(t, folder, "npm", "ci")
			}
			args := append([]string{"test/e2e/clients/" + program, folder}, args...)
			t.Log(servertest.Execute(t, ".", "node", args...))
		})
	}
}

// TestFrontEnds_PersistedQueriesFallBack: the links of Apollo Client 3 and 4 and urql's exchange send hashes first, and
// send the document once the server does not know hashes. Then it is answered.
func TestFrontEnds_PersistedQueriesFallBack(t *testing.T) {
	s := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+dbtest.SQLite(t))
	eachFrontEnd(t, "persisted.mjs", s.URL+"/graphql")
}

// TestFrontEnds_ToolsReadTheSchema: graphql-js builds and runs what introspection says, and so do mocks and code
// generators.
func TestFrontEnds_ToolsReadTheSchema(t *testing.T) {
	s := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+dbtest.SQLite(t))
	eachFrontEnd(t, "introspect.mjs", s.URL)
}
