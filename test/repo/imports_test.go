package repo

import (
	"encoding/json"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse/gatehouse/internal/servertest"
)

const module = "github.com/gatehouse/gatehouse"

// imports has a row for each of our packages: those of ours that it imports, exactly. A new package gets its row with
// its first commit. All of ent is one row.
var imports = map[string]string{
	"server.go":  "internal/cli",
	"authz":      "",
	"clients/go": "",
	"ent":        "",
	"graph": "authz graph/model internal/accounts internal/graphqlhttp internal/problem internal/querylimit " +
		"internal/viewer",
	"graph/model": "internal/accounts",
	"verify":      "internal/bearer internal/token",
	"web":         "",
	"internal/accounts": "ent internal/bytecache internal/fairqueue internal/passkey internal/password internal/problem " +
		"internal/requestid internal/token internal/totp internal/viewer",
	"internal/bearer":    "",
	"internal/bench":     "internal/bench/baregqlgen internal/password internal/pgtemp",
	"internal/bytecache": "",
	"internal/cli": "authz graph internal/accounts internal/config internal/database internal/logging " +
		"internal/outbox internal/password/hashworker internal/problem internal/server",
	"internal/bench/baregqlgen":     "",
	"internal/config":               "",
	"internal/database":             "ent internal/fairqueue",
	"internal/database/migratediff": "ent internal/pgtemp",
	"internal/dbtest":               "internal/pgtemp internal/testenv",
	"internal/fairqueue":            "",
	"internal/graphqlhttp":          "internal/fairqueue internal/problem internal/querylimit internal/requestid internal/strictjson",
	"internal/graphqltest":          "",
	"internal/httpserver":           "internal/fairqueue",
	"internal/introspection":        "internal/accounts internal/bearer internal/requestid",
	"internal/logging":              "internal/requestid",
	"internal/mail":                 "",
	"internal/metrics": "authz internal/accounts internal/fairqueue internal/graphqlhttp internal/httpserver internal/logging " +
		"internal/outbox internal/token",
	"internal/outbox":              "ent",
	"internal/passkey":             "",
	"internal/passkey/passkeytest": "",
	"internal/password":            "internal/fairqueue",
	"internal/password/hashworker": "internal/password",
	"internal/pgtemp":              "",
	"internal/problem":             "",
	"internal/querylimit":          "internal/problem",
	"internal/requestid":           "",
	"internal/revocationfeed":      "internal/accounts internal/bearer internal/requestid",
	"internal/server": "authz graph internal/accounts internal/config internal/database internal/graphqlhttp " +
		"internal/httpserver internal/introspection internal/logging internal/mail internal/metrics internal/outbox " +
		"internal/passkey internal/password internal/password/hashworker " +
		"internal/problem internal/querylimit internal/revocationfeed internal/token " +
		"internal/tracing internal/viewer web",
	"internal/servertest":  "internal/cli internal/dbtest internal/passkey/passkeytest internal/testenv internal/totp verify",
	"internal/strictjson":  "",
	"internal/testenv":     "",
	"internal/token":       "internal/bytecache internal/strictjson",
	"internal/totp":        "",
	"internal/tracing":     "internal/problem internal/requestid",
	"internal/viewer":      "internal/bearer internal/token",
	"examples/guard":       "authz examples/guard/graph verify",
	"examples/guard/graph": "",
	"examples/service":     "verify",
	"test/abuse":           "",
	"test/e2e":             "",
	"test/faults":          "",
	"test/repo":            "",
}

// forbidden are packages of others that a package of ours must not import.
var forbidden = map[string][]string{
	"authz":               {"database/sql", "net/http", "github.com/golang-jwt/jwt/v5"},
	"internal/bearer":     {"database/sql", "github.com/99designs/gqlgen", "github.com/golang-jwt/jwt/v5"},
	"internal/accounts":   {"net/http", "os", "github.com/99designs/gqlgen", "github.com/vektah/gqlparser"},
	"internal/token":      {"net/http", "database/sql", "github.com/99designs/gqlgen"},
	"internal/password":   {"net/http", "database/sql", "github.com/99designs/gqlgen"},
	"internal/viewer":     {"database/sql", "github.com/99designs/gqlgen"},
	"internal/problem":    {"net/http", "database/sql", "github.com/99designs/gqlgen", "github.com/vektah/gqlparser"},
	"internal/httpserver": {"database/sql", "github.com/99designs/gqlgen"},
	"internal/totp":       {"net/http", "database/sql", "github.com/99designs/gqlgen"},
	"internal/outbox":     {"net/http", "github.com/99designs/gqlgen"},
	"internal/passkey":    {"database/sql", "entgo.io/ent", "github.com/99designs/gqlgen"},
	"internal/logging":    {"net/http", "database/sql", "github.com/99designs/gqlgen"},
	"internal/mail":       {"database/sql", "github.com/99designs/gqlgen"},
	"verify":              {"database/sql", "github.com/99designs/gqlgen"},
	"graph":               {"database/sql", "entgo.io/ent", "golang.org/x/crypto"},
}

