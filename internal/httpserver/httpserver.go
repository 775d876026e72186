// Package httpserver serves net/http with time-outs, a limit of connections, and an end that lets proxies turn away. It
// knows nothing of what is served.
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

// patience bounds how long running requests may take to finish once the program was asked to stop.
const patience = 20 * time.Second

// New bounds what a client may take its time with. A request's own deadline is in package graph.
func New(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           chunksEnd(handler),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// chunksEnd ends a connection with a request whose body comes in chunks, as RFC 9112, 6.1 asks where it has a length too.
// Go's server takes the chunks and drops the length, so that nobody behind it can tell. A proxy that reads such a request
// otherwise would pass on, behind it, a request that it has not seen, to be answered to another of its clients (request
// smuggling). It costs those who send chunks a connection for each request.
func chunksEnd(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TransferEncoding) > 0 {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// ServeUntil serves until the context ends. Then it lets proxies turn away, takes no new connection, and lets running
// requests finish.
func ServeUntil(ctx context.Context, server *http.Server, listener net.Listener, leaving *Drain, within time.Duration, log *slog.Logger) error {
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	log.Info("stopping: requests are answered while proxies turn away, and running ones may finish", "drain", within, "within", patience)
	leaving.begin(within)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("requests were still running after %v: %w", patience, err), server.Close())
	}
	return nil
}
