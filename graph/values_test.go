package graph

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/internal/graphqltest"
)

// scalarArguments calls f with each argument of a root field that is a scalar, and a document that takes it as $v.
func scalarArguments(schema *ast.Schema, f func(argument *ast.ArgumentDefinition, document func(value string) string)) {
	for _, root := range []*ast.Definition{schema.Query, schema.Mutation} {
		for _, field := range root.Fields {
			for _, a := range field.Arguments {
				if schema.Types[a.Type.Name()].Kind != ast.Scalar {
					continue
				}
				f(a, func(value string) string {
					return fmt.Sprintf("%s(%s:%s){__typename}}", field.Name, a.Name, value)
				})
			}
		}
	}
}

// Every scalar argument refuses every other kind of JSON value and every number out of range, in a variable and in the
// document. The error names the right cause, and is never INTERNAL.
func TestValues_WrongKindsAndRangesAreToldAsSuch(t *testing.T) {
	h := newHandler(t, NewSchema(nil), readable)
	wrong := map[string]map[string]string{ // by type: JSON to what the message has to say
		"Int": {`"5"`: "Int", `""`: "Int", `true`: "Int", `1.5`: "Int", `{}`: "", `2147483648`: "2147483647",
			`-2147483649`: "2147483647", `9007199254740993`: "2147483647", `99999999999999999999`: "", `1e30`: ""},
		"ID": {`true`: "", `1.5`: "", `{}`: "", `7`: "UUID", `"x"`: "UUID", `99999999999999999999`: "",
			`"0000000-0000-0000-0000-00000000000z"`: "UUID"},
		"String":  {`5`: "String", `true`: "String", `{}`: ""},
		"Boolean": {`5`: "Boolean", `"true"`: "Boolean", `{}`: ""},
	}
	n := 0
	for _, op := range []ast.Operation{ast.Query, ast.Mutation} {
		scalarArguments(NewSchema(nil).Schema(), func(a *ast.ArgumentDefinition, document func(string) string) {
			for value, cause := range wrong[a.Type.Name()] {
				literal := string(op) + "{" + document(value)
				variable := fmt.Sprintf("%s($v:%s){%s", op, a.Type.String(), document("$v"))
				for _, body := range []string{
					graphqltest.Body(literal),
					strings.TrimSuffix(graphqltest.Body(variable), "}") + `,"variables":{"v":` + value + `}}`,
				} {
					got := graphqltest.Post(t, h, body)
					if strings.Contains(got.Text, "Cannot query field") {
						continue // a field of the other root
					}
					n++
					if got.Code() == "INTERNAL" || got.Code() == nil || !strings.Contains(got.Text, cause) ||
						a.Type.Name() != "ID" && strings.Contains(got.Text, "UUID") {
						t.Errorf("%s\n%s", body, got.Text)
					}
				}
			}
		})
	}
	if n < 50 {
		t.Errorf("only %d values were sent", n)
	}
}

// gqlgen stops at the first value that does not fit its type; the answer names all of them.
func TestValues_AllThatDoNotFitAreNamedAtOnce(t *testing.T) {
	h := newHandler(t, NewSchema(nil))
	got := graphqltest.Query(t, h,
		`mutation{setRoles(input:{userId:"x",roles:[USER],allowUnverifiedEmail:{}}){__typename}}`)
	var fields []any
	for _, e := range got.Errors {
		fields = append(fields, e.Extensions["field"], e.Extensions["reason"], len(e.Path), len(e.Locations))
	}
	if fmt.Sprint(fields) != "[userId MALFORMED 1 1 allowUnverifiedEmail MALFORMED 1 1]" {
		t.Errorf("%v: %s", fields, got.Text)
	}
}
