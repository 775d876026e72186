package querylimit

import (
	"testing"

	"github.com/99designs/gqlgen/graphql"
	gqlparser "github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

const variablesSDL = `
directive @on(a: Int!) on QUERY
type Query { at(i: Int, must: Int! = 3, list: [Int!], float: Float, roles: [Role!], in: In): Query }
input In { must: Int! = 3  i: Int  float: Float  role: Role }
enum Role { USER ADMIN }`

// check validates an operation as gqlgen does, and returns the message of the checks; "" when they pass.
func check(t *testing.T, document string, variables map[string]any) string {
	t.Helper()
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: variablesSDL})
	doc, errs := gqlparser.LoadQueryWithRules(schema, document, nil)
	if errs != nil {
		t.Fatalf("%s: %v", document, errs)
	}
	values, err := validator.VariableValues(schema, doc.Operations[0], variables)
	if err != nil {
		t.Fatalf("%s: %v", document, err)
	}
	op := &graphql.OperationContext{Doc: doc, Operation: doc.Operations[0], Variables: values}
	if err := (VariableChecks{Schema: schema}).MutateOperationContext(t.Context(), op); err != nil {
		return err.Message
	}
	return ""
}

// TestVariableChecks_NullWhereItMayNotBe: in each place that a variable may have. Without a value it has its default,
// and in a place that takes null it may be null.
func TestVariableChecks_NullWhereItMayNotBe(t *testing.T) {
	const refused = "$v is null, but is used where null may not be; leave it out to have its default"
	for _, place := range []string{
		"query($v: Int = 1) { at(must: $v) { __typename } }",
		"query($v: Int = 1) { at { at(i: 1, must: $v) { __typename } } }",
		"query($v: Int = 1) { at(list: [2, $v]) { __typename } }",
		"query($v: Int = 1) { at(in: {i: 1, must: $v}) { __typename } }",
		"query($v: Int = 1) @on(a: $v) { __typename }",
		"query($v: Boolean = true) { __typename @skip(if: $v) }",
		"query($v: Boolean = true) { ... @include(if: $v) { __typename } }",
		"query($v: Int = 1) { ... { at(must: $v) { __typename } } }",
		"query($v: Boolean = true) { ...F @include(if: $v) ...F } fragment F on Query { __typename }",
		"query($v: Int = 1) { ...F ...G } fragment F on Query { __typename } fragment G on Query { at(must: $v) { ...F } }",
		"query($u: Int = 1, $v: Int = 2) { at(must: $u) { at(must: $v) { __typename } } }",
	} {
		testenv.Equal(t, refused, check(t, place, map[string]any{"v": nil}), "null: %s", place)
		testenv.Equal(t, "", check(t, place, nil), "no value: %s", place)
	}
	for _, place := range []string{
		"query($v: Int = 1) { at(i: $v) { __typename } }", "query($v: Int) { at(i: $v) { __typename } }",
		"query($v: Int = 1, $u: Int = 2) { at(i: $v, must: $u) { __typename } }",
		"query($v: Int = 1) { at(i: $v, in: {i: 2}, list: [3]) { ... @skip(if: false) { __typename @skip(if: false) } } }",
		"query($v: Int = 1) { at(i: $v) { ...F } } fragment F on Query { ...G } fragment G on Query { __typename }",
	} {
		testenv.Equal(t, "", check(t, place, map[string]any{"v": nil}), "%s", place)
	}
}

// TestVariableChecks_DeclaredDifferently matters where operations share fragments.
func TestVariableChecks_DeclaredDifferently(t *testing.T) {
	const refused = "the operations declare $v differently, and share fragments; declare it alike"
	const fragment = " fragment F on Query { at(i: $v) { __typename } }"
	for document, want := range map[string]string{
		"query A($v: Int = 1) { ...F } query B($v: Int = 2) { ...F }" + fragment:                              refused,
		"query A($v: Int = 1) { ...F } query B($v: Int! = 1) { ...F }" + fragment:                             refused,
		"query A($v: Int = 1) { ...F } query B($v: Int = 1) { ...F } query C($v: Int) { ...F }" + fragment:    refused,
		"query A($v: Int = 1) { ...F } query B($v: Int = 1) { ...F }" + fragment:                              "",
		"query A($v: Int = 1) { ...F }" + fragment:                                                            "",
		"query A($v: Int = 1) { at(i: $v) { __typename } } query B($v: Int = 2) { at(i: $v) { __typename } }": "",
	} {
		testenv.Equal(t, want, check(t, document, nil), "%s", document)
	}
}

// TestVariableChecks_StringsOfOtherTypes: the wrong one comes last each time.
func TestVariableChecks_StringsOfOtherTypes(t *testing.T) {
	const document = `query($i: Int, $f: Float, $l: [Int!], $r: [Role!], $in: In) {
		at(i: $i, float: $f, list: $l, roles: $r, in: $in) { __typename } }`
	for _, c := range []struct {
		name       string
		right, bad any
		wanted     string
	}{
		{"i", 1, "1", "is not a valid Int"}, {"f", 1.5, "1.5", "is not a valid Float"},
		{"l", []any{1, 2}, []any{1, "2"}, "is not a valid Int"},
		{"r", []any{"USER", "ADMIN"}, []any{"USER", "admin"}, "is not a valid Role"},
		{"r", "USER", "user", "is not a valid Role"},
		{"in", map[string]any{"i": 1, "float": 1.5, "role": "USER"}, map[string]any{"i": 1, "role": "user"},
			"is not a valid Role"},
		{"in", map[string]any{"float": 1.5}, map[string]any{"float": "1.5"}, "is not a valid Float"},
	} {
		testenv.Equal(t, "", check(t, document, map[string]any{c.name: c.right}), "%s: %v", c.name, c.right)
		testenv.Equal(t, c.wanted, check(t, document, map[string]any{"i": 1, c.name: c.bad}), "%s: %v", c.name, c.bad)
	}
}
