package authz_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/authz"
)

// directives starts every schema of this test. They are allowed in more places than they should be, so that the guard
// has to reject them there.
const directives = `
directive @auth(roles: [Role!], scopes: [String!], owner: Owner, maxAge: Int, mfa: Boolean, any: [AuthRule!])
  on OBJECT | FIELD_DEFINITION | ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION
  | INTERFACE | UNION | ENUM | ENUM_VALUE | SCALAR | INPUT_OBJECT
directive @public on OBJECT | FIELD_DEFINITION | ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION
directive @signsIn on OBJECT | FIELD_DEFINITION
input AuthRule { roles: [Role!] scopes: [String!] owner: Owner maxAge: Int mfa: Boolean }
enum Owner { SELF OTHER }
enum Role { USER ADMIN }
`

// TestNew_RejectsAnIncompletePolicy runs the cases of testdata/schema_errors.txtar.
func TestNew_RejectsAnIncompletePolicy(t *testing.T) {
	for _, c := range sections(t, "testdata/schema_errors.txtar", 50) {
		t.Run(c.Name, func(t *testing.T) {
			rejected, accepted, ok := strings.Cut(string(c.Data), "\naccepted:\n")
			head, rejected, ok2 := strings.Cut(rejected, "\n")
			coordinate, message, ok3 := strings.Cut(head, ": ")
			if !ok || !ok2 || !ok3 {
				t.Fatalf("not a case:\n%s", c.Data)
			}
			wantIssue(t, compileError(t, directives+rejected, schemaConfig), coordinate, message)
			if err := compileError(t, directives+accepted, schemaConfig); err != nil {
				t.Errorf("the positive control is rejected: %v", err)
			}
		})
	}
}

// wantIssue checks that a schema was rejected because of a place.
func wantIssue(t *testing.T, err *authz.SchemaError, coordinate, message string) {
	t.Helper()
	if err == nil || !slices.ContainsFunc(err.Issues, func(i authz.Issue) bool {
		return i.Coordinate == coordinate && strings.Contains(i.Message, message)
	}) {
		t.Errorf("want %s: … %s …\ngot %v", coordinate, message, err)
	}
}

func TestNew_RejectsDirectivesThatItDoesNotEnforce(t *testing.T) {
	const rest = ` input AuthRule { roles: [Role!] scopes: [String!] owner: Owner maxAge: Int plan: String }
		enum Owner { SELF } enum Role { ADMIN } type Query { a: Int @auth }`
	for name, c := range map[string]struct{ coordinate, message, sdl string }{
		"repeatable": {"@auth", "is repeatable", `directive @auth(roles: [Role!]) repeatable on FIELD_DEFINITION` + rest},
		"an unknown argument": {"@auth", "has an argument plan, which this guard does not know",
			`directive @auth(plan: String) on FIELD_DEFINITION` + rest},
		"a default": {"@auth", "has a default for roles, which this guard would not see",
			`directive @auth(roles: [Role!] = [ADMIN]) on FIELD_DEFINITION` + rest},
		"an unknown term of an alternative": {"Query.b", "has @auth(plan: …), which this guard does not know",
			`directive @auth(any: [AuthRule!]) on FIELD_DEFINITION
			extend type Query { b: Int @auth(any: [{plan: "gold"}]) }` + rest},
	} {
		t.Run(name, func(t *testing.T) {
			wantIssue(t, compileError(t, c.sdl, schemaConfig), c.coordinate, c.message)
		})
	}
	const control = `directive @auth(roles: [Role!]) on FIELD_DEFINITION` + rest
	if rejected := compileError(t, control, schemaConfig); rejected != nil {
		t.Errorf("the positive control is rejected: %v", rejected)
	}
}

func TestNew_RejectsAConfigThatDoesNotFitTheSchema(t *testing.T) {
	const sdl = directives + `type Query { a: Int @public } type Mutation { s: Int @public @signsIn }`
	config := schemaConfig()
	config.SignedIn = nil
	config.Owners["OWNR"] = config.Owners["SELF"]
	config.Objects = map[string]func(context.Context, string) (any, error){"Mutation.s(di:)": nil}
	rejected := compileError(t, sdl, func() authz.Config { return config })
	wantIssue(t, rejected, "Mutation.s", "Config.SignedIn is not set")
	wantIssue(t, rejected, "Config.Objects", "has a function for Mutation.s(di:), which is no ID with an owner rule")
	wantIssue(t, rejected, "Config.Owners", "names OWNR, which is not a value of enum Owner")
	_, err := authz.New(load(t, sdl), authz.Config{})
	if err == nil || !strings.Contains(err.Error(), "Config.Viewer is required") {
		t.Errorf("without a viewer: %v", err)
	}
	if rejected := compileError(t, sdl, schemaConfig); rejected != nil {
		t.Errorf("the positive control is rejected: %v", rejected)
	}
}

