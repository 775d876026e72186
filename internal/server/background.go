package server

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/database"
)

// MaintenanceInterval is how often signing keys are read and what has expired is swept away. Another instance's rotation is
// heard of at once where instances hear each other.
const MaintenanceInterval = 5 * time.Second

// tending lists what runs beside the requests.
func tending(service *accounts.Service, s *SigningKeys, db *database.Database, log *slog.Logger) []func(context.Context) {
	heard := make(chan struct{}, 1)
	hear := func(payload string) {
		if service.HandleNotification(payload) {
			select {
			case heard <- struct{}{}:
			default:
			}
		}
	}
	watch := func(ctx context.Context) {
		db.Watch(ctx, database.Watcher{
			Channel: accounts.NotifyChannel, Heard: hear, InTouch: service.SyncedUntil, OutOfTouch: service.SyncLost, Wanted: service.SyncNeeded,
		})
	}
	keep := func(ctx context.Context) {
		tick := time.NewTicker(MaintenanceInterval)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-heard:
			case <-tick.C:
				report(ctx, log, "sweep revocations", service.DeleteExpiredRevocations)
				report(ctx, log, "sweep counted tries", service.DeleteExpiredAttempts)
				if s.kept != nil {
					report(ctx, log, "rotate the signing keys", s.kept.Maintain)
				}
			}
			if s.kept != nil {
				report(ctx, log, "read the signing keys", s.reload)
			}
		}
	}
	return []func(context.Context){watch, keep}
}

// report does what may fail now and will be done again soon.
func report(ctx context.Context, log *slog.Logger, what string, do func(context.Context) error) {
	ctx, cancel := context.WithTimeout(ctx, OperationTimeout)
	defer cancel()
	if err := do(ctx); err != nil && !errors.Is(ctx.Err(), context.Canceled) {
		log.WarnContext(ctx, "could not "+what+"; it is tried again soon", "error", err)
	}
}

// RunTasks runs functions until stop is called, which waits for them. One that panics begins anew after a moment:
// it must neither end the process nor be missing unnoticed.
func RunTasks(ctx context.Context, log *slog.Logger, all []func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	for _, f := range all {
		running.Go(func() {
			for panicked(ctx, log, f) {
				select {
				case <-ctx.Done():
				case <-time.After(time.Second):
				}
			}
		})
	}
	return func() {
		cancel()
		running.Wait()
	}
}

func panicked(ctx context.Context, log *slog.Logger, f func(context.Context)) (is bool) {
	defer func() {
		if cause := recover(); cause != nil {
			is = true
			log.ErrorContext(ctx, "panic in the background; it begins anew", "cause", cause, "stack", string(debug.Stack()))
		}
	}()
	f(ctx)
	return false
}
