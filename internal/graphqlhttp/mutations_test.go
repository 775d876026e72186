package graphqlhttp

import (
	"context"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/internal/graphqltest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestMutations_WithoutASlotOnlyListsAreLeftOut resolves a mutation and fields below it while no slot is to be had.
func TestMutations_WithoutASlotOnlyListsAreLeftOut(t *testing.T) {
	tr := &transport{Config: Config{Schema: graphqltest.Schema()}}
	info := &requestInfo{Context: t.Context()}
	ctx, cancel := context.WithTimeout(info, 10*time.Millisecond)
	defer cancel()
	op := &graphql.OperationContext{ResolverMiddleware: func(ctx context.Context, r graphql.Resolver) (any, error) {
		return r(ctx)
	}}
	tr.watchMutations(op, &slot{limiter: full(t)}, true)
	for _, f := range []struct {
		object  string
		kind    *ast.Type
		refused bool
	}{
		{"Mutation", ast.NamedType("Node", nil), false},
		{"Node", ast.NamedType("Node", nil), false},
		{"Node", ast.ListType(ast.NamedType("Int", nil), nil), false},
		{"Node", ast.ListType(ast.NonNullNamedType("Node", nil), nil), true},
	} {
		field := graphql.CollectedField{Field: &ast.Field{Definition: &ast.FieldDefinition{Type: f.kind}}}
		at := graphql.WithFieldContext(ctx, &graphql.FieldContext{Object: f.object, Field: field})
		_, err := op.ResolverMiddleware(at, func(context.Context) (any, error) { return 1, nil })
		testenv.Equal(t, f.refused, err != nil, "%s of %s: refused", f.kind, f.object)
		testenv.Equal(t, true, info.mutated.Load(), "the mutation was done")
	}
}