// TestNew_TakesRulesForGeneratedFields as federation adds them: they have no place for a directive.
func TestNew_TakesRulesForGeneratedFields(t *testing.T) {
	const federated = directives + `type Query { _entities(representations: [Int!]!): [_Entity]! _service: _Service! }
		type _Service { sdl: String } union _Entity = T type T @auth(owner: SELF) { b: Int c: Int @auth }`
	admin := authz.Rule{{Roles: []string{"ADMIN"}}}
	for name, c := range map[string]struct {
		rules               map[string]authz.Rule
		coordinate, message string
	}{
		"none":             {nil, "Query._entities", "does not say who may use it"},
		"open to a hole":   {map[string]authz.Rule{"Query._service": nil}, "_Service.sdl", "does not say so"},
		"an unknown role":  {map[string]authz.Rule{"Query._service": {{Roles: []string{"BOSS"}}}}, "Query._service", "names BOSS"},
		"an unknown owner": {map[string]authz.Rule{"Query._service": {{Owner: "BOSS"}}}, "Query._service", "names BOSS"},
		"an age below zero": {map[string]authz.Rule{"Query._service": {{MaxAge: -1}}}, "Query._service",
			"has a negative MaxAge in Config.Rules"},
		"no alternative": {map[string]authz.Rule{"Query._service": {}}, "Query._service", "without an alternative"},
		"an owner":       {map[string]authz.Rule{"Query._service": {{Owner: "SELF"}}}, "Query._service", "no object to own"},
		"a misspelt one": {map[string]authz.Rule{"Query.service": admin}, "Config.Rules", "Query.service, which is no field"},
		"a second rule":  {map[string]authz.Rule{"T.c": admin}, "T.c", "one in Config.Rules; remove"},
	} {
		t.Run(name, func(t *testing.T) {
			config := schemaConfig()
			config.Rules = c.rules
			wantIssue(t, compileError(t, federated, func() authz.Config { return config }), c.coordinate, c.message)
		})
	}
	config := schemaConfig()
	config.Owners["SELF"] = []authz.Owner{never.On("T")}
	config.Rules = map[string]authz.Rule{"Query._entities": {{}}, "Query._service": admin}
	guard, err := authz.New(load(t, federated), config)
	if err != nil {
		t.Fatalf("the positive control is rejected: %v", err)
	}
	got := map[string]string{}
	for _, a := range guard.Access() {
		got[a.Coordinate] = a.Who
	}
	for coordinate, want := range map[string]string{
		"Query._entities": "signed-in users", "Query._service": "ADMIN", "_Service.sdl": "ADMIN", "T.b": "SELF",
	} {
		if got[coordinate] != want {
			t.Errorf("%s is for %s, want %s", coordinate, got[coordinate], want)
		}
	}
}

func TestNew_RejectsMoreAtomsThanFit(t *testing.T) {
	schema := func(n int) string {
		var b strings.Builder
		b.WriteString(directives + "type Query {")
		for i := range n {
			b.WriteString(" f" + strings.Repeat("x", i) + `: Int @auth(scopes: ["s` + strings.Repeat("x", i) + `"])`)
		}
		return b.String() + "}"
	}
	if rejected := compileError(t, schema(127), schemaConfig); rejected != nil {
		t.Errorf("127 scopes and being signed in are 128: %v", rejected)
	}
	rejected := compileError(t, schema(128), schemaConfig)
	if rejected == nil || !strings.Contains(rejected.Error(), "more than 128 different") {
		t.Errorf("128 scopes: %v", rejected)
	}
}

func TestSchemaError_ListsEveryIssueInOrder(t *testing.T) {
	rejected := compileError(t, directives+`type Query { b: Int a: Int c(x: Int = 1 @auth): Int }`, schemaConfig)
	want := "the schema is not a complete access policy:\n  Query.a: does"
	if rejected == nil || len(rejected.Issues) != 4 || !strings.HasPrefix(rejected.Error(), want) {
		t.Errorf("got %v", rejected)
	}
}

func schemaConfig() authz.Config {
	return authz.Config{
		Viewer:   func(context.Context) (authz.Viewer, error) { return nil, nil },
		SignedIn: func(context.Context, any) (authz.Viewer, error) { return nil, nil },
		Owners:   map[string][]authz.Owner{"SELF": {never}},
	}
}

// never is a predicate for every type of a schema once compileError has named them.
var never = authz.OwnerOf(func(context.Context, authz.Viewer, *struct{}) (bool, error) { return false, nil })

func load(t testing.TB, sdl string) *ast.Schema {
	t.Helper()
	s, err := gqlparser.LoadSchema(&ast.Source{Input: sdl})
	if err != nil {
		t.Fatalf("not a schema: %v", err)
	}
	return s
}

// compileError compiles a schema and returns why it was rejected, or nil.
func compileError(t testing.TB, sdl string, config func() authz.Config) *authz.SchemaError {
	t.Helper()
	schema, c := load(t, sdl), config()
	if len(c.Owners["SELF"]) == 1 {
		c.Owners["SELF"] = []authz.Owner{never.On(slices.Collect(maps.Keys(schema.Types))...)}
	}
	_, err := authz.New(schema, c)
	var rejected *authz.SchemaError
	if err != nil && !errors.As(err, &rejected) {
		t.Fatal(err)
	}
	return rejected
}
