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

// maintenanceInterval is how often signing keys are read and expired rows are deleted. A rotation by another instance
// is seen immediately, in the log of changes.
const maintenanceInterval = 5 * time.Second

// task runs beside the requests until its context ends.
type task = func(context.Context)

func (s *Server) tasks() []task {
	keysChanged := make(chan struct{}, 1)
	return []task{
		func(ctx context.Context) { s.followChanges(ctx, keysChanged) },
		func(ctx context.Context) { s.maintain(ctx, keysChanged) },
		s.accounts.KeepWritingUses,
	}
}

// followChanges learns what other instances, and other programs, change in the database.
func (s *Server) followChanges(ctx context.Context, keysChanged chan<- struct{}) {
	changed := func(all []database.Change) {
		converted := make([]accounts.Change, len(all))
		for i, c := range all {
			converted[i] = accounts.Change(c)
		}
		if !s.accounts.HandleChanges(ctx, converted) {
			return
		}
		select {
		case keysChanged <- struct{}{}:
		default: // one is waiting
		}
	}
	s.db.Follow(ctx, database.Follower{Changed: changed, Synced: s.accounts.SyncedUntil, Lost: s.accounts.SyncLost,
		Needed: s.accounts.SyncNeeded})
}

func (s *Server) maintain(ctx context.Context, keysChanged <-chan struct{}) {
	tick := time.NewTicker(maintenanceInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-keysChanged:
		case <-tick.C:
			for _, j := range s.jobs() {
				s.try(ctx, j)
			}
		}
		s.try(ctx, s.readKeys())
	}
}

// job is a part of the maintenance.
type job struct {
	name string
	run  func(context.Context) error
}

func (s *Server) jobs() []job {
	return []job{
		{"delete expired revocations", s.accounts.DeleteExpiredRevocations},
		{"delete old rows of the log of changes", s.db.SweepChanges},
		{"delete expired attempts", s.accounts.DeleteExpiredAttempts},
		{"delete old sessions", s.accounts.DeleteOldSessions},
		{"rotate the signing keys", s.keys.maintain},
	}
}

func (s *Server) readKeys() job { return job{"read the signing keys", s.keys.reload} }

// try runs what may fail now, and is run again at the next interval.
func (s *Server) try(ctx context.Context, j job) {
	ctx, cancel := context.WithTimeout(ctx, operationTimeout)
	defer cancel()
	if err := j.run(ctx); err != nil && !errors.Is(ctx.Err(), context.Canceled) {
		s.options.observer.taskFailed(j.name)
		s.log.WarnContext(ctx, "a background task failed; it is retried", "task", j.name, "error", err)
	}
}

// runTasks runs all until stop is called, which waits for them. A task that panics is restarted after a second: it must
// neither end the process nor be missing unnoticed.
func runTasks(ctx context.Context, log *slog.Logger, all []task) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	for _, run := range all {
		running.Go(func() {
			for recovered(ctx, log, run) {
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

func recovered(ctx context.Context, log *slog.Logger, run task) (panicked bool) {
	defer func() {
		if cause := recover(); cause != nil {
			panicked = true
			log.ErrorContext(ctx, "panic in the background; the task is restarted",
				"cause", cause, "stack", string(debug.Stack()))
		}
	}()
	run(ctx)
	return false
}
