package repo

import (
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/authz"
	"github.com/gatehouse/gatehouse/graph"
	"github.com/gatehouse/gatehouse/internal/cli"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

func TestAccessTable_IsWhatTheSchemaSays(t *testing.T) {
	testenv.Equal(t, servertest.ReadFile(t, "ACCESS.md"), access(t),
		"ACCESS.md and what schema.graphql grants; look at what a change opens, then run make gen")
}

func TestAccessTable_IsThereForMachines(t *testing.T) {
	table := accessTable(t)
	want := authz.Access{Coordinate: "Query.me", Who: "signed-in users", Public: true, Rules: []authz.Rule{{{}}}}
	testenv.Equal(t, want, table[0], "the first line")
}

// TestAccessTable_WideningFailsWithTheCoordinates checks the schema against a table that granted less, and against its
// own.
func TestAccessTable_WideningFailsWithTheCoordinates(t *testing.T) {
	table := accessTable(t)
	for i := range table {
		if table[i].Coordinate == "Mutation.suspendUser" {
			table[i].Rules[0][0].MaxAge = 60 // it asked for a recent proof once
		}
	}
	table = slices.DeleteFunc(table, func(a authz.Access) bool { return a.Coordinate == "User.sessions" })
	check := func(table string) servertest.Output {
		return servertest.Command(t, nil, "", "access", "--check", servertest.WriteFile(t, table))
	}
	o := check(servertest.JSON(table))
	if o.Code != cli.ExitFailed || !strings.Contains(o.Stdout, "Mutation.suspendUser: administrators") ||
		!strings.Contains(o.Stdout, "User.sessions: ") ||
		strings.Count(o.Stdout, "\n") != 2 || !strings.Contains(o.Stderr, "places: 2") {
		t.Errorf("%+v", o)
	}
	if o := check(access(t, "--json")); o.Code != cli.ExitDone {
		t.Errorf("its own table: %+v", o)
	}
	if o := check("# ACCESS"); o.Code != cli.ExitFailed || !strings.Contains(o.Stderr, "--json") {
		t.Errorf("a file that is no table: %+v", o)
	}
}

func access(t *testing.T, args ...string) string {
	t.Helper()
	o := servertest.Command(t, nil, "", append([]string{"access"}, args...)...)
	if o.Code != cli.ExitDone {
		t.Fatalf("%+v", o)
	}
	return o.Stdout
}

func accessTable(t *testing.T) (table []authz.Access) {
	t.Helper()
	servertest.Check(t, json.Unmarshal([]byte(access(t, "--json")), &table))
	return table
}

// TestSchema_NeedsEveryRule takes each @auth of schema.graphql away in turn: the start is refused, or the access
// table is wider, and so ACCESS.md differs.
func TestSchema_NeedsEveryRule(t *testing.T) {
	sdl := servertest.ReadFile(t, "schema.graphql")
	guard := func(sdl string) (*authz.Guard, error) {
		schema, err := gqlparser.LoadSchema(&ast.Source{Input: sdl})
		if err != nil {
			t.Fatal(err)
		}
		return graph.NewGuard(schema, graph.GuardConfig{})
	}
	whole, err := guard(sdl)
	servertest.Check(t, err)
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
		if err != nil && !(errors.As(err, &refusal) && strings.Contains(err.Error(), "does not say who")) {
			t.Errorf("schema.graphql:%d: %v", line, err)
		}
	}
}

// TestSchema_ShowsEveryRule asks a running server's introspection for the descriptions, and for its SDL.
func TestSchema_ShowsEveryRule(t *testing.T) {
	s := servertest.Start(t)
	body := s.Must("",
		`{ __type(name: "User") { fields { name description } } __schema { mutationType { fields { description } } } }`)
	for _, want := range []string{`Access: administrators, or yourself.`, `Access: everyone.`,
		`Access: administrators who authenticated in the last 300 s.`} {
		if !body.Has(want) {
			t.Errorf("no description says %q", want)
		}
	}
	if a := s.Get("/schema.graphql"); a.Status != 200 || a.Body != servertest.ReadFile(t, "schema.graphql") {
		t.Errorf("/schema.graphql: %d, and not the file with every rule on it", a.Status)
	}
}
