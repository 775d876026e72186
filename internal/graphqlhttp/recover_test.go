package graphqlhttp

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"github.com/gatehouse/gatehouse/internal/graphqltest"
)

func TestPanic_OutsideOfResolversIsInternal(t *testing.T) {
	log := &bytes.Buffer{}
	breaking := graphqltest.OperationFunc(func(context.Context,
		graphql.OperationHandler) graphql.ResponseHandler {
		panic("at the disco")
	})
	h := toy(t, func(c *Config) {
		c.Log, c.Extensions = slog.New(slog.NewTextHandler(log, nil)), append(c.Extensions, breaking)
	})
	for _, accept := range []string{typeJSON, typeGraphQL} {
		got := graphqltest.Post(t, h, ping, "Accept", accept)
		if got.StatusCode != 500 || got.Code() != "INTERNAL" ||
			got.Errors[0].Extensions["requestId"] != got.Header.Get("X-Request-Id") || strings.Contains(got.Text, "disco") {
			t.Errorf("%d %s", got.StatusCode, got.Text)
		}
	}
	if strings.Count(log.String(), "level=ERROR") != 2 {
		t.Errorf("%s", log)
	}
}

// A response that some extension made by itself passes the same presenter.
func TestResponse_ErrorWithoutACodeIsMasked(t *testing.T) {
	careless := graphqltest.OperationFunc(func(ctx context.Context, _ graphql.OperationHandler) graphql.ResponseHandler {
		return graphql.OneShot(graphql.ErrorResponse(ctx, "hunter2"))
	})
	got := graphqltest.Query(t, toy(t, func(c *Config) { c.Extensions = append(c.Extensions, careless) }), "{ping}")
	if got.Code() != "INTERNAL" || strings.Contains(got.Text, "hunter2") || got.Errors[0].Extensions["requestId"] == nil {
		t.Errorf("%s", got.Text)
	}
}
