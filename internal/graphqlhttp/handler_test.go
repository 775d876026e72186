package graphqlhttp

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/gatehouse/gatehouse/internal/graphqltest"
	"github.com/gatehouse/gatehouse/internal/problem"
)

// toy returns a handler of the schema of graphqltest.
func toy(t testing.TB, change ...func(*Config)) *Handler {
	t.Helper()
	c := Config{Schema: graphqltest.Schema(), Log: slog.New(slog.DiscardHandler), PresentError: present}
	for _, f := range change {
		f(&c)
	}
	return NewHandler(c)
}

// present is a small error presenter.
func present(ctx context.Context, err error) *gqlerror.Error {
	e, ok := errors.AsType[*gqlerror.Error](err)
	switch {
	case ok && CodeOf(e) != "":
		return e
	case ctx.Err() != nil:
		e := NewError(problem.Unavailable, "too late")
		e.Extensions["retryAfter"] = 1
		return e
	}
	return InternalError(ctx)
}

func readable(c *Config) { c.Introspection = true }

func TestHandler_CachesValidShortDocumentsThatComeAgain(t *testing.T) {
	tooLong := "{ping}" + graphqltest.Repeat(maxCachedText, " ")
	tooMany := "{" + graphqltest.Repeat(11, "ping ") + "}"
	for signedIn, want := range map[bool]int{false: 1, true: 2} {
		cache := graphql.MapCache[*ast.QueryDocument]{}
		h := toy(t, func(c *Config) {
			c.Documents, c.Caller = cache, func(context.Context) Caller { return Caller{SignedIn: signedIn} }
		})
		for _, document := range []string{"{pong}", "{", tooMany, tooLong, "{pong}", "{", tooMany, tooLong} {
			graphqltest.Query(t, h, document)
		}
		if len(cache) != 0 {
			t.Errorf("cached: %d wrong or long documents", len(cache))
		}
		for _, document := range []string{"{ping}", "{ping }", "{ping}"} {
			graphqltest.Query(t, h, document)
		}
		if len(cache) != want || cache["{ping}"] == nil {
			t.Errorf("signed in %v: cached %d documents, want %d", signedIn, len(cache), want)
		}
	}
}

func TestHandler_BeforeAndAfterFrameTheOperation(t *testing.T) {
	type key struct{}
	refuse := false
	h := toy(t, func(c *Config) {
		c.Before = func(ctx context.Context, _ *http.Request) (context.Context, *RequestError) {
			if refuse {
				return nil, BadRequest(http.StatusTeapot, "no").With("X-Reason", "tea")
			}
			return context.WithValue(ctx, key{}, "kept"), nil
		}
		c.After = func(ctx context.Context, h http.Header) { h.Set("X-After", ctx.Value(key{}).(string)) }
	})
	for document, after := range map[string]string{"{ping}": "kept", "{pong}": "", "{": ""} {
		if got := graphqltest.Query(t, h, document); got.Header.Get("X-After") != after {
			t.Errorf("%s: After has set %q, want %q", document, got.Header.Get("X-After"), after)
		}
	}
	refuse = true
	got := graphqltest.Query(t, h, "{ping}")
	if got.StatusCode != http.StatusTeapot || got.Header.Get("X-Reason") != "tea" || got.Header.Get("X-After") != "" {
		t.Errorf("%d %v %s", got.StatusCode, got.Header, got.Text)
	}
}
