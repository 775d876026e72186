package repo

import (
	"encoding/json"
	"errors"
	"maps"
	"reflect"
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
	want := authz.Access{Coordinate: "Query.me", Who: "signed-in users with scope account:read",
		States: `@auth(scopes: ["account:read"])`, Audience: []authz.Grant{{SignedIn: true, Scopes: []string{"account:read"}}}}
	testenv.Equal(t, want, table[0], "the first line")
}

// TestAccessTable_WideningFailsWithTheCoordinates checks the schema against a table that granted less, and against its
// own.
func TestAccessTable_WideningFailsWithTheCoordinates(t *testing.T) {
	table := accessTable(t)
	for i := range table {
		if table[i].Coordinate == "Mutation.suspendUser" {
			table[i].Audience[0].MaxAge = 60 // it asked for a recent proof once
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

// TestSchema_EveryChangeOfADirectiveShows changes the directives of schema.graphql one at a time: each is removed, and
// each is added to each place that takes it, or put in the place of another. The start is refused, or the access table
// differs, and so ACCESS.md. The lost rule of a type or field is
// a widening, which --check finds.
func TestSchema_EveryChangeOfADirectiveShows(t *testing.T) {
	sdl := servertest.ReadFile(t, "schema.graphql")
	table := func(schema *ast.Schema) ([]authz.Access, bool) {
		guard, err := graph.NewGuard(schema, graph.GuardConfig{})
		if _, refused := errors.AsType[*authz.SchemaError](err); err != nil && !refused {
			t.Fatal(err)
		}
		if err != nil {
			return nil, true
		}
		return guard.Access(), false
	}
	whole, _ := table(gqlparser.MustLoadSchema(&ast.Source{Input: sdl}))
	refused, shown := 0, 0
	for i := 0; ; i++ {
		schema := gqlparser.MustLoadSchema(&ast.Source{Input: sdl})
		change := changes(schema)
		if i == len(change) {
			break
		}
		change[i].apply()
		changed, ok := table(schema)
		switch {
		case ok:
			refused++
		case reflect.DeepEqual(whole, changed):
			t.Errorf("%s: neither a refusal nor a difference", change[i].what)
		case change[i].widens && len(authz.Widened(whole, changed)) == 0:
			t.Errorf("%s: nothing is wider", change[i].what)
		default:
			shown++
		}
	}
	t.Logf("%d changes are refused, %d shown", refused, shown)
	if refused < 100 || shown < 100 {
		t.Errorf("only %d changes are refused and %d shown", refused, shown)
	}
}

// directiveChange is one change of the directives of a place.
type directiveChange struct {
	what   string
	widens bool
	apply  func()
}

// changes lists every change of a schema's directives.
func changes(schema *ast.Schema) (all []directiveChange) {
	rules := gqlparser.MustLoadSchema(&ast.Source{Input: ruleSamples}).Types["Query"].Fields
	at := func(place string, list *ast.DirectiveList, location ast.DirectiveLocation) {
		widens := location == ast.LocationObject || location == ast.LocationFieldDefinition // others may stand behind another rule
		for i, d := range *list {
			if d.Name == "auth" || d.Name == "public" || d.Name == "signsIn" {
				all = append(all, directiveChange{place + " without @" + d.Name, widens && d.Name == "auth", func() {
					*list = slices.Delete(slices.Clone(*list), i, i+1)
				}})
			}
		}
		for _, f := range rules {
			if strings.HasPrefix(f.Name, "__") {
				continue
			}
			d := f.Directives[0]
			if !slices.Contains(schema.Directives[d.Name].Locations, location) || written(*list) == written(f.Directives) {
				continue
			}
			all = append(all, directiveChange{place + " with " + f.Name + " more", false, func() {
				*list = append(slices.Clone(*list), d)
			}})
			if len(*list) > 0 {
				all = append(all, directiveChange{place + " with " + f.Name + " instead", false, func() {
					*list = ast.DirectiveList{d}
				}})
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(schema.Types)) {
		def := schema.Types[name]
		if def.BuiltIn || name == "AuthRule" || def.Kind != ast.Object && def.Kind != ast.InputObject {
			continue
		}
		field := ast.LocationFieldDefinition
		if def.Kind == ast.Object {
			at(name, &def.Directives, ast.LocationObject)
		} else {
			field = ast.LocationInputFieldDefinition
		}
		for _, f := range def.Fields {
			if strings.HasPrefix(f.Name, "__") {
				continue
			}
			at(name+"."+f.Name, &f.Directives, field)
			for _, a := range f.Arguments {
				at(name+"."+f.Name+"("+a.Name+":)", &a.Directives, ast.LocationArgumentDefinition)
			}
		}
	}
	return all
}

func written(list ast.DirectiveList) string {
	var b strings.Builder
	for _, d := range list {
		b.WriteString(d.Name)
		for _, a := range d.Arguments {
			b.WriteString(a.Name + a.Value.String())
		}
	}
	return b.String()
}

// ruleSamples are the rules that changes adds: each is the directive of a field.
var ruleSamples = authz.Directives + `
enum Role { USER ADMIN }
enum Owner { SELF }
type Query {
  authSignedIn: Int @auth
  authUser: Int @auth(roles: [USER])
  authScope: Int @auth(scopes: ["x"])
  authOwner: Int @auth(owner: SELF)
  authAge: Int @auth(maxAge: 301)
  authMFA: Int @auth(mfa: true)
  public: Int @public
  signsIn: Int @signsIn
}`

// TestSchema_ShowsEveryRule asks a running server's introspection for the descriptions, and for its SDL.
func TestSchema_ShowsEveryRule(t *testing.T) {
	s := servertest.Start(t)
	body := s.Must("",
		`{ __type(name: "User") { fields { name description } } __schema { mutationType { fields { description } } } }`)
	for _, want := range []string{`Access: administrators with scope users:read, or yourself with scope account:read.`,
		`Access: everyone.`,
		`Access: administrators who authenticated in the last 300 s.`} {
		if !body.Has(want) {
			t.Errorf("no description says %q", want)
		}
	}
	if a := s.Get("/schema.graphql"); a.Status != 200 || a.Body != servertest.ReadFile(t, "schema.graphql") {
		t.Errorf("/schema.graphql: %d, and not the file with every rule on it", a.Status)
	}
}
