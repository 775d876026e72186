package graphqlhttp

import (
	"net/http"
	"sync"
	"time"

	"github.com/rs/cors"
)

// CORSConfig says which pages may call.
type CORSConfig struct {
	Allow func(origin string) bool // required: whether pages of an origin may call with credentials
	// Refused is called for a preflight request of another origin, once for each of the first maxRefusedOrigins.
	// Required.
	Refused func(origin string)
}

const (
	maxRefusedOrigins = 100
	maxOriginLen      = 300 // in bytes; longer ones are not reported
)

// CORS lets pages of allowed origins call the handler with credentials, with whatever headers their libraries add, and
// read its responses. It answers preflight requests itself.
func CORS(c CORSConfig, next http.Handler) http.Handler {
	refused := &refusedOrigins{report: c.Refused, seen: map[string]bool{}}
	return cors.New(cors.Options{
		// The library's own list is compared without regard to case.
		AllowOriginVaryRequestFunc: func(r *http.Request, origin string) (bool, []string) {
			allowed := c.Allow(origin)
			if !allowed && r.Method == http.MethodOptions {
				refused.add(origin)
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

// refusedOrigins reports each origin once, and bounds how many it remembers: a client may send any text.
type refusedOrigins struct {
	report func(origin string)
	mu     sync.Mutex
	seen   map[string]bool
}

func (o *refusedOrigins) add(origin string) {
	if origin == "" || len(origin) > maxOriginLen || !o.isNew(origin) {
		return
	}
	o.report(origin)
}

func (o *refusedOrigins) isNew(origin string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.seen[origin] || len(o.seen) >= maxRefusedOrigins {
		return false
	}
	o.seen[origin] = true
	return true
}
