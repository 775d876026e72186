package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestAccessMatrix_EveryRootFieldAnswersEveryPersonaAsItsRuleSays asks a running server for each root field, as each
// persona, in each shape, as a program in the plain one, and holds the answer against a naive reading of schema.graphql
// that shares no code with package authz. What permissions says before has to be what happens. On Postgres, and in a
// short run, only the plain shape is asked for, unless TEST_LONG=matrix: the others differ in what is parsed, which no
// database changes.
func TestAccessMatrix_EveryRootFieldAnswersEveryPersonaAsItsRuleSays(t *testing.T) {
	t.Parallel()
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: servertest.ReadFile(t, "schema.graphql")})
	servertest.Check(t, err)
	dbtest.Each(t, func(t *testing.T, databaseURL string) {
		s := newPersonas(t, databaseURL)
		asked, everybody := 0, s.all()
		said := map[string]map[string]string{}
		for _, p := range everybody {
			said[p.name] = s.permissions(schema, p.token())
		}
		for _, root := range []*ast.Definition{schema.Query, schema.Mutation} {
			for _, f := range root.Fields {
				if strings.HasPrefix(f.Name, "__") {
					continue
				}
				for _, p := range everybody {
					want := naiveVerdict(f, p)
					leaf := leafOf(schema, f.Type)
					if p.isProgram() && leaf != "" { // what is below may need another scope
						leaf = " { __typename }"
					}
					shapes := shapesOf(schema, root, f, leaf)
					if (testing.Short() || p.isProgram() || strings.HasPrefix(databaseURL, "postgres")) && !testenv.Long("matrix") {
						shapes = shapes[:1]
					}
					s.agree(said[p.name][root.Name+"."+f.Name], want, shapes[0], p)
					for _, o := range shapes {
						asked++
						if got := s.verdict(o, p.token(), root.Name+"."+f.Name); got != o.wants(want) {
							t.Errorf("%s.%s as %s, %s: %q, want %q", root.Name, f.Name, p.name, o.name, got, o.wants(want))
						}
					}
				}
			}
		}
		t.Logf("%d operations", asked)
	})
}

// permissions returns the codes for which root fields are denied to who has the token, by coordinate; "" for none.
func (s *personas) permissions(schema *ast.Schema, token string) map[string]string {
	s.t.Helper()
	var coordinates []string
	for _, root := range []*ast.Definition{schema.Query, schema.Mutation} {
		for _, f := range root.Fields {
			if !strings.HasPrefix(f.Name, "__") {
				coordinates = append(coordinates, root.Name+"."+f.Name)
			}
		}
	}
	answer := s.Do(servertest.Request{
		Query:     "query($all: [String!]!) { permissions(coordinates: $all) { coordinate allowed code } }",
		Variables: map[string]any{"all": coordinates}, Token: token,
	})
	var body struct {
		Data struct {
			Permissions []struct {
				Coordinate string
				Allowed    bool
				Code       string
			}
		}
	}
	servertest.Check(s.t, json.Unmarshal([]byte(answer.Body), &body))
	said := map[string]string{}
	for _, p := range body.Data.Permissions {
		said[p.Coordinate] = p.Code
		testenv.Equal(s.t, p.Code == "", p.Allowed, "%s is allowed", p.Coordinate)
	}
	testenv.Equal(s.t, len(coordinates), len(said), "permissions: %s", answer.Body)
	return said
}

// agree fails unless permissions said of a field what its rule says, or that a program may see nothing of what it returns.
func (s *personas) agree(said, verdict string, plain shape, p persona) {
	s.t.Helper()
	code, _, _ := strings.Cut(verdict, " ")
	if said == code {
		return
	}
	answer := s.Ask(p.token(), plain.query)
	if !p.isProgram() || code != "" || !answer.Has(`"code":"`+said+`"`) || answer.Has(`"data":{`) {
		s.t.Errorf("permissions of %s as %s: %q, want %q: %s", plain.query, p.name, said, code, answer.Body)
	}
}

// naiveVerdict reads a root field's directives: "" for granted, or the code of the denial. Of alternatives it knows those
// that name a scope and nothing else.
func naiveVerdict(f *ast.FieldDefinition, p persona) string {
	if f.Directives.ForName("public") != nil {
		return ""
	}
	auth := f.Directives.ForName("auth")
	if auth == nil {
		return "the field says nothing"
	}
	if p.reason != "" {
		return "UNAUTHENTICATED " + p.reason
	}
	if roles := auth.Arguments.ForName("roles"); roles != nil {
		has := func(v *ast.ChildValue) bool { return slices.Contains(p.roles, v.Value.Raw) }
		if !slices.ContainsFunc(roles.Value.Children, has) {
			return "FORBIDDEN"
		}
	}
	if names := scopesOf(auth); p.scope != "" && !slices.Contains(names, p.scope) {
		if len(names) > 0 { // more scopes would do
			return "INSUFFICIENT_SCOPE"
		}
		return "FORBIDDEN"
	}
	if auth.Arguments.ForName("maxAge") != nil && p.stale {
		return "REAUTHENTICATION_REQUIRED"
	}
	return ""
}

