package graph

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/graphqltest"
	"github.com/gatehouse/gatehouse/internal/logging"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// stub answers for the accounts of the product's schema.
type stub struct {
	ResolverRoot
	me    func(context.Context) (*accounts.User, error)
	login func(context.Context, accounts.LoginInput) (*accounts.AuthPayload, error)
}

type (
	stubQuery struct {
		QueryResolver
		stub
	}
	stubMutation struct {
		MutationResolver
		stub
	}
)

func (s stub) Query() QueryResolver       { return stubQuery{stub: s} }
func (s stub) Mutation() MutationResolver { return stubMutation{stub: s} }

func (s stubQuery) Me(ctx context.Context) (*accounts.User, error) {
	if s.me == nil {
		return nil, nil
	}
	return s.me(ctx)
}

func (s stubMutation) Login(ctx context.Context, in accounts.LoginInput) (*accounts.AuthPayload, error) {
	return s.login(ctx, in)
}

// product returns the handler of the product's schema over a stub.
func product(t testing.TB, s stub, change ...func(*HandlerConfig)) http.Handler {
	return newHandler(t, NewExecutableSchema(Config{Resolvers: s}), change...)
}

// toy returns the handler of the schema of graphqltest.
func toy(t testing.TB, change ...func(*HandlerConfig)) http.Handler {
	return newHandler(t, graphqltest.Schema(), change...)
}

func newHandler(t testing.TB, schema graphql.ExecutableSchema, change ...func(*HandlerConfig)) http.Handler {
	t.Helper()
	c := HandlerConfig{}
	c.Schema, c.Log = schema, slog.New(slog.NewTextHandler(io.Discard, nil))
	for _, f := range change {
		f(&c)
	}
	return NewHandler(c)
}

func readable(c *HandlerConfig) { c.Introspection = true }

func logInto(b *bytes.Buffer) func(*HandlerConfig) {
	return func(c *HandlerConfig) { c.Log = slog.New(logging.WithRequestID(slog.NewTextHandler(b, nil))) }
}

const invalid = "GRAPHQL_VALIDATION_FAILED"

func TestHandler_TwoAuthorizationHeadersAreRefused(t *testing.T) {
	h := toy(t)
	r := graphqltest.NewPost(graphqltest.Body("{ping}"))
	doubled := r.WithContext(viewer.With(r.Context(), &viewer.Viewer{DuplicateAuthorization: true}))
	got := graphqltest.Send(t, h, doubled)
	if got.StatusCode != 400 || got.Code() != "BAD_USER_INPUT" ||
		got.Header.Get("WWW-Authenticate") != `Bearer error="invalid_request"` {
		t.Errorf("%d %s %q", got.StatusCode, got.Text, got.Header.Get("WWW-Authenticate"))
	}
	r = graphqltest.NewPost(graphqltest.Body("{ping}"))
	once := r.WithContext(viewer.With(r.Context(), viewer.Anonymous(viewer.Expired)))
	if got := graphqltest.Send(t, h, once); got.StatusCode != 200 {
		t.Errorf("one header: %d %s", got.StatusCode, got.Text)
	}
}
