package graph

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/gatehouse/gatehouse/internal/problem"
)

// wrongArgument returns the argument whose value gqlgen could not turn into its Go type, for instance an ID that is no
// UUID. Only then has the field context no arguments although the field has some; the error's path goes on into the
// argument.
func wrongArgument(ctx context.Context, err error) (ast.Path, bool) {
	fc := graphql.GetFieldContext(ctx)
	e, ok := errors.AsType[*gqlerror.Error](err)
	if !ok || fc == nil || fc.Args != nil || fc.Field.Field == nil || len(fc.Field.Arguments) == 0 ||
		len(e.Path) <= len(fc.Path()) {
		return nil, false
	}
	return e.Path[len(fc.Path()):], true
}

// wrongArguments returns a problem for each value in the arguments of a field that gqlgen cannot turn into its Go type.
// Gqlgen stops at the first, whose path is given.
func (p ErrorPresenter) wrongArguments(ctx context.Context, first ast.Path) []*problem.Problem {
	w := wrongValues{schema: p.Schema}
	if field := graphql.GetFieldContext(ctx).Field.Field; field.Definition != nil && p.Schema != nil {
		values := field.ArgumentMap(graphql.GetOperationContext(ctx).Variables)
		for _, a := range field.Definition.Arguments {
			w.visit(a.Type, values[a.Name], ast.Path{ast.PathName(a.Name)})
		}
	}
	if len(w.found) == 0 { // a type that is not known here
		w.add(first, problem.Malformed, "it does not fit its type")
	}
	return w.found
}

// wrongValues collects the values that do not fit their types.
type wrongValues struct {
	schema *ast.Schema
	found  []*problem.Problem
}

func (w *wrongValues) visit(typ *ast.Type, value any, path ast.Path) {
	if value == nil {
		return
	}
	if typ.Elem != nil {
		for i, element := range graphql.CoerceList(value) {
			w.visit(typ.Elem, element, appendPath(path, ast.PathIndex(i)))
		}
		return
	}
	fields, isObject := value.(map[string]any)
	if definition := w.schema.Types[typ.NamedType]; definition.Kind == ast.InputObject && isObject {
		for _, f := range definition.Fields {
			w.visit(f.Type, fields[f.Name], appendPath(path, ast.PathName(f.Name)))
		}
		return
	}
	w.visitScalar(typ.NamedType, value, path)
}

func (w *wrongValues) visitScalar(name string, value any, path ast.Path) {
	switch name {
	case "ID":
		if _, err := graphql.UnmarshalUUID(value); err != nil {
			w.add(path, problem.Malformed, "an ID is a UUID")
		}
	case "Int":
		if _, err := graphql.UnmarshalInt32(value); err != nil {
			message := fmt.Sprintf("an Int is a whole number from %d to %d", math.MinInt32, math.MaxInt32)
			w.add(path, problem.OutOfRange, message).Bounds = &problem.Bounds{Min: math.MinInt32, Max: math.MaxInt32}
		}
	case "String":
		if _, err := graphql.UnmarshalString(value); err != nil {
			w.add(path, problem.Malformed, "a String is text in quotes")
		}
	case "Boolean":
		if _, err := graphql.UnmarshalBoolean(value); err != nil {
			w.add(path, problem.Malformed, "a Boolean is true or false")
		}
	}
}

// add adds a problem. A field of an input object is named as it is for every other problem: without the argument.
func (w *wrongValues) add(path ast.Path, reason problem.InputProblem, expected string) *problem.Problem {
	if len(path) > 1 {
		if _, ok := path[1].(ast.PathName); ok {
			path = path[1:]
		}
	}
	wrong := problem.BadInput(path.String(), reason, fmt.Sprintf("the value of %s is refused; %s", path, expected))
	w.found = append(w.found, wrong)
	return wrong
}

// appendPath never writes into the memory of path, which several elements share.
func appendPath(path ast.Path, element ast.PathElement) ast.Path {
	return append(path[:len(path):len(path)], element)
}