// only are packages of others that one of ours alone imports; tests may.
var only = map[string]string{
	"github.com/prometheus":  "internal/metrics",
	"go.opentelemetry.io":    "internal/tracing",
	"github.com/wneessen":    "internal/mail",
	"github.com/go-webauthn": "internal/passkey",
	"github.com/spf13":       "internal/cli",
	"rsc.io":                 "internal/totp",
}

// testTools are packages for tests alone.
var testTools = []string{"internal/testenv", "internal/dbtest", "internal/servertest", "internal/graphqltest",
	"internal/passkey/passkeytest"}

// TestImports_AreExactlyThoseOfTheTable: an arrow that is not there fails, and so does one that no package draws.
func TestImports_AreExactlyThoseOfTheTable(t *testing.T) {
	drawn := map[string][]string{}
	for _, p := range packages(t) {
		row := rowOf(p.name())
		drawn[row] = append(drawn[row], "")
		for _, i := range p.Imports {
			if ours, ok := strings.CutPrefix(i, module+"/"); ok && rowOf(ours) != row {
				drawn[row] = append(drawn[row], rowOf(ours))
			}
		}
	}
	for row, draws := range drawn {
		slices.Sort(draws)
		want, ok := imports[row]
		if !ok {
			t.Errorf("package %s is not in the table: add it to test/repo/imports_test.go, with what it may import", row)
		}
		wanted := append([]string{""}, strings.Fields(want)...)
		slices.Sort(wanted)
		if diff := cmp.Diff(wanted, slices.Compact(draws)); diff != "" {
			t.Errorf("%s does not import what its row says (-may +does):\n%s", row, diff)
		}
	}
	for row := range imports {
		if drawn[row] == nil {
			t.Errorf("there is no package %s", row)
		}
	}
}

// rowOf returns the row of a package.
func rowOf(name string) string {
	if name == "ent" || strings.HasPrefix(name, "ent/") {
		return "ent"
	}
	return name
}

func TestImports_OfOthersAreWhereTheyBelong(t *testing.T) {
	for _, p := range packages(t) {
		name := p.name()
		for _, i := range p.Imports {
			if within(i, forbidden[name]) {
				t.Errorf("%s imports %s, of which it must not know", name, i)
			}
			for path, owner := range only {
				if within(i, []string{path}) && name != owner && !slices.Contains(testTools, name) {
					t.Errorf("%s imports %s, which is for %s only", name, i, owner)
				}
			}
			if ours := strings.TrimPrefix(i, module+"/"); slices.Contains(testTools, ours) && !slices.Contains(testTools, name) {
				t.Errorf("%s imports %s, which is for tests", name, ours)
			}
		}
	}
}

// TestRoot_HasOneGoFile: server.go, which is main alone.
func TestRoot_HasOneGoFile(t *testing.T) {
	var root []string
	for _, name := range tracked(t, "*.go") {
		if !strings.Contains(name, "/") {
			root = append(root, name)
		}
	}
	if !slices.Equal(root, []string{"server.go"}) {
		t.Errorf("Go files in the root: %q, want server.go alone", root)
	}
}

// TestGraph_BindsTypesOfAccountsOnly: a password hash cannot be bound to a field, because no type that has one is in
// reach.
func TestGraph_BindsTypesOfAccountsOnly(t *testing.T) {
	bound := "\nautobind: [github.com/gatehouse/gatehouse/internal/accounts]\n"
	if text := servertest.ReadFile(t, "gqlgen.yml"); strings.Count(text, "autobind") != 1 ||
		!strings.Contains(text, bound) {
		t.Error("gqlgen.yml binds types of another package than internal/accounts by name: a field could reach a column")
	}
}

// TestBlackBoxTests_StartTheProgramThroughServertest: the tests in test/ have one client, one process and one proxy.
func TestBlackBoxTests_StartTheProgramThroughServertest(t *testing.T) {
	for _, name := range tracked(t, "test/*_test.go") {
		text := servertest.ReadFile(t, name)
		for _, forbidden := range []string{"http.Client" + "{", "http.Default" + "Client", "http.New" + "Request", "cli" +
			".Run(", "type " + "client ", "type " + "process ", "type " + "proxy "} {
			if strings.Contains(text, forbidden) {
				t.Errorf("%s: %s; use servertest", name, forbidden)
			}
		}
	}
}

func within(path string, folders []string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return path == f || strings.HasPrefix(path, f+"/") })
}

type goPackage struct {
	ImportPath string
	Imports    []string
}

// name is the package's folder; main's is "server.go".
func (p goPackage) name() string {
	if p.ImportPath == module {
		return "server.go"
	}
	return strings.TrimPrefix(p.ImportPath, module+"/")
}

func packages(t *testing.T) (all []goPackage) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "./...").Output()
	servertest.Check(t, err)
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := d.Decode(&p); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}
