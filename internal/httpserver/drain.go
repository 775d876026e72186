package httpserver

import (
	"net/http"
	"sync/atomic"
	"time"
)

// quiet is how long nobody must have asked anything, health among it, for a server to stop at once: it has no proxy that
// would have to turn away.
const quiet = 10 * time.Second

// Drain is the time between the signal to stop and the end of listening. /readyz says 503, so that proxies turn away;
// every other request is answered, and told that its connection ends with it. Closing a connection that a client keeps
// would cut the request that is on its way there at that moment.
type Drain struct {
	on    atomic.Bool
	asked atomic.Int64 // when, in Unix time's nanoseconds
}

// Handler is next while the server runs; while it drains, each answer ends its connection, and /readyz says 503.
func (d *Drain) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.asked.Store(time.Now().UnixNano())
		if d.on.Load() {
			w.Header().Set("Connection", "close")
			if r.URL.Path == "/readyz" {
				http.Error(w, "the server is stopping", http.StatusServiceUnavailable)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// begin returns when the time is over, or at once when nobody would notice.
func (d *Drain) begin(within time.Duration) {
	d.on.Store(true)
	if time.Since(time.Unix(0, d.asked.Load())) < quiet {
		time.Sleep(within)
	}
}
