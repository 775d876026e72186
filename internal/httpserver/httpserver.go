// Package httpserver serves net/http with timeouts, a limit on connections, and connection draining. It knows nothing
// of what is served, except that load balancers ask /readyz.
package httpserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

const (
	// headerTimeout bounds how long a client may take to send the header of a request.
	headerTimeout = 5 * time.Second
	// shutdownTimeout bounds how long running requests may take to finish after the listener is closed.
	shutdownTimeout = 20 * time.Second
)

// Config is what a server is made of.
type Config struct {
	Handler   http.Handler  // required
	DrainTime time.Duration // how long requests are still answered after the context ends; default 0
	Log       *slog.Logger  // required

	// Networks names the networks that a client has every address of, from the widest to the narrowest; none for a
	// trusted proxy, of whose requests Attribute says whose they are. When places are scarce, networks share them.
	// Default: all clients are of one network.
	Networks func(net.Addr) []string
}

// Server serves one listener, once.
type Server struct {
	config Config
	drain  drain
	places *limitListener
}

// New returns a server that accepts clients, and answers them when Serve is called.
func New(listener net.Listener, c Config) *Server {
	return &Server{config: c, places: newLimitListener(listener, c, defaultLimits(maxFiles()))}
}

// Serve serves until the context ends. Then it drains: for DrainTime it answers requests while /readyz says 503, so
// that load balancers turn away; then it closes the listener and gives running requests 20 s to finish.
func (s *Server) Serve(ctx context.Context) error {
	server := newServer(s.drain.middleware(s.config.Handler), s.config.Log)
	failed := make(chan error, 1)
	s.places.attach(server)
	go func() { failed <- server.Serve(s.places) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	s.config.Log.Info("shutting down: draining connections, then waiting for running requests",
		"drain", s.config.DrainTime, "timeout", shutdownTimeout)
	s.drain.run(s.config.DrainTime)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("requests were still running after %v: %w", shutdownTimeout, err), server.Close())
	}
	return nil
}

// Draining is middleware of another listener's /readyz: it says 503 when this server's does, and its probes count as
// a load balancer's that has to turn away.
func (s *Server) Draining(next http.Handler) http.Handler { return s.drain.middleware(next) }

// newServer bounds how long a client may take to send a request and to read the response.
func newServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           closeAfterChunked(handler),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// closeAfterChunked closes the connection after a request with a chunked body. RFC 9112, section 6.1 demands that when
// the request has a Content-Length too, but Go's server removes that header, so a handler cannot tell. A proxy that
// uses the length instead would forward a hidden second request on the same connection, and give its response to
// another client (request smuggling). The cost: clients that send chunked bodies need a connection for each request.
func closeAfterChunked(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TransferEncoding) > 0 {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}
