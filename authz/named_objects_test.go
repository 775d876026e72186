package authz_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/gatehouse/gatehouse/authz"
	"github.com/gatehouse/gatehouse/authz/testdata/allfeatures"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestNamedObject_ThatCannotBeDecidedIsDenied: the object cannot be loaded, or there are too many.
func TestNamedObject_ThatCannotBeDecidedIsDenied(t *testing.T) {
	const text = `mutation { greet discard(id: "d1") }`
	for name, c := range map[string]struct {
		load func(context.Context, string) (any, error)
		text string
		want string
	}{
		"the control": {func(context.Context, string) (any, error) {
			return allfeatures.NewResolver().Object("d1"), nil
		}, text, `{"greet":"hello","discard":"d1"}`},
		"as many as may be": {func(context.Context, string) (any, error) {
			return allfeatures.NewResolver().Object("d1"), nil
		}, `mutation { greet` + strings.Repeat(` discard(id: "d1")`, 100) + `}`, `{"greet":"hello","discard":"d1"}`},
		"an error beside an object": {func(context.Context, string) (any, error) {
			return allfeatures.NewResolver().Object("d1"), errors.New("away")
		}, text, `rejected | UNAVAILABLE  @discard`},
		"an error": {func(context.Context, string) (any, error) { return nil, errors.New("away") }, text,
			`rejected | UNAVAILABLE  @discard`},
		"a panic": {func(context.Context, string) (any, error) { panic("away") }, text, `rejected | UNAVAILABLE  @discard`},
		"a nil pointer": {func(context.Context, string) (any, error) { return (*allfeatures.Draft)(nil), nil }, text,
			`rejected | NOT_FOUND Mutation.discard(id:) @discard`},
		"a value of another type": {func(context.Context, string) (any, error) { return 1, nil }, text,
			`rejected | NOT_FOUND Mutation.discard(id:) @discard`},
		"too many": {func(context.Context, string) (any, error) { return allfeatures.NewResolver().Object("d1"), nil },
			`mutation {` + strings.Repeat(` discard(id: "d1")`, 101) + `}`, `rejected | FORBIDDEN Mutation.discard(id:) @discard`},
	} {
		t.Run(name, func(t *testing.T) {
			s := serveWith(t, func(c2 *authz.Config) {
				c2.Objects["Mutation.discard(id:)"] = c.load
				c2.ErrorPresenter = func(context.Context, error) *gqlerror.Error {
					return &gqlerror.Error{Extensions: map[string]any{"code": "UNAVAILABLE"}}
				}
			})
			testenv.Equal(t, c.want, s.summary(t, "alice", c.text), "answer")
			if ran := s.resolver.Calls.Load(); (ran > 0) == strings.HasPrefix(c.want, "rejected") {
				t.Errorf("%d resolvers ran", ran)
			}
		})
	}
}

// TestNamedObject_OfAnOperationThatIsRefusedAnywayIsNotLoaded: a denied operation reads nothing.
func TestNamedObject_OfAnOperationThatIsRefusedAnywayIsNotLoaded(t *testing.T) {
	loads := 0
	s := serveWith(t, func(c *authz.Config) {
		load := c.Objects["Mutation.discard(id:)"]
		c.Objects["Mutation.discard(id:)"] = func(ctx context.Context, id string) (any, error) {
			loads++
			return load(ctx, id)
		}
	})
	s.summary(t, "alice", `mutation { discard(id: "d1") publish(id: "p1") { id } }`)
	if loads != 0 {
		t.Errorf("%d objects were loaded", loads)
	}
	if s.summary(t, "alice", `mutation { discard(id: "d1") }`); loads != 1 { // the control
		t.Errorf("%d objects were loaded", loads)
	}
}

// TestNamedObject_WithoutItsRuleIsActedUpon is what the rule prevents: the resolver asks nobody whose object it is.
func TestNamedObject_WithoutItsRuleIsActedUpon(t *testing.T) {
	config := testConfig(false)
	delete(config.Objects, "Mutation.discard(id:)")
	open := strings.Replace(allfeatures.SDL, "discard(id: ID! @auth(owner: AUTHOR))", "discard(id: ID! @public)", 1)
	s := must(serve(t, open, config))
	testenv.Equal(t, `{"discard":"d1"}`, s.summary(t, "bob", `mutation { discard(id: "d1") }`), "the owner's answer")
}
