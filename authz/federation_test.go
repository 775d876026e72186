package authz_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/authz"
	"github.com/gatehouse/gatehouse/authz/testdata/allfeatures"
	"github.com/gatehouse/gatehouse/authz/testdata/federated"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

//go:generate go tool gqlgen generate --config testdata/federated/gqlgen.yml

var federatedPersonas = []persona{
	{"nobody", nil},
	{"ann", &allfeatures.Viewer{ID: "ann"}},
	{"bob", &allfeatures.Viewer{ID: "bob"}},
	{"an editor", &allfeatures.Viewer{ID: "eve", Roles: []string{"EDITOR"}}},
	{"ann, an editor", &allfeatures.Viewer{ID: "ann", Roles: []string{"EDITOR"}}},
}

// TestFederation_EntitiesAreDecidedByTheirOwnRules asks as everybody for each field of each entity, of ann's, of bob's
// and of one that is not there, whether or not the resolvers make that an error.
func TestFederation_EntitiesAreDecidedByTheirOwnRules(t *testing.T) {
	shown, asked := 0, 0
	for _, open := range []bool{true, false} {
		for _, silent := range []bool{true, false} {
			s := serveFederated(t, &federated.Resolver{Silent: silent}, open)
			for _, typ := range s.schema.PossibleTypes["_Entity"] {
				for _, f := range typ.Fields {
					for _, p := range federatedPersonas {
						missing := s.entity(t, p, typ.Name, "zz", f.Name)
						for _, id := range []string{"a1", "b1"} {
							got := s.entity(t, p, typ.Name, id, f.Name)
							asked++
							if shows(typ, f, p.Viewer, id) && (open || p.Viewer != nil) {
								shown++
								want := fmt.Sprintf(`{"data":{"_entities":[{"%s":"%s"}]}}`, f.Name, id)
								testenv.Equal(t, want, got, "%s of %s %s as %s", f.Name, typ.Name, id, p.name)
							} else if strings.Contains(got, `"`+id+`"`) {
								t.Errorf("%s of %s %s is shown to %s: %s", f.Name, typ.Name, id, p.name, got)
							} else if strings.Contains(got, `:[null]`) && got != missing {
								t.Errorf("%s of %s as %s:\n%s is %s\nmissing is %s", f.Name, typ.Name, p.name, id, got, missing)
							}
						}
					}
				}
			}
		}
	}
	t.Logf("%d asked, %d shown", asked, shown)
}

// shows reads the schema's rules for what a persona may see of an entity.
func shows(typ *ast.Definition, f *ast.FieldDefinition, v *allfeatures.Viewer, id string) bool {
	return holds(typ.Directives, v, id) && (len(f.Directives) == 0 || holds(f.Directives, v, id))
}

func holds(rules ast.DirectiveList, v *allfeatures.Viewer, id string) bool {
	auth := rules.ForName("auth")
	if auth == nil {
		return true
	}
	text := auth.Position.Src.Input[auth.Position.Start:]
	text, _, _ = strings.Cut(text, "\n")
	return v != nil && (strings.Contains(text, "EDITOR") && v.HasRole("EDITOR") ||
		strings.Contains(text, "AUTHOR") && map[string]string{"a1": "ann", "b1": "bob"}[id] == v.ID)
}

// TestFederation_EntitiesOfSeveralTypesAreDecidedOneByOne: gqlgen resolves them by type, simultaneously.
func TestFederation_EntitiesOfSeveralTypesAreDecidedOneByOne(t *testing.T) {
	s := serveFederated(t, &federated.Resolver{}, true)
	var all []string
	for _, id := range []string{"zz", "a1", "b1"} {
		for _, typ := range []string{"Note", "Album", "Page", "Invoice"} {
			all = append(all, fmt.Sprintf(`{__typename: "%s", id: "%s"}`, typ, id))
		}
	}
	got := s.ask(t, federatedPersonas[1], `{ _entities(representations: [`+strings.Join(all, " ")+`]) {
		... on Note { text } ... on Album { title } ... on Page { draft } ... on Invoice { total } } }`)
	const want = `[null,null,null,null,{"text":"a1"},{"title":"a1"},{"draft":"a1"},null,null,null,{"draft":null},null]`
	if !strings.Contains(got, want) || strings.Count(got, `"code":`) != 2 || strings.Count(got, `"message":`) != 2 {
		t.Error(got)
	}
}

// TestFederation_ServiceIsForWhomItsRuleNames, also where introspection is off, as gqlgen calls it.
func TestFederation_ServiceIsForWhomItsRuleNames(t *testing.T) {
	s := serveFederated(t, &federated.Resolver{}, true)
	for _, p := range federatedPersonas {
		got := s.ask(t, p, `{ _service { sdl } }`)
		if may := p.Viewer != nil && p.HasRole("EDITOR"); may != strings.Contains(got, "type Invoice") {
			t.Errorf("as %s: %s", p.name, got)
		}
		if got := s.ask(t, p, `{ __schema { types { name } } }`); strings.Contains(got, "Invoice") {
			t.Errorf("introspection as %s: %s", p.name, got)
		}
	}
}

