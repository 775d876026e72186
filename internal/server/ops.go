package server

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/gatehouse/gatehouse/internal/config"
	"github.com/gatehouse/gatehouse/internal/metrics"
)

// opsListener is a second listener, for operators. It asks for no credential: every client that reaches the address may
// read what it serves. Without an address, nil, it does nothing.
type opsListener struct {
	net.Listener
	config *config.Config
	log    *slog.Logger
}

// listenOps counts, and listens, where that is configured.
func (o *Options) listenOps(c *config.Config) (*opsListener, error) {
	if c.OpsAddr == "" {
		return nil, nil
	}
	listener, err := net.Listen("tcp", c.OpsAddr)
	if err != nil {
		return nil, fmt.Errorf(
			"%w: name another address in GATEHOUSE_OPS_ADDR, or stop the program that uses this one", err)
	}
	o.observer.metrics = metrics.New(o.Version)
	o.Log.Info("serving /metrics and /readyz", "addr", listener.Addr().String(), "pprof", c.Pprof)
	if !c.OpsLoopback() {
		o.Log.Warn("GATEHOUSE_OPS_ADDR is not on loopback: every client that connects to it may read what it serves; "+
			"keep it behind a firewall", "addr", c.OpsAddr, "pprof", c.Pprof)
	}
	return &opsListener{listener, c, o.Log}, nil
}

// close closes what is not served.
func (l *opsListener) close() {
	if l != nil {
		l.Close()
	}
}

// serve serves until stop is called.
func (l *opsListener) serve(handler http.Handler) (stop func()) {
	if l == nil {
		return func() {}
	}
	server := &http.Server{ // without a WriteTimeout: a profile takes as long as it is asked to
		Handler:           ownHosts(l.config.IsOwnHost, ownPages(handler)),
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(l.log.Handler(), slog.LevelDebug),
	}
	go func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			l.log.Error("/metrics and /readyz are not served any more", "error", err)
		}
	}()
	return func() { server.Close() }
}

// ownPages refuses what a page of another site has a browser send: it cannot read the answer, but have the work done.
func ownPages(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Header.Get("Sec-Fetch-Site") {
		case "", "none", "same-origin": // a program, an address that was typed, a page of this listener
			next.ServeHTTP(w, r)
		default:
			http.Error(w, "A page of another site sent this request; type the address instead.", http.StatusForbidden)
		}
	})
}

// opsHandler returns the handler of the second listener. Readiness there is the public listener's, drained as it is.
func (s *Server) opsHandler(draining middleware) http.Handler {
	mux := http.NewServeMux()
	if s.options.observer.metrics != nil {
		mux.Handle("GET /metrics", s.options.observer.metrics.Handler())
	}
	mux.Handle("GET /readyz", draining(http.HandlerFunc(s.serveReadiness)))
	if s.config.Pprof == "on" {
		mux.HandleFunc("/debug/pprof/", pprof.Index)
		mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
		mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	}
	return mux
}
