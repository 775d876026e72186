package authz_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/authz"
)

// vocabulary is what every schema of this test starts with. Its directives are allowed in more places than they should
// be, so that the guard is the one to refuse them there.
const vocabulary = `
directive @auth(roles: [Role!], scopes: [String!], owner: Owner, maxAge: Int, any: [AuthRule!])
  on OBJECT | FIELD_DEFINITION | ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION | INTERFACE | UNION | ENUM | ENUM_VALUE | SCALAR | INPUT_OBJECT
directive @public on OBJECT | FIELD_DEFINITION | ARGUMENT_DEFINITION
directive @signsIn on OBJECT | FIELD_DEFINITION
input AuthRule { roles: [Role!] scopes: [String!] owner: Owner maxAge: Int }
enum Owner { SELF OTHER }
enum Role { USER ADMIN }
`

// refusals are the smallest schemas that a sentence is about, each with a twin that is served.
var refusals = []struct{ name, coordinate, says, sdl, twin string }{
	{"a root field that says nothing", "Query.a", "does not say who may use it",
		`type Query { a: Int }`, `type Query { a: Int @public }`},
	{"a root field of a guarded root type that says nothing", "Query.a", "does not say who may use it",
		`type Query @auth { a: Int }`, `type Query @auth { a: Int @auth }`},
	{"a type that is open without a word", "T.b", "is open to everyone through Query.a → T.b",
		`type Query { a: T @public } type T { b: Int }`, `type Query { a: T @public } type T { b: Int @public }`},
	{"a type that is open through an interface", "T.id", "Query.a → T.id",
		`type Query { a: I @public } interface I { id: ID } type T implements I { id: ID }`,
		`type Query { a: I @public } interface I { id: ID } type T implements I @auth { id: ID }`},
	{"a type that is open through a union and another type", "U.c", "Query.a → T.u → U.c",
		`type Query { a: X @public } union X = T type T @public { u: U } type U { c: Int }`,
		`type Query { a: X @public } union X = T type T @public { u: U @auth } type U { c: Int }`},
	{"a type that is open through a field that is", "U.c", "Query.a → T.u → U.c",
		`type Query { a: T @public } type T { u: U @public } type U { c: Int }`,
		`type Query { a: T @public } type T { u: U @public } type U @public { c: Int }`},
	{"a hole behind a guard is none", "Query.b", "does not say",
		`type Query { a: T @auth b: Int } type T { c: Int }`, `type Query { a: T @auth } type T { c: Int }`},
	{"rule and openness at once", "Query.a", "is both @auth and @public",
		`type Query { a: Int @auth @public }`, `type Query { a: Int @auth }`},
	{"two rules on a type and its extension", "T", "has @auth 2 times",
		`type Query { a: T @auth } type T @auth { b: Int } extend type T @auth(roles: [ADMIN])`,
		`type Query { a: T @auth } type T { b: Int } extend type T @auth(roles: [ADMIN])`},
	{"an empty list of alternatives", "Query.a", "without an alternative",
		`type Query { a: Int @auth(any: []) }`, `type Query { a: Int @auth(any: [{}]) }`},
	{"an alternative that is none", "Query.a", "with null for an alternative",
		`type Query { a: Int @auth(any: [null]) }`, `type Query { a: Int @auth(any: {roles: [ADMIN]}) }`},
	{"alternatives beside arguments", "Query.a", "`any` and other arguments",
		`type Query { a: Int @auth(maxAge: 1, any: [{roles: [ADMIN]}]) }`,
		`type Query { a: Int @auth(any: [{maxAge: 1, roles: [ADMIN]}]) }`},
	{"an empty list of roles", "Query.a", "@auth(roles: …) without a value",
		`type Query { a: Int @auth(roles: []) }`, `type Query { a: Int @auth(roles: ADMIN) }`},
	{"no list of roles", "Query.a", "@auth(roles: …) without a value",
		`type Query { a: Int @auth(roles: null) }`, `type Query { a: Int @auth }`},
	{"an empty scope", "Query.a", "@auth(scopes: …) without a value",
		`type Query { a: Int @auth(scopes: [""]) }`, `type Query { a: Int @auth(scopes: ["x"]) }`},
	{"two scopes in one string", "Query.a", "a scope has no space in it",
		`type Query { a: Int @auth(scopes: ["x y"]) }`, `type Query { a: Int @auth(scopes: ["x", "y"]) }`},
	{"a role that is not in the enum", "Query.a", "names BOSS, which is not a value of enum Role",
		`type Query { a: Int @auth(roles: [BOSS]) }`, `type Query { a: Int @auth(roles: [ADMIN]) }`},
	{"an owner that is not in the enum", "T", "names HER, which is not a value of enum Owner",
		`type Query { a: T @public } type T @auth(owner: HER) { b: Int }`, `type Query { a: T @public } type T @auth(owner: SELF) { b: Int }`},
	{"an owner without a predicate", "T", "to which no Go predicate is bound",
		`type Query { a: T @public } type T @auth(owner: OTHER) { b: Int }`, `type Query { a: T @public } type T @auth(owner: SELF) { b: Int }`},
	{"an age of nothing", "Query.a", "@auth(maxAge: 0), which no caller can satisfy",
		`type Query { a: Int @auth(maxAge: 0) }`, `type Query { a: Int @auth(maxAge: 1) }`},
	{"an age before now", "Query.a", "@auth(maxAge: -5), which no caller can satisfy",
		`type Query { a: Int @auth(maxAge: -5) }`, `type Query { a: Int @auth(maxAge: 5) }`},
	{"an age that is no number", "Query.a", "@auth(maxAge: null), which no caller can satisfy",
		`type Query { a: Int @auth(maxAge: null) }`, `type Query { a: Int @auth(maxAge: 300) }`},
	{"a weaker alternative first", "Query.a", "redundant alternative 2 (role ADMIN and scope x): alternative 1 (role ADMIN) asks for no more",
		`type Query { a: Int @auth(any: [{roles: [ADMIN]}, {roles: [ADMIN], scopes: ["x"]}]) }`,
		`type Query { a: Int @auth(any: [{roles: [ADMIN]}, {scopes: ["x"]}]) }`},
	{"a weaker alternative last", "Query.a", ": alternative 2 (role ADMIN or USER) asks for no more",
		`type Query { a: Int @auth(any: [{roles: [ADMIN]}, {roles: [USER, ADMIN]}]) }`,
		`type Query { a: Int @auth(any: [{roles: [ADMIN], maxAge: 60}, {roles: [USER]}]) }`},
	{"a longer age beside a shorter", "Query.a", "redundant",
		`type Query { a: Int @auth(any: [{maxAge: 60}, {maxAge: 300}]) }`, `type Query { a: Int @auth(any: [{maxAge: 300}, {scopes: ["x"]}]) }`},
	{"an owner beside everyone who signed in", "T", "redundant",
		`type Query { a: T @public } type T @auth(any: [{owner: SELF}, {}]) { b: Int }`,
		`type Query { a: T @public } type T @auth(any: [{owner: SELF}, {roles: [ADMIN]}]) { b: Int }`},
	{"the same alternative twice", "Query.a", "redundant",
		`type Query { a: Int @auth(any: [{scopes: ["x"]}, {scopes: ["x"]}]) }`, `type Query { a: Int @auth(any: [{scopes: ["x"]}]) }`},
	{"an owner rule on a root type", "Query", "a root type has no object to own",
		`type Query @auth(owner: SELF) { a: Int @auth }`, `type Query @auth { a: Int @auth }`},
	{"an owner rule on a root field", "Query.a", "a root field has no object to own",
		`type Query { a: Int @auth(owner: SELF) }`, `type Query { a: Int @auth }`},
	{"an owner rule on a root field's argument", "Query.a(x:)", "there is no object to own here",
		`type Query { a(x: Int @auth(owner: SELF)): Int @public }`, `type Query { a(x: Int @auth): Int @public }`},
	{"an owner rule on an input field", "In.x", "there is no object to own here",
		`type Query { a(in: In): Int @public } input In { x: Int @auth(owner: SELF) }`,
		`type Query { a(in: In): Int @public } input In { x: Int @auth }`},
	{"an owner rule on an argument of an object's field", "Query.b", "does not say",
		`type Query { a: T @public b: Int } type T @public { c(x: Int @auth(owner: SELF)): Int }`,
		`type Query { a: T @public } type T @public { c(x: Int @auth(owner: SELF)): Int }`},
	{"a default on a guarded argument", "Query.a(x:)", "has an access rule and a default value",
		`type Query { a(x: Int = 1 @auth): Int @public }`, `type Query { a(x: Int @auth): Int @public }`},
	{"a default on a guarded input field", "In.x", "has an access rule and a default value",
		`type Query { a(in: In): Int @public } input In { x: Int = 1 @auth }`, `type Query { a(in: In): Int @public } input In { x: Int @auth, y: Int = 1 }`},
	{"a default around a guarded input field", "Query.a(in:)", "has a default value that sets In.x",
		`type Query { a(in: [In!] = [{x: 1}]): Int @public } input In { x: Int @auth y: Int }`,
		`type Query { a(in: [In!] = [{y: 1}]): Int @public } input In { x: Int @auth y: Int }`},
	{"a default of an input field around a guarded one", "Out.in", "has a default value that sets In.x",
		`type Query { a(out: Out): Int @public } input Out { in: In = {in: {x: 1}} } input In { x: Int @auth in: In }`,
		`type Query { a(out: Out): Int @public } input Out { in: In = {in: {}} } input In { x: Int @auth in: In }`},
	{"a sign-in that is not open", "Mutation.s", "only a @public field of the mutation type can be",
		`type Query { a: Int @public } type Mutation { s: Int @auth @signsIn }`, `type Query { a: Int @public } type Mutation { s: Int @public @signsIn }`},
	{"a sign-in that is a query", "Query.a", "only a @public field of the mutation type can be",
		`type Query { a: Int @public @signsIn }`, `type Query { a: Int @public }`},
	{"a sign-in on a type", "Session", "has @signsIn, but on a type nothing enforces it",
		`type Query { a: Int @public } type Mutation { s: Session @public } type Session @public @signsIn { b: Int }`,
		`type Query { a: Int @public } type Mutation { s: Session @public @signsIn } type Session @public { b: Int }`},
	{"openness on an argument", "Query.a(x:)", "has @public, but on an argument or input field",
		`type Query { a(x: Int @public): Int @public }`, `type Query { a(x: Int): Int @public }`},
	{"a rule on an interface", "I", "has @auth, but on an interface nothing enforces it",
		`type Query { a: I @public } interface I @auth { id: ID } type T implements I @auth { id: ID }`,
		`type Query { a: I @public } interface I { id: ID } type T implements I @auth { id: ID }`},
	{"a rule on an interface's field", "I.id", "has @auth, but on a field of an interface nothing enforces it",
		`type Query { a: I @public } interface I { id: ID @auth } type T implements I @public { id: ID }`,
		`type Query { a: I @public } interface I { id: ID } type T implements I @public { id: ID @auth }`},
	{"openness on an interface's field", "I.id", "has @public, but on a field of an interface",
		`type Query { a: I @public } interface I { id: ID @public } type T implements I @public { id: ID }`,
		`type Query { a: I @public } interface I { id: ID } type T implements I @public { id: ID }`},
	{"a rule on an argument of an interface's field", "I.f(x:)", "on an argument of an interface",
		`type Query { a: I @public } interface I { f(x: Int @auth): Int } type T implements I @public { f(x: Int): Int }`,
		`type Query { a: I @public } interface I { f(x: Int): Int } type T implements I @public { f(x: Int @auth): Int }`},
	{"a rule on a union", "X", "has @auth, but on a union nothing enforces it",
		`type Query { a: X @public } union X @auth = T type T @auth { b: Int }`, `type Query { a: X @public } union X = T type T @auth { b: Int }`},
	{"a rule on an enum", "E", "has @auth, but on an enum nothing enforces it",
		`type Query { a: E @public } enum E @auth { ONE }`, `type Query { a: E @auth } enum E { ONE }`},
	{"a rule on an enum's value", "E.ONE", "has @auth, but on an enum value nothing enforces it",
		`type Query { a: E @public } enum E { ONE @auth }`, `type Query { a: E @auth } enum E { ONE }`},
	{"a rule on a scalar", "S", "has @auth, but on a scalar nothing enforces it",
		`type Query { a: S @public } scalar S @auth`, `type Query { a: S @auth } scalar S`},
	{"a rule on an input type", "In", "has @auth, but on an input type nothing enforces it",
		`type Query { a(in: In): Int @public } input In @auth { x: Int }`, `type Query { a(in: In): Int @public } input In { x: Int @auth }`},
	{"a rule on a directive's argument", "@d(x:)", "on a directive's argument nothing enforces it",
		`directive @d(x: Int @auth) on FIELD type Query { a: Int @public }`, `directive @d(x: Int) on FIELD type Query { a: Int @public }`},
}

