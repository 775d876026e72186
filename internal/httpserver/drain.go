package httpserver

import (
	"net/http"
	"sync/atomic"
	"time"
)

// idleBeforeShutdown is how long a server must have had no request, health probes included, to shut down without
// draining: no load balancer would have to turn away.
const idleBeforeShutdown = 10 * time.Second

// drain is the time between the signal to stop and the end of listening. /readyz says 503, so that load balancers turn
// away; other requests are answered with Connection: close. Closing idle connections immediately would lose a request
// that a client is sending on one of them at that moment.
type drain struct {
	started     atomic.Bool
	lastRequest atomic.Int64 // Unix time in nanoseconds
}

func (d *drain) middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.lastRequest.Store(time.Now().UnixNano())
		if d.started.Load() {
			w.Header().Set("Connection", "close")
			if r.URL.Path == "/readyz" {
				http.Error(w, "the server is stopping", http.StatusServiceUnavailable)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// run returns after the given time, or immediately when the server was idle.
func (d *drain) run(length time.Duration) {
	d.started.Store(true)
	if time.Since(time.Unix(0, d.lastRequest.Load())) < idleBeforeShutdown {
		time.Sleep(length)
	}
}
