package graph

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
)

// TestEachRequestIsObservedOnceAsItWasAnswered also when it is no GraphQL, or panics.
func TestEachRequestIsObservedOnceAsItWasAnswered(t *testing.T) {
	type marked struct{}
	var seen []Observed
	s := stub{me: func(ctx context.Context) (*accounts.User, error) {
		if ctx.Value(marked{}) != true {
			t.Error("the resolver does not have the observer's context")
		}
		panic("hunter2")
	}}
	h := product(t, s, logInto(&bytes.Buffer{}), func(c *HandlerConfig) {
		c.Observe = func(ctx context.Context) (context.Context, func(Observed)) {
			return context.WithValue(ctx, marked{}, true), func(o Observed) { seen = append(seen, o) }
		}
	})
	code := func(c problem.Code) []ObservedError { return []ObservedError{{Code: c}} }
	for _, c := range []struct {
		body string
		want Observed
	}{
		{`{"query":"{ __typename }"}`, Observed{Type: "query", Field: "__typename", Status: 200}},
		{`{"query":"query A { ...F } fragment F on Query { ... { me { id } } }"}`, Observed{Name: "A", Type: "query", Field: "me", Status: 200, Errors: code(problem.Internal), Panics: 1}},
		{`{"query":"{ me { passwordHash } }","operationName":"no\nname"}`, Observed{Status: 400, Errors: code(problem.ValidationFailed)}},
		{`{"query":"query A { __typename } query B { __typename }","operationName":"C"}`, Observed{Status: 400, Errors: code(problem.ValidationFailed)}},
		{`{"query":"{"}`, Observed{Status: 400, Errors: code(problem.ParseFailed)}},
		{`{"password":"hunter2"`, Observed{Status: 400, Errors: code(problem.BadUserInput)}},
	} {
		seen = nil
		post(t, h, c.body, "Accept", typeGraphQL)
		if d := cmp.Diff([]Observed{c.want}, seen); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.body, d)
		}
	}
}

// TestARequestHasOneIDFromItsBeginning in every line, whoever logs, and in the answer.
func TestARequestHasOneIDFromItsBeginning(t *testing.T) {
	log := &bytes.Buffer{}
	logger := slog.New(LogHandler(slog.NewTextHandler(log, nil))).With("room", "one")
	inner := toy(t)
	h := Identify(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		logger.InfoContext(r.Context(), "before")
		inner.ServeHTTP(w, r)
	}))
	got := post(t, h, ping)
	id := got.Header.Get("X-Request-Id")
	if id == "" || !strings.Contains(log.String(), "msg=before room=one requestId="+id) {
		t.Errorf("%q\n%s", id, log)
	}
	if again := post(t, h, ping).Header.Get("X-Request-Id"); again == id {
		t.Error("two requests have one id")
	}
	log.Reset()
	logger.Info("no request")
	if strings.Contains(log.String(), "requestId") || !strings.Contains(log.String(), "Z level=INFO") {
		t.Errorf("want no id, and the time in UTC: %s", log)
	}
}
