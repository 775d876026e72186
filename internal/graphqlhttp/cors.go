package graphqlhttp

import (
	"context"
	"net/http"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/rs/cors"
)

// CORSConfig says which pages may call.
type CORSConfig struct {
	Allow func(origin string) bool // required: whether pages of an origin may call with credentials
	// Refused is called for a preflight request of another origin, once as long as the origin is among the last
	// maxRefusedOrigins. Required.
	Refused func(ctx context.Context, origin string)
}

const (
	maxRefusedOrigins = 100
	maxOriginLen      = 300 // in bytes; longer ones are not reported
)

// CORS lets pages of allowed origins call the handler with credentials, with whatever headers their libraries add, and
// read its responses. It answers preflight requests itself.
func CORS(c CORSConfig, next http.Handler) http.Handler {
	seen, _ := lru.New[string, struct{}](maxRefusedOrigins) // fails only for a size of 0
	return cors.New(cors.Options{
		// The library's own list is compared without regard to case.
		AllowOriginVaryRequestFunc: func(r *http.Request, origin string) (bool, []string) {
			allowed := origin != "" && c.Allow(origin)
			if !allowed && r.Method == http.MethodOptions && origin != "" && len(origin) <= maxOriginLen {
				if known, _ := seen.ContainsOrAdd(origin, struct{}{}); !known {
					c.Refused(r.Context(), origin)
				}
			}
			return allowed, nil
		},
		AllowedMethods:   []string{http.MethodGet, http.MethodHead, http.MethodPost},
		AllowedHeaders:   []string{"*"}, // answered with the names that the browser asks for
		ExposedHeaders:   []string{"Retry-After", "WWW-Authenticate", "X-Request-Id"},
		AllowCredentials: true,
		MaxAge:           int(time.Hour / time.Second),
	}).Handler(next)
}

// PublicCORS lets pages of every origin read what the handler answers, without credentials.
func PublicCORS(next http.Handler) http.Handler {
	return cors.New(cors.Options{
		AllowedOrigins: []string{"*"},
		AllowedMethods: []string{http.MethodGet, http.MethodHead},
		AllowedHeaders: []string{"*"},
		MaxAge:         int(time.Hour / time.Second),
	}).Handler(next)
}
