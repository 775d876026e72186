package authz_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/authz"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

const accessSchema = directives + `
type Query {
  open: Open @public
  me: Person @auth
  "All people."
  people("Whose name begins so." begins: String @auth(roles: [ADMIN])): [Person]
    @auth(roles: [ADMIN, USER], maxAge: 300)
}
type Open @public { note: String author: Person }
type Person @auth(any: [{roles: [ADMIN]}, {owner: SELF}]) { name: String box: Box mail: String @auth(scopes: ["mail"]) }
type Box { size: Int }
input Filter { secret: String @auth(roles: [ADMIN]) plain: String }
extend type Query { find(filter: Filter): Int @auth }
type Mutation { enter: Open @public  close: Int @auth(roles: [ADMIN], mfa: true, maxAge: 300) }
type Till @auth(any: [{roles: [ADMIN], mfa: true}, {owner: SELF, mfa: true}]) {
  sum: Int  coins: Int @auth(scopes: ["mail"])  notes: Int @auth(mfa: true)
}
extend type Query { till: Till @auth }
`

func accessGuard(t *testing.T, sdl string) (*authz.Guard, *ast.Schema) {
	t.Helper()
	schema := load(t, sdl)
	guard := must(authz.New(schema, authz.Config{
		Viewer:   func(context.Context) (authz.Viewer, error) { return nil, nil },
		Owners:   map[string][]authz.Owner{"SELF": {never.On("Person", "Till")}},
		Labels:   map[string]string{"ADMIN": "administrators", "SELF": "yourself"},
		SignedIn: func(context.Context, any) (authz.Viewer, error) { return nil, nil },
	}))
	return guard, schema
}

func TestAccess_DescribesEachRule(t *testing.T) {
	guard, _ := accessGuard(t, accessSchema)
	got := map[string]string{}
	for _, a := range guard.Access() {
		if !a.Inherited {
			got[a.Coordinate] = a.Who
		}
	}
	want := map[string]string{
		"Query.open":            "everyone",
		"Query.me":              "signed-in users",
		"Query.people":          "administrators or USER who authenticated in the last 300 s",
		"Query.people(begins:)": "administrators who authenticated in the last 300 s",
		"Query.find":            "signed-in users",
		"Mutation.enter":        "everyone",
		"Open":                  "everyone",
		"Open.note":             "everyone",
		"Open.author":           "everyone",
		"Person":                "administrators, or yourself",
		"Person.name":           "administrators, or yourself",
		"Person.box":            "administrators, or yourself",
		"Person.mail": "administrators with scope mail whom no scopes restrict, " +
			"or yourself with scope mail whom no scopes restrict",
		"Box.size":       "administrators, or yourself",
		"Mutation.close": "administrators with a second factor who authenticated in the last 300 s",
		"Query.till":     "signed-in users",
		"Till":           "administrators with a second factor, or yourself with a second factor",
		"Till.sum":       "administrators with a second factor, or yourself with a second factor",
		"Till.notes":     "administrators with a second factor, or yourself with a second factor",
		"Till.coins": "administrators with a second factor and scope mail whom no scopes restrict, " +
			"or yourself with a second factor and scope mail whom no scopes restrict",
		"Filter.secret": "administrators",
	}
	testenv.Equal(t, want, got, "access")
}

func TestDescribe_WritesTheRuleBeforeEachDescription(t *testing.T) {
	guard, schema := accessGuard(t, accessSchema)
	guard.Describe()
	guard.Describe() // a second time changes nothing
	people := schema.Types["Query"].Fields.ForName("people")
	want := "Access: administrators or USER who authenticated in the last 300 s.\n\nAll people."
	testenv.Equal(t, want, people.Description, "field")
	if got, want := people.Arguments[0].Description, "Access: administrators who authenticated in the last 300 s.\n\nWhose name begins so."; got != want {
		t.Errorf("argument: %q, want %q", got, want)
	}
	if got, want := schema.Types["Filter"].Fields.ForName("secret").Description, "Access: administrators."; got != want {
		t.Errorf("input field: %q, want %q", got, want)
	}
}

func TestAccess_GrantsAPrincipalWhatTheRulesAllow(t *testing.T) {
	guard, _ := accessGuard(t, accessSchema)
	anonymous := authz.Principal{}
	user := authz.Principal{SignedIn: true}
	owner := authz.Principal{SignedIn: true, Owners: []string{"SELF"}}
	editor := authz.Principal{SignedIn: true, Roles: []string{"USER"}}
	fresh := authz.Principal{SignedIn: true, Roles: []string{"USER"}, Reauthenticated: true}
	proved := authz.Principal{SignedIn: true, Roles: []string{"ADMIN"}, Reauthenticated: true, MFA: true}
	mailer := authz.Principal{SignedIn: true, Roles: []string{"ADMIN"}, Scopes: []string{"mail"}}
	for coordinate, want := range map[string][]bool{
		//                       anon. user   owner  editor fresh  mailer proved
		"Query.open":            {true, true, true, true, true, true, true},
		"Query.me":              {false, true, true, true, true, true, true},
		"Query.people":          {false, false, false, false, true, false, true},
		"Query.people(begins:)": {false, false, false, false, false, false, true},
		"Open.note":             {true, true, true, true, true, true, true},
		"Person.name":           {false, false, true, false, false, true, true},
		"Person.mail":           {false, false, false, false, false, true, false},
		"Box.size":              {false, false, true, false, false, true, true},
		"Mutation.close":        {false, false, false, false, false, false, true},
		"Till.sum":              {false, false, false, false, false, false, true},
	} {
		for _, a := range guard.Access() {
			if a.Coordinate != coordinate {
				continue
			}
			for i, p := range []authz.Principal{anonymous, user, owner, editor, fresh, mailer, proved} {
				testenv.Equal(t, want[i], a.Grants(p), "%s for principal %d", coordinate, i)
			}
		}
	}
}

