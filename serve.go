package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"time"

	"github.com/gatehouse/gatehouse/internal/config"
	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/metrics"
	"github.com/gatehouse/gatehouse/internal/password/hashworker"
	"github.com/gatehouse/gatehouse/internal/traces"
)

// patience bounds how long running requests may take to finish once the program was asked to stop.
const patience = 20 * time.Second

// serve opens, builds and serves until the context ends, then lets running requests finish.
func serve(ctx context.Context, w world) error {
	c, err := readSettings(w.Env)
	if err != nil {
		return err
	}
	c.audit, c.timeout = w.Audit, cmp.Or(w.Timeout, c.timeout)
	if w.Alone {
		tune()
		hashing, err := hashworker.Start(func() *exec.Cmd { return hashingProcess(c, w) })
		if err != nil {
			return err
		}
		defer hashing.Close() // after the last request
		c.derive = hashing.Derive
	}
	log := newLog(c.Config, w)
	if c.Traces.Endpoint != "" {
		stop, err := c.openTraces(ctx, log)
		if err != nil {
			return err
		}
		defer stop() // after the last statement
	}
	db, err := openMigrated(ctx, c.Config, log)
	if err != nil {
		return err
	}
	defer db.Close()
	if c.watch.traces != nil {
		db.Wrap(c.watch.traces.Driver)
	}
	listener, err := net.Listen("tcp", c.Addr)
	if err != nil {
		return fmt.Errorf("%w: name another address in GATEHOUSE_ADDR, or stop the program that uses this one", err)
	}
	defer listener.Close()
	if c.OpsAddr != "" {
		c.watch.metrics = metrics.New(version())
		stop, err := serveOps(c.Config, c.watch.metrics.Handler(), log)
		if err != nil {
			return err
		}
		defer stop() // after the last request
	}
	address := "http://" + listener.Addr().String()
	leaving := &drain{}
	b, err := build(ctx, c, db, address, log)
	if err != nil {
		return err
	}
	if err := checkGuard(ctx, b.handler); err != nil {
		return err
	}
	defer inBackground(context.WithoutCancel(ctx), log, b.tend)() // also while running requests finish
	log.Info("listening", "address", address)
	out := newSink(w.Stdout)
	defer out.close()
	fmt.Fprintln(out, greeting(c.Config, address))
	return serveUntil(ctx, newServer(leaving.handler(b.handler), log), spare(listener), leaving, c.DrainTime(), log)
}

// openTraces switches traces on, until stop is called, which sends the last ones.
func (c *settings) openTraces(ctx context.Context, log *slog.Logger) (stop func(), err error) {
	c.watch.traces, err = traces.New(ctx, traces.Config{Traces: c.Traces, Version: version(), Proxies: c.TrustedProxies, Log: log})
	if err != nil {
		return nil, err
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if err := c.watch.traces.Close(ctx); err != nil {
			log.WarnContext(ctx, "the last traces were not sent", "error", err)
		}
	}, nil
}

// openMigrated opens the database and brings it to this version's schema.
func openMigrated(ctx context.Context, c *config.Config, log *slog.Logger) (*database.Database, error) {
	db, err := database.Open(ctx, database.Config{URL: c.DatabaseURL, Log: log})
	if err != nil {
		return nil, err
	}
	if _, err := db.Migrate(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// newServer bounds what a client may take its time with. A request's own deadline is in package graph.
func newServer(handler http.Handler, log *slog.Logger) *http.Server {
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

// serveUntil serves until the context ends. Then it lets proxies turn away, takes no new connection, and lets running
// requests finish.
func serveUntil(ctx context.Context, server *http.Server, listener net.Listener, leaving *drain, within time.Duration, log *slog.Logger) error {
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

// greeting is the one line that says where the Playground is: at the issuer's address where one is configured, because
// the listener's own may mean nothing outside of a container.
func greeting(c *config.Config, address string) string {
	base := strings.TrimSuffix(cmp.Or(c.Issuer, address), "/")
	if c.ShowPlayground() {
		return fmt.Sprintf("Gatehouse is ready. Playground: %s/", base)
	}
	return fmt.Sprintf("Gatehouse is ready. GraphQL: %s/graphql", base)
}
