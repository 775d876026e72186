package authz

import (
	"context"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/authz/testdata/allfeatures"
)

// TestEventStream_DecidesTheValueOfAnEventWithAContext: fields with @subscriptionContext send the value inside of a
// graphql.Event, whose context names the viewer.
func TestEventStream_DecidesTheValueOfAnEventWithAContext(t *testing.T) {
	type whoKey struct{}
	guard := benchGuard(t)
	isAuthor := func(_ context.Context, v *allfeatures.Viewer, d *allfeatures.Draft) (bool, error) {
		return *d.AuthorID == v.ID, nil
	}
	guard.config.Owners["AUTHOR"] = []Owner{OwnerOf(isAuthor)}
	guard.config.Viewer = func(ctx context.Context) (Viewer, error) {
		id, _ := ctx.Value(whoKey{}).(string)
		return &allfeatures.Viewer{ID: id}, nil
	}
	as := func(id string) context.Context { return context.WithValue(t.Context(), whoKey{}, id) }
	alice := "alice"
	draft := &allfeatures.Draft{AuthorID: &alice}
	in := make(chan graphql.Event[*allfeatures.Draft], 3)
	in <- graphql.Event[*allfeatures.Draft]{Value: draft}
	in <- graphql.Event[*allfeatures.Draft]{Context: as("bob"), Value: draft}
	in <- graphql.Event[*allfeatures.Draft]{Context: as("alice"), Value: draft}
	close(in)
	doc := benchDocument(t, guard.table.schema, `subscription { drafts { id } }`)
	e := &execution{guard: guard, plan: newPlan(guard.table, doc, doc.Operations[0]), denied: map[string]*violation{}}
	field := doc.Operations[0].SelectionSet[0].(*ast.Field)
	out := e.listen(&graphql.FieldContext{Object: "Subscription", Field: graphql.CollectedField{Field: field}},
		(<-chan graphql.Event[*allfeatures.Draft])(in)).(<-chan graphql.Event[*allfeatures.Draft])
	for i, visible := range []bool{false, false, true} { // for nobody, bob and alice
		if denials := e.forwardEvent(as("")); denials != nil {
			t.Fatal(denials)
		}
		if event := <-out; (event.Value != nil) != visible {
			t.Errorf("event %d: %+v", i, event)
		}
	}
}
