package graph

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// TestCollectFields_FindsWhatGqlgenFinds in generated selections of fields, aliases, directives and fragments, and in
// those below them, outside and inside of lists.
func TestCollectFields_FindsWhatGqlgenFinds(t *testing.T) {
	schema, plain := LoadSchema(), 0
	inList := graphql.WithFieldContext(t.Context(), &graphql.FieldContext{Index: new(int)})
	inList = graphql.WithFieldContext(inList, &graphql.FieldContext{})
	for seed := range uint64(500) {
		text := "query($yes: Boolean = true){me{" + randomMe(rand.New(rand.NewPCG(seed, 0)), 0) + "} " +
			"all:me{...F id@include(if:$yes)}} fragment F on User{id sessions{id}}"
		doc, errs := gqlparser.LoadQueryWithRules(schema, text, nil)
		if errs != nil {
			t.Fatalf("%s: %v", text, errs)
		}
		var check func(ast.SelectionSet)
		check = func(set ast.SelectionSet) {
			op := func() *graphql.OperationContext {
				return &graphql.OperationContext{Doc: doc, Variables: map[string]any{"yes": seed%2 == 0}}
			}
			want := graphql.CollectFields(op(), set, userImplementors)
			ours := collectFields(t.Context(), op(), set, userImplementors)
			if !reflect.DeepEqual(want, ours) || !reflect.DeepEqual(want, collectFields(inList, op(), set, userImplementors)) {
				t.Fatalf("%s:\n%+v\nis, by gqlgen,\n%+v", text, ours, want)
			}
			for _, f := range ours {
				check(f.Selections)
				shared := len(f.Selections) > 0 && &f.Selections[0] == &f.SelectionSet[0]
				if shared && cap(f.Selections) > len(f.Selections) {
					t.Fatalf("%s: an append to the selections of %s would change the document", text, f.Alias)
				}
			}
			if len(set) > 0 && len(ours) == len(set) {
				plain++
			}
		}
		check(doc.Operations[0].SelectionSet)
	}
	if plain < 500 {
		t.Errorf("%d selections were plain fields", plain)
	}
}

func randomMe(random *rand.Rand, depth int) (text string) {
	some := []string{" id", " email", " a:id", " a:id", " b:name", " __typename", " ...F", " id@include(if:$yes)",
		" name@skip(if:$yes)", " ...{id}", " ...on User{sessions{current}}", " ...F@skip(if:$yes)"}
	if depth < 2 {
		some = append(some, " sessions{id}", " sessions{current userAgent}", " ...on User{"+randomMe(random, depth+1)+"}")
	}
	for range 1 + random.IntN(4) {
		text += some[random.IntN(len(some))]
	}
	return text
}
