package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/authz"
	"github.com/gatehouse/gatehouse/graph"
	"github.com/gatehouse/gatehouse/internal/dbtest"
)

func TestAccessTableIsWhatTheSchemaSays(t *testing.T) {
	code, out, errs := command(t, nil, "access")
	if code != exitDone {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	if diff := cmp.Diff(read(t, "ACCESS.md"), out); diff != "" {
		t.Errorf("ACCESS.md is not what schema.graphql grants; look at what a change opens, then run make gen (-committed +schema):\n%s", diff)
	}
}

func TestAccessTableIsThereForMachines(t *testing.T) {
	code, out, errs := command(t, nil, "access", "--json")
	if code != exitDone {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	var table []authz.Access
	if err := json.Unmarshal([]byte(out), &table); err != nil {
		t.Fatal(err)
	}
	want := authz.Access{Coordinate: "Query.me", Who: "signed-in users", Public: true, Rules: []authz.Rule{{{}}}}
	if diff := cmp.Diff(want, table[0]); diff != "" {
		t.Errorf("the first line (-want +got):\n%s", diff)
	}
}

// TestWideningFailsWithTheCoordinates checks the schema against a table that granted less, and against its own.
func TestWideningFailsWithTheCoordinates(t *testing.T) {
	_, own, _ := command(t, nil, "access", "--json")
	var table []authz.Access
	if err := json.Unmarshal([]byte(own), &table); err != nil {
		t.Fatal(err)
	}
	for i := range table {
		if table[i].Coordinate == "Mutation.suspendUser" {
			table[i].Rules[0][0].MaxAge = 60 // it asked for a recent proof once
		}
	}
	table = slices.DeleteFunc(table, func(a authz.Access) bool { return a.Coordinate == "User.sessions" })
	stricter, err := json.Marshal(table)
	if err != nil {
		t.Fatal(err)
	}
	code, out, errs := command(t, nil, "access", "--check", write(t, string(stricter)))
	if code != exitFailed || !strings.Contains(out, "Mutation.suspendUser: administrators") || !strings.Contains(out, "User.sessions: ") ||
		strings.Count(out, "\n") != 2 || !strings.Contains(errs, "places: 2") {
		t.Errorf("exit code %d, out %q, errors %q", code, out, errs)
	}
	if code, _, errs := command(t, nil, "access", "--check", write(t, own)); code != exitDone {
		t.Errorf("its own table: exit code %d, %s", code, errs)
	}
	if code, _, errs := command(t, nil, "access", "--check", write(t, "# ACCESS")); code != exitFailed || !strings.Contains(errs, "--json") {
		t.Errorf("a file that is no table: exit code %d, %s", code, errs)
	}
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestEveryRuleOfTheSchemaIsNeeded takes each @auth of schema.graphql away in turn: the start is refused, or the access
// table is wider, and so ACCESS.md differs.
func TestEveryRuleOfTheSchemaIsNeeded(t *testing.T) {
	sdl := read(t, "schema.graphql")
	guard := func(sdl string) (*authz.Guard, error) {
		schema, err := gqlparser.LoadSchema(&ast.Source{Input: sdl})
		if err != nil {
			t.Fatal(err)
		}
		return graph.NewGuard(schema, graph.GuardConfig{})
	}
	whole, err := guard(sdl)
	if err != nil {
		t.Fatal(err)
	}
	rules := regexp.MustCompile(`[^e] @auth(\([^)]*\))?`).FindAllStringIndex(sdl, -1)
	if len(rules) < 15 {
		t.Fatalf("only %d rules were found", len(rules))
	}
	for _, at := range rules {
		line := 1 + strings.Count(sdl[:at[0]], "\n")
		less, err := guard(sdl[:at[0]+1] + sdl[at[1]:])
		if err == nil && len(authz.Widened(whole.Access(), less.Access())) == 0 {
			t.Errorf("schema.graphql:%d: without its rule nothing is wider", line)
		}
		var refusal *authz.SchemaError
		if err != nil && !errors.As(err, &refusal) {
			t.Errorf("schema.graphql:%d: %v", line, err)
		}
	}
}

// TestEveryRuleIsShown asks a running server's introspection for the descriptions, and for its SDL.
func TestEveryRuleIsShown(t *testing.T) {
	s := start(t, "GATEHOUSE_DATABASE_URL="+dbtest.SQLite(t))
	w := &stage{t: t, url: s.URL}
	body := w.must("", `{ __type(name: "User") { fields { name description } } __schema { mutationType { fields { description } } } }`)
	for _, want := range []string{`Access: administrators, or yourself.`, `Access: everyone.`, `Access: administrators who authenticated in the last 300 s.`} {
		if !strings.Contains(body, want) {
			t.Errorf("no description says %q", want)
		}
	}
	if status, sdl := get(t, s.URL+"/schema.graphql"); status != 200 || sdl != read(t, "schema.graphql") {
		t.Errorf("/schema.graphql: %d, and not the file with every rule on it", status)
	}
}
