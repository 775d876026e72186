package servertest

import (
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
)

// Arguments returns made-up arguments of a field: those that it requires, and those with a name in values. No user,
// session or password has a made-up value; values has better ones, as GraphQL, by the name of an input field or
// argument.
func Arguments(schema *ast.Schema, f *ast.FieldDefinition, values map[string]string) string {
	var all []string
	for _, a := range f.Arguments {
		if a.Type.NonNull && a.DefaultValue == nil || values[a.Name] != "" {
			all = append(all, a.Name+": "+madeUp(schema, a.Name, a.Type, values))
		}
	}
	if len(all) == 0 {
		return ""
	}
	return "(" + strings.Join(all, ", ") + ")"
}

func madeUp(schema *ast.Schema, name string, typ *ast.Type, values map[string]string) string {
	if value := values[name]; value != "" {
		return value
	}
	if name == "coordinates" {
		return `["Query.me"]`
	}
	if typ.Elem != nil {
		return "[" + madeUp(schema, "", typ.Elem, values) + "]"
	}
	switch def := schema.Types[typ.Name()]; def.Kind {
	case ast.Enum:
		return def.EnumValues[0].Name
	case ast.InputObject:
		var fields []string
		for _, f := range def.Fields {
			if f.Type.NonNull && f.DefaultValue == nil || values[f.Name] != "" {
				fields = append(fields, f.Name+": "+madeUp(schema, f.Name, f.Type, values))
			}
		}
		return "{" + strings.Join(fields, ", ") + "}"
	}
	switch typ.Name() {
	case "ID":
		return `"` + NobodyID + `"`
	case "Int", "Float":
		return "1"
	case "Boolean":
		return "true"
	case "Time":
		return JSON(time.Now().Add(time.Hour))
	}
	return `"made up"`
}

// NobodyID is the made-up value of an ID.
const NobodyID = "00000000-0000-7000-8000-000000000000"

// Everything selects all that is below a type, each list of objects twice.
func Everything(schema *ast.Schema, typ *ast.Type) string {
	def, all := schema.Types[typ.Name()], ""
	if def.IsLeafType() {
		return ""
	}
	for _, f := range def.Fields {
		if all += f.Name + Everything(schema, f.Type) + " "; f.Type.Elem != nil && !schema.Types[f.Type.Name()].IsLeafType() {
			all += "again_" + f.Name + ": " + f.Name + Everything(schema, f.Type) + " "
		}
	}
	return "{" + all + "}"
}
