package authz_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"

	"github.com/gatehouse/gatehouse/authz/testdata/allfeatures"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestLimits_AreThoseOfTheDocumentation shows what doc.go says that the guard cannot decide: a limit that falls is to
// be removed there.
func TestLimits_AreThoseOfTheDocumentation(t *testing.T) {
	s := mustServe(t, false)
	s.exec.AroundFields(func(ctx context.Context, next graphql.Resolver) (any, error) {
		if graphql.GetFieldContext(ctx).Field.Alias == "fails" {
			return nil, errors.New("a secret of ann's")
		}
		return next(ctx)
	})
	const denied = ` | NOT_FOUND Query.draftsOrNull @draftsOrNull[0]`
	for text, want := range map[string]string{
		`{ draftsOrNull { id } }`:          `{"draftsOrNull":[null,null,{"id":"d2"},null]}` + denied,
		`{ post(id: "p1") { meta } }`:      `{"post":{"meta":{"k":"v"}}}`,
		`{ fails: post(id: "p1") { id } }`: `{"fails":null} | unexpected: input:1:3: fails a secret of ann's @fails`,
	} {
		if got := strings.ReplaceAll(s.summary(t, "editor", text), "\n", ""); got != want { // a scalar ends with one
			t.Errorf("%s: %s", text, got)
		}
	}
	s.exec = executor.New(s.resolver.Executable(must(allfeatures.Load(allfeatures.SDL)))) // without Use
	testenv.Equal(t, `{"staff":"staff"}`, s.summary(t, "no viewer", `{ staff }`), "a server without the guard")
}
