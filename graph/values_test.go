package graph

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/internal/graphqltest"
)

// scalarInputs calls f with the type of each scalar that a root field takes, as an argument or in an input object, and
// with a document that has a value there.
func scalarInputs(schema *ast.Schema, f func(typ *ast.Type, document func(value string) string)) {
	for _, root := range []*ast.Definition{schema.Query, schema.Mutation} {
		for _, field := range root.Fields {
			for _, a := range field.Arguments {
				definition := schema.Types[a.Type.Name()]
				if definition.Kind == ast.Scalar {
					f(a.Type, func(value string) string {
						return fmt.Sprintf("%s(%s:%s%s){__typename}}", field.Name, a.Name, value, requiredArguments(field, a))
					})
				}
				for _, in := range definition.Fields {
					if schema.Types[in.Type.Name()].Kind == ast.Scalar {
						f(in.Type, func(value string) string {
							object := in.Name + ":" + value + requiredBeside(definition, in)
							return fmt.Sprintf("%s(%s:{%s}){__typename}}", field.Name, a.Name, object)
						})
					}
				}
			}
		}
	}
}

// requiredArguments returns good values of the other arguments that a field requires.
func requiredArguments(field *ast.FieldDefinition, argument *ast.ArgumentDefinition) (all string) {
	for _, other := range field.Arguments {
		if other != argument && other.Type.NonNull {
			all += "," + other.Name + ":" + goodValues[other.Type.Name()]
		}
	}
	return all
}

var goodValues = map[string]string{"ID": `"0197c1b0-0000-7000-8000-0000000000ab"`, "String": `"x"`, "Role": "[USER]", "JSON": "{}",
	"Time": `"2026-07-01T12:00:00Z"`}

// requiredBeside returns good values of the other fields that an input object requires.
func requiredBeside(object *ast.Definition, field *ast.FieldDefinition) (all string) {
	for _, other := range object.Fields {
		if other != field && other.Type.NonNull {
			all += "," + other.Name + ":" + goodValues[other.Type.Name()]
		}
	}
	return all
}

// Every scalar, as an argument and in an input object, refuses every other kind of JSON value and every number out of
// range, in a variable and in the document. The error names the right cause in plain words, and is never INTERNAL.
func TestValues_WrongKindsAndRangesAreToldAsSuch(t *testing.T) {
	h := newHandler(t, NewSchema(LoadSchema(), nil, nil), readable)
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
		scalarInputs(LoadSchema(), func(typ *ast.Type, document func(string) string) {
			for value, cause := range wrong[typ.Name()] {
				literal := string(op) + "{" + document(value)
				variable := fmt.Sprintf("%s($v:%s){%s", op, typ.String(), document("$v"))
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
						typ.Name() != "ID" && strings.Contains(got.Text, "UUID") || goWords.MatchString(got.Text) {
						t.Errorf("%s\n%s", body, got.Text)
					}
				}
			}
		})
	}
	if n < 100 {
		t.Errorf("only %d values were sent", n)
	}
}

// goWords are those of Go's types, which tell a client nothing.
var goWords = regexp.MustCompile(`int64|float64|json\.|slice|\bmap\b|\bbool\b`)

// gqlgen stops at the first value that does not fit its type; the answer names all of them.
func TestValues_AllThatDoNotFitAreNamedAtOnce(t *testing.T) {
	h := newHandler(t, NewSchema(LoadSchema(), nil, nil))
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
