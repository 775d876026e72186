package graphqlhttp

import (
	"net/http"
	"slices"
	"time"

	"github.com/rs/cors"
)

// CORS lets pages of these origins call the handler with credentials and read its responses. It answers preflight
// requests itself. Without origins it returns the handler unchanged.
func CORS(origins []string, next http.Handler) http.Handler {
	if len(origins) == 0 {
		return next
	}
	return cors.New(cors.Options{
		// The library's own list is compared without regard to case.
		AllowOriginFunc:  func(origin string) bool { return slices.Contains(origins, origin) },
		AllowedMethods:   []string{http.MethodGet, http.MethodPost},
		AllowedHeaders:   []string{"Accept", "Authorization", "Content-Type"},
		ExposedHeaders:   []string{"Retry-After", "WWW-Authenticate", "X-Request-Id"},
		AllowCredentials: true,
		MaxAge:           int(time.Hour / time.Second),
	}).Handler(next)
}
