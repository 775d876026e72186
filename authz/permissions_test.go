package authz_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/authz"
	"github.com/gatehouse/gatehouse/authz/testdata/allfeatures"
)

func permissionsOf(t testing.TB, g *authz.Guard, p persona, coordinates ...string) []authz.Permission {
	t.Helper()
	return must(g.Permissions(as(context.Background(), p.Viewer), coordinates...))
}

// TestPermissions_AreWhatHappens asks for each root field as each persona, and then uses it.
func TestPermissions_AreWhatHappens(t *testing.T) {
	s, schema := mustServe(t, true), load(t, allfeatures.SDL)
	g, verdicts := schemaGenerator(schema), map[authz.Code]int{}
	for _, root := range []*ast.Definition{schema.Query, schema.Mutation, schema.Subscription} {
		for _, f := range root.Fields {
			if strings.HasPrefix(f.Name, "__") {
				continue
			}
			for _, p := range personas() {
				if !knownCaller(p) {
					continue
				}
				may := permissionsOf(t, s.guard, p, root.Name+"."+f.Name)[0]
				verdicts[may.Code]++
				for _, call := range g.calls(root, f, "") {
					code, decided := s.denial(t, p, root.Name, call, selections(schema, f.Type))
					if decided && code != string(may.Code) || !decided && !may.Allowed {
						t.Errorf("%s for %s: %q, and permissions say %+v", call, p.name, code, may)
					}
				}
			}
		}
	}
	for _, code := range []authz.Code{
		"", authz.Unauthenticated, authz.ReauthenticationRequired, authz.InsufficientScope, authz.Forbidden,
	} {
		if verdicts[code] < 5 {
			t.Errorf("only %d times %q: %v", verdicts[code], code, verdicts)
		}
	}
}

// selections are one below a field for each type that it can return; one without text for a leaf.
func selections(schema *ast.Schema, typ *ast.Type) (all []string) {
	def := schema.Types[typ.Name()]
	if def.IsLeafType() {
		return []string{""}
	}
	for _, concrete := range schema.GetPossibleTypes(def) {
		if concrete.Kind == ast.Object {
			all = append(all, " { ... on "+concrete.Name+" { __typename } }")
		}
	}
	return all
}

// denial returns the code for which a root field was denied before it ran with each of the selections below it, and
// false where an argument was denied.
func (s *server) denial(t testing.TB, p persona, root, call string, below []string) (first string, decided bool) {
	t.Helper()
	for _, b := range below {
		before := s.fields.Load()
		answers := must(s.ask(p.Viewer, operation{text: strings.ToLower(root) + " { " + call + b + " }"}))
		if s.fields.Load() > before {
			return "", true
		}
		for _, d := range answers[0].Denials {
			code, at, _ := strings.Cut(d, " ")
			if first == "" && !strings.Contains(at, "(") && !strings.Contains(at, "Input.") {
				first, decided = code, true
			}
		}
	}
	return first, decided
}

// TestPermissions_AgreeWithTheAccessTable at every place of the schema, for every persona.
func TestPermissions_AgreeWithTheAccessTable(t *testing.T) {
	g, table := mustServe(t, false).guard, map[string]authz.Access{}
	var coordinates []string
	for _, a := range g.Access() {
		coordinates = append(coordinates, a.Coordinate)
		table[a.Coordinate] = a
	}
	compared, ownOnly := 0, 0
	for _, p := range personas() {
		if !knownCaller(p) {
			continue
		}
		anyone := principal(p)
		anyone.Owners = nil
		for i, got := range permissionsOf(t, g, p, coordinates...) {
			row := table[coordinates[i]]
			want := authz.Permission{Coordinate: row.Coordinate, Allowed: row.Grants(principal(p))}
			want.OwnOnly = want.Allowed && !row.Grants(anyone)
			if !got.Allowed && row.Grants(principal(p)) {
				continue // all that it returns is forbidden: the test above
			}
			compared++
			if got.OwnOnly {
				ownOnly++
			}
			got.Code, got.MaxAge, got.MFA, got.MissingScopes = "", 0, false, nil
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s for %s, who are %q:\n%s", row.Coordinate, p.name, row.Who, diff)
			}
		}
	}
	if compared < 3000 || ownOnly < 100 {
		t.Errorf("%d compared, %d of them for one's own objects only", compared, ownOnly)
	}
}

// TestPermissions_SayWhatIsMissing as the denial does.
func TestPermissions_SayWhatIsMissing(t *testing.T) {
	s, schema, seen := mustServe(t, false), load(t, allfeatures.SDL), 0
	g := schemaGenerator(schema)
	for _, f := range schema.Query.Fields {
		coordinate, below := "Query."+f.Name, ""
		if schema.Types[f.Type.Name()].IsCompositeType() {
			below = " { __typename }"
		}
		for _, p := range personas() {
			if strings.HasPrefix(f.Name, "__") || !knownCaller(p) {
				continue
			}
			may := permissionsOf(t, s.guard, p, coordinate)[0]
			responses, errs := s.raw(p.Viewer, operation{text: "{ " + g.calls(schema.Query, f, "")[0] + below + " }"})
			if errs != nil {
				t.Fatal(errs)
			}
			for _, e := range responses[0].Errors {
				if responses[0].Data != nil || e.Extensions["coordinate"] != coordinate {
					continue
				}
				seen++
				maxAge, _ := e.Extensions["maxAge"].(int)
				mfa, _ := e.Extensions["mfa"].(bool)
				scopes, _ := e.Extensions["missingScopes"].([]string)
				want := authz.Permission{
					Coordinate: coordinate, Code: authz.Code(e.Extensions["code"].(string)),
					MaxAge: maxAge, MFA: mfa, MissingScopes: scopes,
				}
				if diff := cmp.Diff(want, may); diff != "" {
					t.Errorf("%s for %s:\n%s", coordinate, p.name, diff)
				}
			}
		}
	}
	if seen < 100 {
		t.Errorf("%d denials compared", seen)
	}
}

