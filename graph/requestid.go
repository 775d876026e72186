package graph

import (
	"context"

	"github.com/google/uuid"
)

type requestKey struct{}

// RequestID returns the id of the HTTP request that a context belongs to, or "". It is made here, never taken from
// the request: it ends up in the log.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string)
	return id
}

func withRequestID(ctx context.Context) (context.Context, string) {
	id := uuid.NewString()
	return context.WithValue(ctx, requestKey{}, id), id
}
