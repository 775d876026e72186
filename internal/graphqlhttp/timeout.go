package graphqlhttp

import (
	"context"
	"net/http"
	"time"
)

// Timeout ends the context of each request after a time. It stands before the handlers that find out who is calling,
// because that, too, may ask the database.
func Timeout(timeout time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), timeout)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}
