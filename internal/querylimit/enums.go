package querylimit

import (
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/gatehouse/gatehouse/internal/problem"
)

// checkEnums refuses variables whose enum values are not written exactly as in the schema. gqlparser ignores case, and
// gqlgen turns an unknown name into the zero value of the Go type without an error.
func (c VariableChecks) checkEnums(op *graphql.OperationContext) *gqlerror.Error {
	for _, v := range op.Operation.VariableDefinitions {
		path := ast.Path{ast.PathName("variable"), ast.PathName(v.Variable)}
		if err := c.checkEnumsIn(v.Type.Name(), op.Variables[v.Variable], path); err != nil {
			return err
		}
	}
	return nil
}

func (c VariableChecks) checkEnumsIn(typeName string, value any, path ast.Path) *gqlerror.Error {
	definition := c.Schema.Types[typeName]
	switch v := value.(type) {
	case string:
		if definition.Kind == ast.Enum && definition.EnumValues.ForName(v) == nil {
			err := newError(problem.ValidationFailed, fmt.Sprintf("is not a valid %s", typeName))
			err.Path = path
			return err
		}
	case []string: // gqlparser makes it of one string where the type is a list
		for i, element := range v {
			if err := c.checkEnumsIn(typeName, element, appendPath(path, ast.PathIndex(i))); err != nil {
				return err
			}
		}
	case []any:
		for i, element := range v {
			if err := c.checkEnumsIn(typeName, element, appendPath(path, ast.PathIndex(i))); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, f := range definition.Fields { // none when the type is a scalar of any shape
			if err := c.checkEnumsIn(f.Type.Name(), v[f.Name], appendPath(path, ast.PathName(f.Name))); err != nil {
				return err
			}
		}
	}
	return nil
}

// appendPath never writes into the memory of path, which several elements share.
func appendPath(path ast.Path, element ast.PathElement) ast.Path {
	return append(path[:len(path):len(path)], element)
}
