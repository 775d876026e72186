package graph

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	gqlparser "github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

func parsed(t *testing.T, query string) *ast.OperationDefinition {
	t.Helper()
	doc, errs := gqlparser.LoadQueryWithRules(NewExecutableSchema(Config{Resolvers: stub{}}).Schema(), query, nil)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return doc.Operations[0]
}

const aPage = "{ users(first: 100) { totalCount edges { cursor ...E } } } fragment E on UserEdge { ... { node { id email emailVerified name roles status createdAt updatedAt } } }"

func TestLargeAnswersAreMadeInTheLane(t *testing.T) {
	for query, want := range map[string]int{
		"{ me { id } }":       2,
		"{ me { id roles } }": 3,
		"{ a: me { sessions { id current createdAt lastUsedAt expiresAt userAgent ip } } }": 2 + 7*100,
		"{ users { edges { node { id email name } } } }":                                    2 + 4*100,
		aPage: 3 + 10*100,
		"{ __schema { types { fields { name } } } }":                                       2 + 100 + 100*100,
		"{ __schema { types { fields { args { type { fields { args { name } } } } } } } }": most,
	} {
		if got := fieldsOf(parsed(t, query).SelectionSet, 1, 100); got != want {
			t.Errorf("%s: %d fields, want %d", query, got, want)
		}
	}
	l := lane{free: make(chan struct{}, 1), line: make(chan struct{}, 1)}
	enter := func(query string) (leave func(), in bool) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		leave, refused := l.enter(ctx, parsed(t, query), 100)
		if refused != nil && refused.Extensions["retryAfter"] != 1 {
			t.Errorf("refused with %v", refused.Extensions)
		}
		return leave, refused == nil
	}
	leave, in := enter(aPage)
	if !in || len(l.line) != 0 {
		t.Fatal("the lane is free, and nobody gets in")
	}
	if _, in := enter(aPage); in || len(l.line) != 0 {
		t.Error("two are in a lane for one")
	}
	if _, in := enter("{ me { id } }"); !in {
		t.Error("a small answer waits for large ones")
	}
	leave()
	if _, in := enter(aPage); !in {
		t.Error("the lane is not free again")
	}
	l.line <- struct{}{}
	start := time.Now()
	if _, refused := l.enter(t.Context(), parsed(t, aPage), 100); refused == nil || time.Since(start) > time.Second {
		t.Error("the line has no end")
	}
}

// The lane is left whatever becomes of the operation.
func TestTheLaneIsLeft(t *testing.T) {
	h := product(t, stub{}, func(c *HandlerConfig) { c.Extensions = append(c.Extensions, panics{}) })
	for range 4 * longestLine {
		r := query(t, h, aPage)
		if r.StatusCode != http.StatusInternalServerError || !strings.Contains(r.text, "INTERNAL") {
			t.Fatalf("%d %s", r.StatusCode, r.text)
		}
	}
}

type panics struct{}

func (panics) ExtensionName() string                   { return "panics" }
func (panics) Validate(graphql.ExecutableSchema) error { return nil }
func (panics) InterceptOperation(context.Context, graphql.OperationHandler) graphql.ResponseHandler {
	panic("in an extension")
}
