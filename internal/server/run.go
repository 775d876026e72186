package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os/exec"
	"slices"
	"time"

	"github.com/gatehouse/gatehouse/internal/config"
	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/httpserver"
	"github.com/gatehouse/gatehouse/internal/password/hashworker"
	"github.com/gatehouse/gatehouse/internal/tracing"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// Run opens everything, serves until the context ends, lets running requests finish, and closes everything in reverse.
func Run(ctx context.Context, c *Config, o Options) error {
	for _, warning := range slices.Concat(c.ExposedFiles(), c.Warnings, c.proxyWarnings()) {
		o.Log.WarnContext(ctx, warning)
	}
	stopHashing, err := o.startHashing(c)
	if err != nil {
		return err
	}
	defer stopHashing()                   // after the last request
	defer o.startTracing(ctx, c.Config)() // stops after the last statement
	db, err := openMigrated(ctx, c.Config, database.Config{Log: o.Log, Drivers: o.observer.drivers()})
	if err != nil {
		return err
	}
	defer db.Close()
	listener, err := net.Listen("tcp", c.Addr)
	if err != nil {
		return fmt.Errorf("%w: name another address in GATEHOUSE_ADDR, or stop the program that uses this one", err)
	}
	defer listener.Close()
	ops, err := o.listenOps(c.Config)
	if err != nil {
		return err
	}
	defer ops.close()
	o.Address = "http://" + listener.Addr().String()
	s, err := New(ctx, c, db, o)
	if err != nil {
		return err
	}
	for _, r := range s.table {
		if r.who != byRules {
			continue
		}
		if err := checkAuthorizationEnforced(ctx, s.Handler, r.path()); err != nil {
			return err
		}
	}
	s.public = httpserver.New(listener, httpserver.Config{
		Handler: s.Handler, DrainTime: c.DrainTime(), Log: o.Log,
		Networks: func(peer net.Addr) []string { return viewer.NetworksOf(peer, c.TrustedProxies) },
	})
	defer ops.serve(s.opsHandler(s.public.Draining))() // until after the last request
	tasks := s.tasks()
	if o.Standalone && !c.GOGC {
		tasks = append(tasks, followLive)
	}
	defer runTasks(context.WithoutCancel(ctx), o.Log, tasks)() // also while running requests finish
	o.Log.Info("listening", "address", o.Address)
	o.Ready(o.Address)
	return s.public.Serve(ctx)
}

// startHashing prepares a process that does nothing but serve: it sets up garbage collection, and starts a process
// that hashes passwords.
func (o *Options) startHashing(c *Config) (stop func(), err error) {
	if !o.Standalone {
		return func() {}, nil
	}
	c.setGC()
	if c.HashWorker != "on" {
		return func() {}, nil
	}
	worker, err := hashworker.Start(func() *exec.Cmd { return o.HashWorker(int(c.hashingCost.Lanes)) })
	if err != nil {
		return nil, err
	}
	o.derive = worker.Derive
	return func() { worker.Close() }, nil
}

// startTracing traces where that is configured, until stop is called, which sends the last spans. Tracing that cannot
// start does not stop the server.
func (o *Options) startTracing(ctx context.Context, c *config.Config) (stop func()) {
	for _, warning := range c.Traces.Warnings {
		o.Log.WarnContext(ctx, warning)
	}
	if c.Traces.Endpoint == "" {
		return func() {}
	}
	traces, err := tracing.New(ctx, tracing.Config{
		Endpoint: c.Traces.Endpoint, Version: o.Version, Proxies: c.TrustedProxies, Log: o.Log,
	})
	if err != nil {
		o.Log.WarnContext(ctx, "requests are not traced", "error", err)
		return func() {}
	}
	o.observer.traces = traces
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if err := traces.Close(ctx); err != nil {
			o.Log.WarnContext(ctx, "the last traces were not sent", "error", err)
		}
	}
}

// commandLockWait is long: a server that writes without a pause holds SQLite's lock nearly always, and another process
// gets it by chance.
const commandLockWait = time.Minute

// OpenForCommand opens the database for a command, which may run beside a server, and brings it to this version's schema.
func OpenForCommand(ctx context.Context, c *config.Config, log *slog.Logger) (*database.Database, error) {
	return openMigrated(ctx, c, database.Config{Log: log, LockWait: commandLockWait})
}

// openMigrated opens the database that is configured, and brings it to this version's schema.
func openMigrated(ctx context.Context, c *config.Config, how database.Config) (*database.Database, error) {
	how.URL, how.Connections = c.DatabaseURL, c.Connections
	how.Caller = func(ctx context.Context) []string { return viewer.From(ctx).Caller() }
	db, err := database.Open(ctx, how)
	if err != nil {
		return nil, err
	}
	if _, err := db.Migrate(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}
