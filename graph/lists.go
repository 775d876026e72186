package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// marshalList marshals the elements of a list. gqlgen would begin a goroutine for each, whose stack is copied as it
// grows; that pays only where a resolver waits.
func marshalList(
	ctx context.Context, sel ast.SelectionSet, length int, marshal func(context.Context, int) graphql.Marshaler,
) graphql.Array {
	if selectsWaiting(sel) {
		return graphql.MarshalSliceConcurrently(ctx, length, 0, false, marshal)
	}
	list := make(graphql.Array, length)
	for i := range list {
		list[i] = marshalElement(ctx, i, marshal)
	}
	return list
}

// marshalElement does for one element what gqlgen does: one that panics is null, with an error at its path.
func marshalElement(
	ctx context.Context, i int, marshal func(context.Context, int) graphql.Marshaler,
) (element graphql.Marshaler) {
	ctx = graphql.WithFieldContext(ctx, &graphql.FieldContext{Index: &i})
	defer func() {
		if cause := recover(); cause != nil {
			graphql.AddError(ctx, graphql.Recover(ctx, cause))
			element = graphql.Null
		}
	}()
	return marshal(ctx, i)
}

// selectsWaiting reports whether a resolver below a selection may wait. That @skip may leave it out does not matter.
func selectsWaiting(set ast.SelectionSet) bool {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			if waitingFields[s.ObjectDefinition.Name+"."+s.Name] || selectsWaiting(s.SelectionSet) {
				return true
			}
		case *ast.InlineFragment:
			if selectsWaiting(s.SelectionSet) {
				return true
			}
		case *ast.FragmentSpread:
			if selectsWaiting(s.Definition.SelectionSet) {
				return true
			}
		}
	}
	return false
}
