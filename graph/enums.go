package graph

import (
	"context"
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/gatehouse/gatehouse/internal/problem"
)

// enums refuses variables whose enum values are not written as the schema writes them. gqlparser does not mind case,
// and gqlgen turns a name that it does not know into the zero value of the Go type, without an error.
type enums struct{ schema *ast.Schema }

var _ graphql.OperationContextMutator = enums{}

func (enums) ExtensionName() string { return "Enums" }

func (enums) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext looks at the variables of an operation, which fit their types but for that.
func (x enums) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	for _, v := range op.Operation.VariableDefinitions {
		path := ast.Path{ast.PathName("variable"), ast.PathName(v.Variable)}
		if err := x.check(v.Type.Name(), op.Variables[v.Variable], path); err != nil {
			return err
		}
	}
	return nil
}

func (x enums) check(typeName string, value any, path ast.Path) *gqlerror.Error {
	definition := x.schema.Types[typeName]
	switch v := value.(type) {
	case string:
		if definition.Kind == ast.Enum && definition.EnumValues.ForName(v) == nil {
			err := refuse(problem.ValidationFailed, fmt.Sprintf("is not a valid %s", typeName))
			err.Path = path
			return err
		}
	case []string: // what gqlparser makes of one string where a list is wanted
		for i, element := range v {
			if err := x.check(typeName, element, append(path[:len(path):len(path)], ast.PathIndex(i))); err != nil {
				return err
			}
		}
	case []any:
		for i, element := range v {
			if err := x.check(typeName, element, append(path[:len(path):len(path)], ast.PathIndex(i))); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, field := range definition.Fields { // none when the type is a scalar of any shape
			if err := x.check(field.Type.Name(), v[field.Name], append(path[:len(path):len(path)], ast.PathName(field.Name))); err != nil {
				return err
			}
		}
	}
	return nil
}
