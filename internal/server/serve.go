package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os/exec"
	"time"

	"github.com/gatehouse/gatehouse/internal/config"
	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/httpserver"
	"github.com/gatehouse/gatehouse/internal/metrics"
	"github.com/gatehouse/gatehouse/internal/password/hashworker"
	"github.com/gatehouse/gatehouse/internal/tracing"
)

// Options is what a run of the server takes beside its configuration.
type Options struct {
	Log         *slog.Logger         // required
	Version     string               // of the program
	Ready       func(address string) // is called when requests are answered
	HashProcess func(concurrent int) *exec.Cmd
	Standalone  bool          // nothing else runs in this process: see cli.Process
	Audit       bool          // compare each executed field with the authorization plan
	Timeout     time.Duration // of one operation; default OperationTimeout
}

// Run opens, builds and serves until the context ends, then lets running requests finish.
func Run(ctx context.Context, c *Config, o Options) error {
	log := o.Log
	c.audit, c.timeout = o.Audit, cmp.Or(o.Timeout, c.timeout)
	if o.Standalone {
		tune()
	}
	if o.Standalone && c.HashWorker == "on" {
		hashing, err := hashworker.Start(func() *exec.Cmd { return o.HashProcess(c.hashesAtOnce) })
		if err != nil {
			return err
		}
		defer hashing.Close() // after the last request
		c.derive = hashing.Derive
	}
	if c.Traces.Endpoint != "" {
		stop, err := c.openTraces(ctx, o)
		if err != nil {
			return err
		}
		defer stop() // after the last statement
	}
	db, err := OpenMigrated(ctx, c.Config, log, c.watch.drivers()...)
	if err != nil {
		return err
	}
	defer db.Close()
	listener, err := net.Listen("tcp", c.Addr)
	if err != nil {
		return fmt.Errorf("%w: name another address in GATEHOUSE_ADDR, or stop the program that uses this one", err)
	}
	defer listener.Close()
	if c.OpsAddr != "" {
		c.watch.metrics = metrics.New(o.Version)
		stop, err := serveOps(c.Config, c.watch.metrics.Handler(), log)
		if err != nil {
			return err
		}
		defer stop() // after the last request
	}
	address := "http://" + listener.Addr().String()
	leaving := &httpserver.Drain{}
	b, err := New(ctx, c, db, address, log)
	if err != nil {
		return err
	}
	if err := CheckAuthorizationEnforced(ctx, b.Handler); err != nil {
		return err
	}
	defer RunTasks(context.WithoutCancel(ctx), log, b.tend)() // also while running requests finish
	log.Info("listening", "address", address)
	if o.Ready != nil {
		o.Ready(address)
	}
	server := httpserver.New(leaving.Handler(b.Handler), log)
	return httpserver.ServeUntil(ctx, server, httpserver.LimitConnections(listener), leaving, c.DrainTime(), log)
}

// openTraces switches traces on, until stop is called, which sends the last ones.
func (c *Config) openTraces(ctx context.Context, o Options) (stop func(), err error) {
	c.watch.traces, err = tracing.New(ctx, tracing.Config{Traces: c.Traces, Version: o.Version, Proxies: c.TrustedProxies, Log: o.Log})
	if err != nil {
		return nil, err
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if err := c.watch.traces.Close(ctx); err != nil {
			o.Log.WarnContext(ctx, "the last traces were not sent", "error", err)
		}
	}, nil
}

// OpenMigrated opens the database and brings it to this version's schema.
func OpenMigrated(ctx context.Context, c *config.Config, log *slog.Logger, drivers ...database.Decorator) (*database.Database, error) {
	db, err := database.Open(ctx, database.Config{URL: c.DatabaseURL, Log: log, Drivers: drivers})
	if err != nil {
		return nil, err
	}
	if _, err := db.Migrate(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}