// TestSubscriptionContext_NamesTheViewerOfEachEvent: events carry contexts of their own (subscription_context_field).
func TestSubscriptionContext_NamesTheViewerOfEachEvent(t *testing.T) {
	s := serveFederated(t, &federated.Resolver{}, true)
	s.resolver.Events = func(ctx context.Context) []graphql.Event[*federated.Note] {
		note := &federated.Note{ID: "a1", Author: "ann"}
		events := []graphql.Event[*federated.Note]{{Value: note}} // without one: the viewer of the subscription
		for _, p := range append(slices.Clone(federatedPersonas[1:]), federatedPersonas[0]) {
			events = append(events, graphql.Event[*federated.Note]{Context: as(ctx, p.Viewer), Value: note})
		}
		return append(events, events[0]) // which nobody gets: the stream has ended with the one before
	}
	var got []string
	for _, r := range s.all(t, federatedPersonas[2], `subscription { notes { id } }`) {
		got = append(got, string(r.Data))
	}
	shown := `{"notes":{"id":"a1"}}`
	const hidden = `{"notes":null}`
	want := strings.Join([]string{hidden, shown, hidden, shown, shown, ""}, "\n")
	testenv.Equal(t, want, strings.Join(got, "\n"), "events")
}

// TestSubscriptionContext_OfAnotherRequestEndsTheStream: the publisher of an event is not the client that receives it.
func TestSubscriptionContext_OfAnotherRequestEndsTheStream(t *testing.T) {
	s := serveFederated(t, &federated.Resolver{}, true)
	for _, of := range federatedPersonas {
		published := as(t.Context(), of.Viewer)
		for name, foreign := range map[string]context.Context{
			"no request": graphql.WithResponseContext(published, graphql.DefaultErrorPresenter, graphql.DefaultRecover),
			"another": graphql.WithResponseContext(graphql.WithOperationContext(published, &graphql.OperationContext{}),
				graphql.DefaultErrorPresenter, graphql.DefaultRecover),
		} {
			s.resolver.Events = func(ctx context.Context) []graphql.Event[*federated.Note] {
				mine, other := &federated.Note{ID: "b1", Author: "bob"}, &federated.Note{ID: "a1", Author: "ann"}
				return []graphql.Event[*federated.Note]{{Context: ctx, Value: mine}, {Context: foreign, Value: other},
					{Value: mine}}
			}
			all := s.all(t, federatedPersonas[2], `subscription { notes { id } }`)
			if len(all) != 2 || string(all[0].Data) != `{"notes":{"id":"b1"}}` || all[1].Data != nil || len(all[1].Errors) != 1 {
				t.Errorf("context of %s, viewer %s: %s", name, of.name, must(json.Marshal(all)))
			}
		}
	}
}

type federatedServer struct {
	resolver *federated.Resolver
	schema   *ast.Schema
	exec     *executor.Executor
}

func serveFederated(t *testing.T, r *federated.Resolver, open bool) *federatedServer {
	t.Helper()
	schema := federated.NewExecutableSchema(federated.Config{Resolvers: r})
	config := testConfig(true)
	config.Objects = nil
	wrote := []authz.Owner{wrote[federated.Note](), wrote[federated.Album](), wrote[federated.Page]()}
	config.Owners = map[string][]authz.Owner{"AUTHOR": wrote}
	config.IsNotFound = func(err error) bool { return errors.Is(err, federated.ErrNotFound) }
	config.Rules = map[string]authz.Rule{"Query._entities": {{}}, "Query._service": {{Roles: []string{"EDITOR"}}}}
	if open {
		config.Rules["Query._entities"] = nil
	}
	exec := executor.New(schema)
	exec.Use(must(authz.New(schema.Schema(), config)))
	return &federatedServer{r, schema.Schema(), exec}
}

// wrote reads the field Author.
func wrote[T any]() authz.Owner {
	return authz.OwnerOf(func(_ context.Context, v *allfeatures.Viewer, object *T) (bool, error) {
		return reflect.ValueOf(object).Elem().FieldByName("Author").String() == v.ID, nil
	})
}

func (s *federatedServer) entity(t *testing.T, p persona, typ, id, field string) string {
	t.Helper()
	return s.ask(t, p, fmt.Sprintf(`{ _entities(representations: [{__typename: "%s", id: "%s"}]) { ... on %s { %s } } }`,
		typ, id, typ, field))
}

func (s *federatedServer) ask(t *testing.T, p persona, text string) string {
	t.Helper()
	return string(must(json.Marshal(s.all(t, p, text)[0])))
}

func (s *federatedServer) all(t *testing.T, p persona, text string) (all []*graphql.Response) {
	t.Helper()
	ctx := as(graphql.StartOperationTrace(t.Context()), p.Viewer)
	oc, errs := s.exec.CreateOperationContext(ctx, &graphql.RawParams{Query: text})
	if errs != nil {
		t.Fatal(errs)
	}
	next, ctx := s.exec.DispatchOperation(ctx, oc)
	for r := next(ctx); r != nil; r = next(ctx) {
		one := *r
		one.Data = append(json.RawMessage(nil), r.Data...)
		all = append(all, &one)
	}
	return all
}
