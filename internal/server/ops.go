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
)

// serveOps serves metrics and profiles for operators, on a listener of its own, until stop is called. It asks for no
// credential: every client that reaches the address may read them.
func serveOps(c *config.Config, metrics http.Handler, log *slog.Logger) (stop func(), err error) {
	listener, err := net.Listen("tcp", c.OpsAddr)
	if err != nil {
		return nil, fmt.Errorf(
			"%w: name another address in GATEHOUSE_OPS_ADDR, or stop the program that uses this one", err)
	}
	log.Info("serving /metrics and /debug/pprof", "addr", listener.Addr().String())
	if !c.OpsLoopback() {
		log.Warn("GATEHOUSE_OPS_ADDR is not on loopback: every client that connects to it may read metrics and profiles; "+
			"keep it behind a firewall", "addr", c.OpsAddr)
	}
	server := &http.Server{ // without a WriteTimeout: a profile takes as long as it is asked to
		Handler:           ownHosts(c.IsOwnHost, opsHandler(metrics)),
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("/metrics and /debug/pprof are not served any more", "error", err)
		}
	}()
	return func() { server.Close() }, nil
}

func opsHandler(metrics http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics)
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}