func TestNew_RejectsAnIncompletePolicy(t *testing.T) {
	for _, c := range refusals {
		t.Run(c.name, func(t *testing.T) {
			refused := refusal(t, vocabulary+c.sdl, configFor)
			if refused == nil {
				t.Fatal("the schema is served")
			}
			found := false
			for _, f := range refused.Issues {
				found = found || f.Coordinate == c.coordinate && strings.Contains(f.Message, c.says)
			}
			if !found {
				t.Errorf("want %s: … %s …\ngot %v", c.coordinate, c.says, refused)
			}
			if refused := refusal(t, vocabulary+c.twin, configFor); refused != nil {
				t.Errorf("the twin is refused: %v", refused)
			}
		})
	}
}

func TestNew_RejectsDirectivesThatItDoesNotEnforce(t *testing.T) {
	const rest = ` input AuthRule { roles: [Role!] scopes: [String!] owner: Owner maxAge: Int plan: String }
		enum Owner { SELF } enum Role { ADMIN } type Query { a: Int @auth }`
	for name, c := range map[string]struct{ coordinate, says, sdl string }{
		"repeatable": {"@auth", "is repeatable", `directive @auth(roles: [Role!]) repeatable on FIELD_DEFINITION` + rest},
		"an unknown argument": {"@auth", "has an argument plan, which this guard does not know",
			`directive @auth(plan: String) on FIELD_DEFINITION` + rest},
		"a default": {"@auth", "has a default for roles, which this guard would not see",
			`directive @auth(roles: [Role!] = [ADMIN]) on FIELD_DEFINITION` + rest},
		"an unknown term of an alternative": {"Query.b", "has @auth(plan: …), which this guard does not know",
			`directive @auth(any: [AuthRule!]) on FIELD_DEFINITION extend type Query { b: Int @auth(any: [{plan: "gold"}]) }` + rest},
	} {
		t.Run(name, func(t *testing.T) {
			refused := refusal(t, c.sdl, configFor)
			if refused == nil || refused.Issues[0].Coordinate != c.coordinate || !strings.Contains(refused.Issues[0].Message, c.says) {
				t.Errorf("want %s: … %s …, got %v", c.coordinate, c.says, refused)
			}
		})
	}
	if refused := refusal(t, `directive @auth(roles: [Role!]) on FIELD_DEFINITION`+rest, configFor); refused != nil {
		t.Errorf("the twin is refused: %v", refused)
	}
}

