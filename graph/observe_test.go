package graph

import (
	"bytes"
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/graphqlhttp"
	"github.com/gatehouse/gatehouse/internal/graphqltest"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/requestid"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestObserver_SeesEachRequestOnceAsItWasAnswered also when it is no GraphQL, or panics.
func TestObserver_SeesEachRequestOnceAsItWasAnswered(t *testing.T) {
	type marked struct{}
	var seen []graphqlhttp.RequestStats
	s := stub{me: func(ctx context.Context) (*accounts.User, error) {
		if ctx.Value(marked{}) != true {
			t.Error("the resolver does not have the observer's context")
		}
		panic("hunter2")
	}}
	h := product(t, s, logInto(&bytes.Buffer{}), func(c *HandlerConfig) {
		c.Observe = func(ctx context.Context) (context.Context, func(graphqlhttp.RequestStats)) {
			return context.WithValue(ctx, marked{}, true), func(o graphqlhttp.RequestStats) { seen = append(seen, o) }
		}
	})
	code := func(c problem.Code) []graphqlhttp.ErrorStats { return []graphqlhttp.ErrorStats{{Code: c}} }
	for _, c := range []struct {
		body string
		want graphqlhttp.RequestStats
	}{
		{`{"query":"{ __typename }"}`, graphqlhttp.RequestStats{Type: "query", Field: "__typename", Status: 200}},
		{
			`{"query":"query A { ...F } fragment F on Query { ... { me { id } } }"}`,
			graphqlhttp.RequestStats{Name: "A", Type: "query", Field: "me", Status: 200, Errors: code(problem.Internal),
				Panics: 1},
		},
		{
			`{"query":"{ me { passwordHash } }","operationName":"no\nname"}`,
			graphqlhttp.RequestStats{Status: 400, Errors: code(problem.ValidationFailed)},
		},
		{
			`{"query":"query A { __typename } query B { __typename }","operationName":"C"}`,
			graphqlhttp.RequestStats{Status: 400, Errors: code(problem.ValidationFailed)},
		},
		{`{"query":"{"}`, graphqlhttp.RequestStats{Status: 400, Errors: code(problem.ParseFailed)}},
		{`{"password":"hunter2"`, graphqlhttp.RequestStats{Status: 400, Errors: code(problem.BadUserInput)}},
	} {
		seen = nil
		graphqltest.Post(t, h, c.body, "Accept", "application/graphql-response+json")
		testenv.Equal(t, []graphqlhttp.RequestStats{c.want}, seen, "%s", c.body)
	}
}

// TestRequestID_IsTheSameBeforeTheTransportAndInTheAnswer in what is logged before the transport, and in the answer.
func TestRequestID_IsTheSameBeforeTheTransportAndInTheAnswer(t *testing.T) {
	before := ""
	inner := toy(t)
	h := graphqlhttp.Begin(time.Minute, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		before = requestid.From(r.Context())
		inner.ServeHTTP(w, r)
	}))
	reply := graphqltest.Post(t, h, graphqltest.Body("{ping}"), "X-Request-Id", "chosen by the client")
	if id := reply.Header.Get("X-Request-Id"); len(id) != 36 || id != before {
		t.Errorf("%q, before the transport %q", id, before)
	}
}