// TestWidened_ListsThePlacesThatAChangeOpens changes one rule at a time. Its control is the reverse change, which
// widens nothing.
func TestWidened_ListsThePlacesThatAChangeOpens(t *testing.T) {
	for name, c := range map[string]struct{ from, to, want string }{
		"no rule any more": {"me: Person @auth", "me: Person @public", "Query.me"},
		"another role":     {"roles: [ADMIN, USER], maxAge: 300", "roles: [ADMIN, USER]", "Query.people Query.people(begins:)"},
		"older proof":      {"maxAge: 300", "maxAge: 301", "Query.people Query.people(begins:)"},
		"no second factor": {"roles: [ADMIN], mfa: true, maxAge", "roles: [ADMIN], maxAge", "Mutation.close"},
		"no second factor of a type, for some": {"{owner: SELF, mfa: true}", "{owner: SELF}",
			"Till Till.coins Till.sum"},
		"another alternative": {"{owner: SELF}]", "{owner: SELF}, {roles: [USER]}]",
			"Box.size Person Person.box Person.mail Person.name"},
		"a sign-in": {"enter: Open @public", "enter: Open @public @signsIn", "Mutation.enter"},
		"an alternative for restricted callers": {"{owner: SELF}]", "{owner: SELF}, {owner: SELF, scopes: [\"mail\"]}]",
			"Box.size Person Person.box Person.mail Person.name"},
		"no scope":            {` @auth(scopes: ["mail"])`, "", "Person.mail"},
		"no rule on an input": {"secret: String @auth(roles: [ADMIN])", "secret: String", "Filter.secret"},
		"another caller of an argument": {"String @auth(roles: [ADMIN]))", "String @auth(roles: [ADMIN, USER]))",
			"Query.people(begins:)"},
		"a new field": {"type Box { size: Int }", "type Box { size: Int weight: Int }", "Box.weight"},
		"a public route": {"open: Open @public",
			"open: Open @public box: Box @public } extend type Box @public extend type Query {", "Box Box.size Query.box"},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(accessSchema, c.from) {
				t.Fatalf("the schema has no %q", c.from)
			}
			before, _ := accessGuard(t, accessSchema)
			after, _ := accessGuard(t, strings.Replace(accessSchema, c.from, c.to, 1))
			testenv.Equal(t, c.want, widened(before, after), "widened")
			testenv.Equal(t, "", widened(after, before), "widened by the reverse")
		})
	}
}

// TestWidened_WithScopesOnlyRestrict: who is restricted by no scope has every scope. So a rule without scopes closes out
// programs and lets nobody in; a rule with scopes lets programs in.
func TestWidened_WithScopesOnlyRestrict(t *testing.T) {
	guard := func(sdl string) *authz.Guard {
		return must(authz.New(load(t, sdl), authz.Config{
			Viewer:             func(context.Context) (authz.Viewer, error) { return nil, nil },
			Owners:             map[string][]authz.Owner{"SELF": {never.On("Person", "Till")}},
			SignedIn:           func(context.Context, any) (authz.Viewer, error) { return nil, nil },
			ScopesOnlyRestrict: true,
		}))
	}
	for name, c := range map[string]struct{ from, to, want string }{
		"of a field":        {"me: Person @auth", `me: Person @auth(scopes: ["mail"])`, "Query.me"},
		"of a role's field": {"roles: [ADMIN], mfa: true, maxAge", `roles: [ADMIN], scopes: ["a"], mfa: true, maxAge`, "Mutation.close"},
		"of another alternative": {"{owner: SELF}]", `{owner: SELF}, {roles: [USER], scopes: ["mail"]}]`,
			"Box.size Person Person.box Person.mail Person.name"},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(accessSchema, c.from) {
				t.Fatalf("the schema has no %q", c.from)
			}
			closed, open := guard(accessSchema), guard(strings.Replace(accessSchema, c.from, c.to, 1))
			testenv.Equal(t, c.want, widened(closed, open), "widened by a scope")
			testenv.Equal(t, "", widened(open, closed), "widened without it")
		})
	}
}

// TestScopesOnlyRestrict_ARuleWithScopesAsksForLess than the same without: that one beside it is redundant, and a field
// with it is no narrower than a type without scopes.
func TestScopesOnlyRestrict_ARuleWithScopesAsksForLess(t *testing.T) {
	for sdl, refused := range map[string][2]bool{ // without the option, and with it
		`a: Int @auth(any: [{roles: [ADMIN]}, {roles: [ADMIN], scopes: ["x"]}])`:                          {false, true},
		`a: Box @auth } type Box @auth(roles: [ADMIN]) { size: Int! @auth(roles: [ADMIN], scopes: ["x"])`: {true, false},
	} {
		for i, only := range []bool{false, true} {
			_, err := authz.New(load(t, directives+"type Query { "+sdl+" }"), authz.Config{
				Viewer:             func(context.Context) (authz.Viewer, error) { return nil, nil },
				Owners:             map[string][]authz.Owner{"SELF": {}},
				ScopesOnlyRestrict: only,
			})
			testenv.Equal(t, refused[i], err != nil, "%s, with the option %v: refused (%v)", sdl, only, err)
		}
	}
}

func widened(before, after *authz.Guard) string {
	var names []string
	for _, a := range authz.Widened(before.Access(), after.Access()) {
		names = append(names, a.Coordinate)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}
