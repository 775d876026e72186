package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// maxPlainFields bounds the selections whose aliases are compared each with each.
const maxPlainFields = 32

// collectFields is graphql.CollectFields without its cache, where it would be filled for one use: outside of lists,
// when each selection is a field that is there once and whatever the variables are.
func collectFields(
	ctx context.Context, op *graphql.OperationContext, sel ast.SelectionSet, satisfies []string,
) []graphql.CollectedField {
	if len(sel) > maxPlainFields || isInList(graphql.GetFieldContext(ctx)) {
		return graphql.CollectFields(op, sel, satisfies)
	}
	fields := make([]graphql.CollectedField, len(sel))
	for i, s := range sel {
		f, ok := s.(*ast.Field)
		if !ok || len(f.Directives) > 0 || hasAlias(fields[:i], f.Alias) {
			return graphql.CollectFields(op, sel, satisfies)
		}
		below := f.SelectionSet[:len(f.SelectionSet):len(f.SelectionSet)] // all requests have it, so none may append
		fields[i] = graphql.CollectedField{Field: f, Selections: below, IsNonDeferrable: true}
	}
	return fields
}

func hasAlias(fields []graphql.CollectedField, alias string) bool {
	for i := range fields {
		if fields[i].Alias == alias {
			return true
		}
	}
	return false
}

// isInList reports whether an object is an element of a list, or below one.
func isInList(at *graphql.FieldContext) bool {
	for ; at != nil; at = at.Parent {
		if at.Index != nil {
			return true
		}
	}
	return false
}