func TestNew_RejectsAConfigThatDoesNotFitTheSchema(t *testing.T) {
	const sdl = vocabulary + `type Query { a: Int @public } type Mutation { s: Int @public @signsIn }`
	tests := map[string]struct {
		says   string
		change func(*authz.Config)
	}{
		"nobody to sign in": {"Config.SignedIn is not set", func(c *authz.Config) { c.SignedIn = nil }},
		"a predicate too many": {"Config.Owners: names SELFF, which is not a value of enum Owner", func(c *authz.Config) {
			c.Owners = map[string]authz.Owner{"SELFF": c.Owners["SELF"]}
		}},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			refused := refusal(t, sdl, func() authz.Config { config := configFor(); c.change(&config); return config })
			if refused == nil || !strings.Contains(refused.Error(), c.says) {
				t.Errorf("want … %s …, got %v", c.says, refused)
			}
		})
	}
	if _, err := authz.New(load(t, sdl), authz.Config{}); err == nil || !strings.Contains(err.Error(), "Config.Viewer is required") {
		t.Errorf("without a viewer: %v", err)
	}
	if refused := refusal(t, sdl, configFor); refused != nil {
		t.Errorf("the twin is refused: %v", refused)
	}
}

func TestNew_RejectsMoreAtomsThanFit(t *testing.T) {
	schema := func(n int) string {
		var b strings.Builder
		b.WriteString(vocabulary + "type Query {")
		for i := range n {
			b.WriteString(" f" + strings.Repeat("x", i) + `: Int @auth(scopes: ["s` + strings.Repeat("x", i) + `"])`)
		}
		return b.String() + "}"
	}
	if refused := refusal(t, schema(127), configFor); refused != nil {
		t.Errorf("127 scopes and being signed in are 128: %v", refused)
	}
	if refused := refusal(t, schema(128), configFor); refused == nil || !strings.Contains(refused.Error(), "more than 128 different") {
		t.Errorf("128 scopes: %v", refused)
	}
}

