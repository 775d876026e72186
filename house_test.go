package main

import (
	"encoding/json"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/gatehouse/gatehouse"

// house says which of our packages each package may import. An arrow that is not here is not drawn.
var house = map[string][]string{
	"authz":                         {},
	"ent":                           {},
	"verify":                        {"internal/bearer", "internal/token"},
	"web":                           {},
	"examples/guard":                {"authz"},
	"examples/guard/graph":          {},
	"examples/service":              {"verify"},
	"internal/bearer":               {},
	"internal/problem":              {},
	"internal/bench":                {"internal/database", "internal/pgtemp", "internal/password"},
	"internal/testenv":              {},
	"internal/config":               {},
	"internal/password":             {},
	"internal/password/hashworker":  {"internal/password"},
	"internal/token":                {"internal/strictjson"},
	"internal/strictjson":           {},
	"internal/viewer":               {"internal/bearer", "internal/token"},
	"internal/revocationfeed":       {"internal/accounts", "internal/bearer"},
	"internal/database":             {"ent"},
	"internal/pgtemp":               {},
	"internal/dbtest":               {"internal/pgtemp", "internal/testenv"},
	"internal/database/migratediff": {"ent", "internal/database", "internal/pgtemp"},
	"internal/accounts":             {"ent", "internal/token", "internal/password", "internal/viewer", "internal/problem"},
	"graph/model":                   {"internal/accounts"},
	"internal/logging":              {"internal/requestid"},
	"internal/requestid":            {},
	"internal/httpserver":           {},
	"internal/cli": {"internal/server", "internal/accounts", "authz", "graph", "internal/config", "internal/database",
		"internal/password/hashworker", "internal/problem", "internal/logging"},
	"internal/server": {"internal/problem", "authz", "graph", "internal/graphqlhttp", "internal/querylimit", "internal/accounts", "internal/config", "internal/database", "internal/revocationfeed",
		"internal/httpserver", "internal/metrics", "internal/password", "internal/requestid", "internal/token", "internal/tracing",
		"internal/viewer", "web"},
	"graph":                {"authz", "internal/accounts", "internal/viewer", "internal/problem", "internal/graphqlhttp", "internal/querylimit", "graph/model"},
	"internal/graphqlhttp": {"internal/requestid", "internal/problem", "internal/querylimit", "internal/strictjson"},
	"internal/querylimit":  {"internal/problem"},
	"internal/graphqltest": {},
	"internal/metrics":     {"internal/graphqlhttp", "authz", "internal/accounts", "internal/token"},
	"internal/tracing":     {"internal/problem", "internal/requestid"},
}

// forbidden are packages of others that a room must not know.
var forbidden = map[string][]string{
	"authz":             {"database/sql", "net/http", "github.com/golang-jwt/jwt/v5"},
	"internal/bearer":   {"database/sql", "github.com/99designs/gqlgen", "github.com/golang-jwt/jwt/v5"},
	"internal/accounts": {"net/http", "os", "github.com/99designs/gqlgen", "github.com/vektah/gqlparser"},
	"internal/token":    {"net/http", "database/sql", "github.com/99designs/gqlgen"},
	"internal/password": {"net/http", "database/sql", "github.com/99designs/gqlgen"},
	"internal/viewer":   {"database/sql", "github.com/99designs/gqlgen"},
	"internal/problem":  {"net/http", "database/sql", "github.com/99designs/gqlgen", "github.com/vektah/gqlparser"},
	"verify":            {"database/sql", "github.com/99designs/gqlgen", "github.com/golang-jwt/jwt/v5"},
	"graph":             {"database/sql", "entgo.io/ent", "golang.org/x/crypto"},
}

// only are packages of others that one room alone knows, main included.
var only = map[string]string{
	"github.com/prometheus": "internal/metrics",
	"go.opentelemetry.io":   "internal/tracing",
}

func TestWhoeverWatchesIsKnownToOneRoomOnly(t *testing.T) {
	for _, p := range packages(t) {
		for _, i := range p.Imports {
			for path, room := range only {
				if within(i, []string{path}) && p.ImportPath != module+"/"+room {
					t.Errorf("%s imports %s, which is for %s only", p.ImportPath, i, room)
				}
			}
		}
	}
}

func TestArrowsRunOneWay(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		if p.ImportPath == module {
			continue
		}
		room := name
		if name == "ent" || strings.HasPrefix(name, "ent/") {
			room = "ent"
		}
		allowed, known := house[room]
		if !known {
			t.Errorf("package %s is not in the house: add it to the table in house_test.go, and say what it may import", name)
		}
		for _, i := range p.Imports {
			ours, isOurs := strings.CutPrefix(i, module+"/")
			if isOurs && ours != room && !strings.HasPrefix(ours, room+"/") && !within(ours, allowed) {
				t.Errorf("%s imports %s, which house.md does not allow", name, ours)
			}
			if !isOurs && within(i, forbidden[room]) {
				t.Errorf("%s imports %s, of which it must not know", name, i)
			}
		}
	}
}

// TestGraphHoldsNoPathToTables holds that nothing graph imports directly is generated by Ent: a password hash cannot be
// bound to a field, because no type that has one is in reach.
func TestGraphHoldsNoPathToTables(t *testing.T) {
	bound := "\nautobind: [github.com/gatehouse/gatehouse/internal/accounts]\n"
	if text := read(t, "gqlgen.yml"); strings.Count(text, "autobind") != 1 || !strings.Contains(text, bound) {
		t.Error("gqlgen.yml binds types of another package than internal/accounts by name: a field could reach a column")
	}
}

func within(path string, folders []string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return path == f || strings.HasPrefix(path, f+"/") })
}

type goPackage struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []goPackage
	d := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p goPackage
		if err := d.Decode(&p); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}
