package querylimit

import (
	"github.com/99designs/gqlgen/graphql/introspection"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

// maxIntrospectionWeight bounds the answer to an operation that asks for the schema, in answers to gqlgen's full
// introspection query. Those of GraphiQL and graphql-codegen weigh as much as that.
const maxIntrospectionWeight = 1.25

// listSizes are how many elements lists of introspection have on average, by the field's name. A field of another name
// has one.
type listSizes map[string]float64

// newListSizes counts a schema. An average says nothing of one list, but is exact for the lists of all types together,
// which is how answers become large.
func newListSizes(schema *ast.Schema) listSizes {
	var types, fields, arguments, inputs, values, interfaces, possible float64
	for _, t := range schema.Types {
		types++
		interfaces += float64(len(t.Interfaces))
		if t.IsAbstractType() { // gqlparser lists an object as its own
			possible += float64(len(schema.PossibleTypes[t.Name]))
		}
		values += float64(len(t.EnumValues))
		if t.Kind == ast.InputObject {
			inputs += float64(len(t.Fields))
			continue
		}
		fields += float64(len(t.Fields))
		for _, f := range t.Fields {
			arguments += float64(len(f.Arguments))
		}
	}
	for _, d := range schema.Directives { // weighed as fields, so that their arguments are
		fields++
		arguments += float64(len(d.Arguments))
	}
	return listSizes{
		"types": types, "fields": fields / types, "args": arguments / fields, "inputFields": inputs / types,
		"enumValues": values / types, "interfaces": interfaces / types, "possibleTypes": possible / types,
		"directives": float64(len(schema.Directives)),
		"ofType":     0.5, // about as many types have none
	}
}

// weight is how many fields an answer has of a field of introspection, itself included.
func (s listSizes) weight(field string, below float64) float64 {
	if n, ok := s[field]; ok {
		return 1 + n*below
	}
	return 1 + below
}

// fullWeight is the weight of gqlgen's full introspection query.
func (s listSizes) fullWeight() float64 {
	doc, err := parser.ParseQuery(&ast.Source{Input: introspection.NewQuery(introspection.QueryOptions{OneOf: true})})
	if err != nil {
		panic(err) // it is a constant
	}
	return newCostVisitor(doc, nil, s).operation(doc.Operations[0]).introspectionWeight
}
