package authz_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"

	"github.com/gatehouse/gatehouse/authz/testdata/allfeatures"
	"github.com/gatehouse/gatehouse/authz/testdata/runtimedirectives"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestRuntimeDirectives_AreSkippedInSomePlaces counts how often gqlgen runs a directive.
func TestRuntimeDirectives_AreSkippedInSomePlaces(t *testing.T) {
	asked := 0
	directives := runtimedirectives.DirectiveRoot{
		Auth: func(ctx context.Context, _ any, next graphql.Resolver) (any, error) {
			asked++
			return next(ctx)
		},
	}
	exec := executor.New(runtimedirectives.NewExecutableSchema(runtimedirectives.Config{
		Resolvers: runtimedirectives.Resolver{}, Directives: directives,
	}))
	for _, c := range []struct {
		place, text string
		asked       int
	}{
		{"a type's rule runs where a field returns the type", `{ secret { id } }`, 1},
		{"a type's rule does not run through a union", `{ thing { ... on Secret { id } } }`, 0},
		{"a rule on an interface's field never runs", `{ animal { name } }`, 0},
		{"a rule on a field that returns a root type never runs", `{ again { secret { __typename } } }`, 1},
	} {
		asked = 0
		run(t, exec, context.Background(), c.text)
		testenv.Equal(t, c.asked, asked, "%s: gqlgen has changed: times asked", c.place)
	}
}

// TestGuard_CoversWhatRuntimeDirectivesSkip: in those places the guard denies the field or rejects the schema.
func TestGuard_CoversWhatRuntimeDirectivesSkip(t *testing.T) {
	s := mustServe(t, false)
	for text, want := range map[string]string{
		`{ open search(text: "x") { ... on Memo { text } } }`: `"search":null} | UNAUTHENTICATED Query.search @search[1]`,
		`{ open vault { query { open } } }`:                   `"vault":null} | UNAUTHENTICATED Query.vault @vault`,
	} {
		want = `{"open":"open",` + want
		testenv.Equal(t, want, s.summary(t, "missing", text), "%s", text)
	}
	sdl := strings.Replace(allfeatures.SDL, "interface Node { id: ID! }", "interface Node { id: ID! @auth }", 1)
	_, err := serve(t, sdl, testConfig(false))
	if err == nil || !strings.Contains(err.Error(), "on a field of an interface nothing enforces it") {
		t.Errorf("a rule on an interface's field is accepted: %v", err)
	}
}

// TestAuthDirective_OnInputObjectStillGuardsObjects: gqlgen stops running a directive on objects when INPUT_OBJECT is
// among its locations.
func TestAuthDirective_OnInputObjectStillGuardsObjects(t *testing.T) {
	sdl := strings.Replace(allfeatures.SDL, "on OBJECT |", "on OBJECT | INPUT_OBJECT |", 1)
	s := must(serve(t, sdl, testConfig(false)))
	if got := s.summary(t, "other user", `{ draft(id: "d1") { id } }`); !strings.Contains(got, "NOT_FOUND Query.draft") {
		t.Error(got)
	}
}

// TestDeferredFragments_AreGuarded: gqlgen answers them later, through the same guard.
func TestDeferredFragments_AreGuarded(t *testing.T) {
	const text = `{ post(id: "p2") { id ... @defer { secret audit comments { id } } } }`
	got := mustServe(t, false).summary(t, "alice", text)
	for _, want := range []string{"NOT_FOUND Post.secret", "FORBIDDEN Post.audit"} {
		if !strings.Contains(got, want) || strings.Contains(got, `"secret":"secret"`) {
			t.Error(got)
		}
	}
}

// TestSharedDocument_IsNotChanged: two viewers use one parsed query and one plan simultaneously.
func TestSharedDocument_IsNotChanged(t *testing.T) {
	const (
		text = `query Op($v: Boolean) { draft(id: "d1") { body } post(id: "p1") { notes(secret: $v) secret } }`
		data = `{"draft":{"body":"body"},"post":`
	)
	s := mustServe(t, false)
	var all sync.WaitGroup
	for name, want := range map[string]string{
		"alice":         data + `{"notes":null,"secret":"secret"}} | FORBIDDEN Post.notes(secret:) @post.notes`,
		"administrator": data + `{"notes":["note","true"],"secret":null}} | NOT_FOUND Post.secret @post.secret`,
	} {
		for range 4 {
			all.Go(func() {
				for range 200 {
					if got := s.summary(t, name, text, map[string]any{"v": true}); got != want {
						t.Error(got)
						return
					}
				}
			})
		}
	}
	all.Wait()
}

func run(t testing.TB, exec *executor.Executor, ctx context.Context, text string) {
	t.Helper()
	ctx = graphql.StartOperationTrace(ctx)
	oc, errs := exec.CreateOperationContext(ctx, &graphql.RawParams{Query: text})
	if errs != nil {
		t.Fatal(errs)
	}
	next, ctx := exec.DispatchOperation(ctx, oc)
	if r := next(ctx); len(r.Errors) > 0 {
		t.Fatal(r.Errors)
	}
}
