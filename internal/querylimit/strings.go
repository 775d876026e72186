package querylimit

import (
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/gatehouse/gatehouse/internal/problem"
)

// checkStrings refuses variables whose enum values are not written exactly as in the schema, and strings for numbers.
// gqlparser ignores the case of enum values and takes strings for numbers; gqlgen turns an unknown name into the zero
// value of the Go type without an error.
func (c VariableChecks) checkStrings(op *graphql.OperationContext) *gqlerror.Error {
	for _, v := range op.Operation.VariableDefinitions {
		path := ast.Path{ast.PathName("variable"), ast.PathName(v.Variable)}
		if err := c.checkStringsIn(v.Type.Name(), op.Variables[v.Variable], path); err != nil {
			return err
		}
	}
	return nil
}

func (c VariableChecks) checkStringsIn(typeName string, value any, path ast.Path) *gqlerror.Error {
	definition := c.Schema.Types[typeName]
	switch v := value.(type) {
	case string:
		unknown := definition.Kind == ast.Enum && definition.EnumValues.ForName(v) == nil
		if unknown || typeName == "Int" || typeName == "Float" {
			err := newError(problem.ValidationFailed, fmt.Sprintf("is not a valid %s", typeName))
			err.Path = path
			return err
		}
	case []string: // gqlparser makes it of one string where the type is a list
		for i, element := range v {
			if err := c.checkStringsIn(typeName, element, appendPath(path, ast.PathIndex(i))); err != nil {
				return err
			}
		}
	case []any:
		for i, element := range v {
			if err := c.checkStringsIn(typeName, element, appendPath(path, ast.PathIndex(i))); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, f := range definition.Fields { // none when the type is a scalar of any shape
			if err := c.checkStringsIn(f.Type.Name(), v[f.Name], appendPath(path, ast.PathName(f.Name))); err != nil {
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