// scopesOf are the scopes of a rule, one of which does: a rule here names one at most, or alternatives of one each.
func scopesOf(auth *ast.Directive) (names []string) {
	values := []*ast.Value{}
	if scopes := auth.Arguments.ForName("scopes"); scopes != nil {
		values = append(values, scopes.Value)
	}
	if alternatives := auth.Arguments.ForName("any"); alternatives != nil {
		for _, rule := range alternatives.Value.Children {
			values = append(values, rule.Value.Children.ForName("scopes"))
		}
	}
	for _, v := range values {
		for _, name := range v.Children {
			names = append(names, name.Value.Raw)
		}
	}
	return names
}

// shape is one way to write an operation that selects a root field.
type shape struct {
	name      string
	method    string
	query     string
	operation string
	variables any
	skipped   bool // the field is not selected after all
}

func (s shape) wants(verdict string) string {
	if s.skipped {
		return ""
	}
	return verdict
}

func shapesOf(schema *ast.Schema, root *ast.Definition, f *ast.FieldDefinition, leaf string) []shape {
	with := servertest.Arguments(schema, f, nil)
	field := f.Name + with + leaf
	kind := strings.ToLower(root.Name)
	yes, no := map[string]any{"v": true}, map[string]any{"v": false}
	all := []shape{
		{name: "plain", query: kind + " { " + field + " }"},
		{name: "under an alias", query: kind + " { login: " + field + " }"},
		{name: "in an inline fragment", query: kind + " { ... on " + root.Name + " { ... { " + field + " } } }"},
		{name: "in a named fragment", query: kind + " { ...A } fragment A on " + root.Name + " { ...B } fragment B on " +
			root.Name + " { " + field + " }"},
		{name: "included by a variable", query: kind + " ($v: Boolean!) { x: __typename @skip(if: $v) " +
			strings.Replace(field, f.Name+with, f.Name+with+" @include(if: $v)", 1) + " }", variables: yes},
		{name: "skipped by a constant", query: kind + " { " +
			strings.Replace(field, f.Name+with, f.Name+with+" @skip(if: true)", 1) + " }", skipped: true},
		{name: "skipped by a variable", query: kind +
			" ($v: Boolean!) { __typename ...A @include(if: $v) } fragment A on " + root.Name + " { " + field + " }",
			variables: no, skipped: true},
		{name: "one of several operations", query: "query other { __typename } " + kind + " this { " + field + " }",
			operation: "this"},
		{name: "the other of several operations", query: "query other { __typename } " + kind + " this { " + field + " }",
			operation: "other", skipped: true},
	}
	for i := range all {
		all[i].method = http.MethodPost
	}
	if root == schema.Query {
		all = append(all, shape{name: "by GET", method: http.MethodGet, query: "{ " + field + " }"})
	}
	return all
}

// leafOf selects one field of a type, down to a leaf.
func leafOf(schema *ast.Schema, typ *ast.Type) string {
	def := schema.Types[typ.Name()]
	if def.IsLeafType() {
		return ""
	}
	for _, f := range def.Fields {
		if schema.Types[f.Type.Name()].IsLeafType() {
			return " { " + f.Name + " }"
		}
	}
	return " { " + def.Fields[0].Name + leafOf(schema, def.Fields[0].Type) + " }"
}

// verdict asks and returns what the guard said of a coordinate: "" for granted, else the code and the reason. An error
// that is neither the guard's nor that of a rule of accounts is returned whole.
func (s *personas) verdict(o shape, token, coordinate string) string {
	s.t.Helper()
	r := servertest.Request{Query: o.query, Operation: o.operation, Variables: o.variables, Token: token}
	if o.method == http.MethodGet {
		r = servertest.Request{Method: o.method, Path: "/graphql?query=" + url.QueryEscape(o.query), Token: token}
	}
	body := s.Decided(r).Body
	var answer struct {
		Data   json.RawMessage
		Errors []struct {
			Message    string
			Extensions struct{ Code, Coordinate, Reason string }
		}
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		return body
	}
	for _, e := range answer.Errors {
		switch e.Extensions.Code {
		case "INTERNAL", "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "LIMIT_EXCEEDED", "UNAVAILABLE", "":
			return body
		}
		if e.Extensions.Coordinate == "" || e.Extensions.Code == "NOT_FOUND" {
			continue // a rule of accounts, or of the made-up object: the guard let the field pass
		}
		if strings.HasPrefix(token, "gh_pat_") && !strings.Contains(e.Extensions.Coordinate, ".") {
			continue // the type of the made-up object, which needs another scope than the field
		}
		if e.Extensions.Coordinate != coordinate {
			return body
		}
		if answer.Data != nil && !strings.Contains(o.query, "__typename") {
			return "not refused before execution: " + body
		}
		return strings.TrimSpace(e.Extensions.Code + " " + e.Extensions.Reason)
	}
	return ""
}
