package graph

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

// Every audit of the GraphQL-over-HTTP specification passes. Those of variables ask for a __type, so the schema must
// be readable.
func TestGraphQLOverHTTP_AuditsPass(t *testing.T) {
	prepareAudit(t)
	server := httptest.NewServer(product(t, stub{}, readable))
	defer server.Close()
	out, err := exec.Command("node", "audit/audit.mjs", server.URL).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// prepareAudit installs the audits as the lock file has them, once.
func prepareAudit(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		testenv.Missing(t, "node", "install Node.js 20 or newer for the audits of GraphQL over HTTP")
	}
	if _, err := os.Stat("audit/node_modules/graphql-http/package.json"); err == nil {
		return
	}
	install := exec.Command("npm", "ci", "--ignore-scripts")
	install.Dir = "audit"
	if out, err := install.CombinedOutput(); err != nil {
		t.Logf("npm ci: %v\n%s", err, out)
		testenv.Missing(t, "graphql-http", "run `npm ci` in graph/audit; it needs a package registry")
	}
}
