package authz_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestNotFound_OfAResolverIsAnsweredAsAForeignObject: for an object that is not there, resolvers say so in words of their
// own.
func TestNotFound_OfAResolverIsAnsweredAsAForeignObject(t *testing.T) {
	s := mustServe(t, false)
	says, adds := true, false
	s.exec.AroundFields(func(ctx context.Context, next graphql.Resolver) (any, error) {
		result, err := next(ctx)
		fc := graphql.GetFieldContext(ctx)
		if id := fc.Args["id"]; says && fc.IsResolver && (id == "nothing" || id == "d3") {
			err = &gqlerror.Error{Message: "no such thing", Extensions: map[string]any{"code": "NOT_FOUND"}}
			if adds { // to the response, where it does not pass the guard
				graphql.AddError(ctx, err)
				return nil, nil
			}
			return nil, err
		}
		return result, err
	})
	ask := func(persona, text string) string {
		responses, errs := s.raw(viewerNamed(t, persona), named(text))
		if errs != nil {
			t.Fatal(errs)
		}
		return string(must(json.Marshal(responses)))
	}
	for field, below := range map[string]string{"draft": "{ id }", "mustDraft": "{ id }", "node": "{ id }", "club": "{ name }"} {
		foreign := map[string]string{"club": "c2"}[field]
		if foreign == "" {
			foreign = "d1"
		}
		for _, persona := range []string{"other user", "missing"} {
			for _, shape := range []string{`{ open x: %s }`, `{ open ...A } fragment A on Query { ... { ...B } ...B }
				fragment B on Query { x: %s }`} {
				for _, adds = range []bool{true, false} {
					a, b := ask(persona, fmt.Sprintf(shape, field+`(id: "`+foreign+`") `+below)),
						ask(persona, fmt.Sprintf(shape, field+`(id: "nothing") `+below))
					if a != b {
						t.Errorf("%s as %s:\nforeign %s\nmissing %s", field, persona, a, b)
					}
				}
			}
		}
	}
	const discard = `mutation { discard(id: "d3") }`
	const want = `null | NOT_FOUND Mutation.discard(id:) @discard`
	testenv.Equal(t, `{"discard":null}`+want[len("null"):], s.summary(t, "alice", discard),
		"an object that is gone when the resolver looks")
	for _, text := range []string{`{ draft(id: "nothing") { id } }`, `{ draft(id: "nothing") { review } }`} {
		testenv.Equal(t, `{"draft":null} | NOT_FOUND  @draft`, s.summary(t, "administrator", text),
			"who may see every object reads the resolver's words, also beside a field that depends on the object")
	}
	says = false
	testenv.Equal(t, `{"discard":"d3"}`, s.summary(t, "alice", discard), "the control")
}

// TestError_OfAResolverPassesTheGuard, unless it is NOT_FOUND: also where objects are decided.
func TestError_OfAResolverPassesTheGuard(t *testing.T) {
	for _, verify := range []bool{false, true} {
		s := mustServe(t, verify)
		s.exec.AroundFields(func(ctx context.Context, next graphql.Resolver) (any, error) {
			if graphql.GetFieldContext(ctx).Field.Name == "open" {
				return next(ctx)
			}
			return nil, &gqlerror.Error{Message: "full", Extensions: map[string]any{"code": "DISK_FULL"}}
		})
		for text, want := range map[string]string{
			`{ open post(id: "p1") { secret } }`:                          `{"open":"open","post":null} | DISK_FULL  @post`,
			`{ open draft(id: "d1") { id } }`:                             `{"open":"open","draft":null} | DISK_FULL  @draft`,
			`{ open excerpt(id: "d1") }`:                                  `{"open":"open","excerpt":null} | DISK_FULL  @excerpt`,
			`mutation { discard(id: "d1") }`:                              `{"discard":null} | DISK_FULL  @discard`,
			`mutation { signIn(id: "alice") { token member { email } } }`: `{"signIn":null} | DISK_FULL  @signIn`,
		} {
			testenv.Equal(t, want, s.summary(t, "alice", text), "%s", text)
		}
	}
}

// TestNotFound_ThatAResolverAddsForAListIsInTheGuardsWords: the list is null, in which nothing is hidden.
func TestNotFound_ThatAResolverAddsForAListIsInTheGuardsWords(t *testing.T) {
	s := mustServe(t, false)
	s.exec.AroundFields(func(ctx context.Context, next graphql.Resolver) (any, error) {
		if name := graphql.GetFieldContext(ctx).Field.Name; name == "draftsOrNull" || name == "post" {
			graphql.AddError(ctx, &gqlerror.Error{Message: "no such thing", Extensions: map[string]any{"code": "NOT_FOUND"}})
			return nil, nil
		}
		return next(ctx)
	})
	for _, text := range []string{`{ open x: draftsOrNull { id } }`,
		`{ open ...A } fragment A on Query { ... { ...B } ...B } fragment B on Query { x: draftsOrNull { id } }`} {
		const want = `{"open":"open","x":null} | NOT_FOUND Query.draftsOrNull @x`
		testenv.Equal(t, want, s.summary(t, "alice", text), "%s", text)
	}
	open := `{ draft(id: "d3") { id } post(id: "p1") { id } }`
	if got := s.summary(t, "alice", open); !strings.Contains(got, "no such thing") {
		t.Errorf("beside what is guarded, an open field has the resolver's words: %s", got)
	}
	if got := s.summary(t, "administrator", `{ draftsOrNull { id } }`); !strings.Contains(got, "no such thing") {
		t.Errorf("who may see every object reads the resolver's words: %s", got)
	}
}