// TestPermissions_RefuseWhatCannotBeAnswered, and say why.
func TestPermissions_RefuseWhatCannotBeAnswered(t *testing.T) {
	g := mustServe(t, false).guard
	ctx := as(context.Background(), viewerNamed(t, "alice"))
	for _, coordinate := range []string{
		"", "Query", "Query.", "Query.nothing", ".", "query.me", "__Schema.types", "Query.__schema", "String",
	} {
		_, err := g.Permissions(ctx, coordinate)
		if unknown, ok := errors.AsType[authz.UnknownCoordinateError](err); !ok || string(unknown) != coordinate {
			t.Errorf("%q: %v", coordinate, err)
		}
	}
	all, err := g.Permissions(ctx)
	if len(all) != 0 || err != nil {
		t.Errorf("of nothing: %v, %v", all, err)
	}
	unchecked := viewerNamed(t, "unchecked")
	_, err = g.Permissions(as(context.Background(), unchecked), g.Access()[0].Coordinate)
	if !errors.Is(err, unchecked.CheckErr) {
		t.Errorf("of an unknown caller: %v", err)
	}
}

// knownCaller reports whether the configuration can say who calls.
func knownCaller(p persona) bool { return p.Viewer == nil || p.CheckErr == nil }

// TestPermissions_AreInTheOrderAskedFor, twice what is asked for twice.
func TestPermissions_AreInTheOrderAskedFor(t *testing.T) {
	g := mustServe(t, false).guard
	var asked, answered []string
	for _, a := range g.Access() {
		asked = append(asked, a.Coordinate)
	}
	asked = append(asked, asked...)
	slices.Reverse(asked)
	for _, p := range permissionsOf(t, g, persona{"anonymous", nil}, asked...) {
		answered = append(answered, p.Coordinate)
	}
	if !slices.Equal(asked, answered) {
		t.Error("another order")
	}
}

// TestPermissions_OfRareShapes: a union of which some types are forbidden, a sign-in, two ages, and a type that nothing
// returns.
func TestPermissions_OfRareShapes(t *testing.T) {
	schema := load(t, authz.Directives+`
		enum Role { ADMIN }
		enum Owner { NOBODY }
		type Query {
			some: Some @public
			all: All @public
			old: Old @auth
		}
		type Mutation { signIn: Session! @public @signsIn }
		union Some = Closed | Open
		union All = Closed | Session
		type Closed @auth(roles: [ADMIN]) { x: Int }
		type Open @public { x: Int }
		type Session @auth { x: Int }
		type Old @auth(maxAge: 60) { x: Int @auth(maxAge: 3600)  y: Int @auth(maxAge: 30) }
		type Orphan @public { x: Int }`)
	config := testConfig(false)
	config.Owners, config.Objects = nil, nil
	g := must(authz.New(schema, config))
	anonymous, stale := persona{"anonymous", nil}, persona{"stale", viewerNamed(t, "alice, stale")}
	for _, c := range []struct {
		persona
		want authz.Permission
	}{
		{anonymous, authz.Permission{Coordinate: "Query.some", Allowed: true}},
		{anonymous, authz.Permission{Coordinate: "Query.all", Code: authz.Unauthenticated}},
		{anonymous, authz.Permission{Coordinate: "Mutation.signIn", Allowed: true}},
		{anonymous, authz.Permission{Coordinate: "Session.x", Code: authz.Unauthenticated}},
		{anonymous, authz.Permission{Coordinate: "Orphan.x", Code: authz.Unauthenticated}},
		{stale, authz.Permission{Coordinate: "Query.some", Allowed: true}},
		{stale, authz.Permission{Coordinate: "Query.all", Allowed: true}},
		{stale, authz.Permission{Coordinate: "Closed.x", Code: authz.Forbidden}},
		{stale, authz.Permission{Coordinate: "Old.x", Code: authz.ReauthenticationRequired, MaxAge: 60}},
		{stale, authz.Permission{Coordinate: "Old.y", Code: authz.ReauthenticationRequired, MaxAge: 30}},
		{stale, authz.Permission{Coordinate: "Orphan.x", Code: authz.Forbidden}},
	} {
		if diff := cmp.Diff(c.want, permissionsOf(t, g, c.persona, c.want.Coordinate)[0]); diff != "" {
			t.Errorf("for %s:\n%s", c.name, diff)
		}
	}
}
