package graphqlhttp

import (
	"context"
	"net/http"
	"time"

	"github.com/gatehouse/gatehouse/internal/requestid"
)

// Begin gives each request its id, and ends its context after a time. It stands before the handlers that find out who is
// calling, because that, too, may ask the database.
func Begin(timeout time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(requestid.Ensure(r.Context()), timeout)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}
