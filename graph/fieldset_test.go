package graph

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestFieldSet_WritesWhatGqlgensDoes of objects with up to six fields, of which some have the same name.
func TestFieldSet_WritesWhatGqlgensDoes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 0))
	names := []string{"id", "email", "_a1", "__typename"}
	for range 500 {
		fields := make([]graphql.CollectedField, random.IntN(7))
		for i := range fields {
			fields[i].Field = &ast.Field{Alias: names[random.IntN(len(names))]}
		}
		set := newFieldSet(fields)
		for i := range set.Values {
			set.Values[i] = graphql.MarshalInt(i)
		}
		var ours, gqlgens bytes.Buffer
		set.MarshalGQL(&ours)
		set.FieldSet.MarshalGQL(&gqlgens)
		testenv.Equal(t, gqlgens.String(), ours.String(), "an object of %d fields", len(fields))
	}
}