func TestSchemaError_ListsEveryIssueInOrder(t *testing.T) {
	refused := refusal(t, vocabulary+`type Query { b: Int a: Int c(x: Int = 1 @auth): Int }`, configFor)
	want := "the schema is not a complete access policy:\n  Query.a: does"
	if refused == nil || len(refused.Issues) != 4 || !strings.HasPrefix(refused.Error(), want) {
		t.Errorf("got %v", refused)
	}
}

func configFor() authz.Config {
	return authz.Config{
		Viewer:   func(context.Context) authz.Viewer { return nil },
		SignedIn: func(context.Context, any) authz.Viewer { return nil },
		Owners:   map[string]authz.Owner{"SELF": func(context.Context, authz.Viewer, any) (bool, error) { return false, nil }},
	}
}

func load(t testing.TB, sdl string) *ast.Schema {
	t.Helper()
	s, err := gqlparser.LoadSchema(&ast.Source{Input: sdl})
	if err != nil {
		t.Fatalf("not a schema: %v", err)
	}
	return s
}

// refusal compiles a schema and returns why it was refused, or nil.
func refusal(t testing.TB, sdl string, config func() authz.Config) *authz.SchemaError {
	t.Helper()
	_, err := authz.New(load(t, sdl), config())
	var refused *authz.SchemaError
	if err != nil && !errors.As(err, &refused) {
		t.Fatal(err)
	}
	return refused
}
