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

// maintenanceInterval is how often signing keys are rotated, when that is due, and expired rows are deleted.
const maintenanceInterval = 5 * time.Second

// keysTimeout bounds a read of the signing keys, which holds up the log of changes.
const keysTimeout = time.Second

// task runs beside the requests until its context ends.
type task = func(context.Context)

func (s *Server) tasks() []task {
	return []task{s.followChanges, s.maintain, s.outbox.Run, func(ctx context.Context) {
		s.accounts.KeepWritingUses(ctx, func(ctx context.Context) bool { return s.try(ctx, operationTimeout, s.writeUses()) })
	}, func(ctx context.Context) {
		s.accounts.KeepWritingRefusals(ctx, func(ctx context.Context) bool { return s.try(ctx, operationTimeout, s.writeRefusals()) })
	}}
}

// followChanges learns what other instances, and other programs, change in the database. A change is known only when
// the signing keys are: each synchronization reads those that may have changed before.
func (s *Server) followChanges(ctx context.Context) {
	stale, changed := false, false
	readKeys := func() bool {
		if stale && (changed || !s.keys.foreign.Load()) { // a foreign secret stays one until something changes
			stale, changed = !s.try(ctx, keysTimeout, s.readKeys()), false
		}
		return !stale
	}
	s.db.Follow(ctx, database.Follower{
		Changed: func(all []database.Change) {
			converted := make([]accounts.Change, len(all))
			for i, c := range all {
				converted[i] = accounts.Change(c)
			}
			changed = s.accounts.HandleChanges(ctx, converted) || changed
			stale = stale || changed
		},
		Synced: func(since time.Time) {
			if readKeys() {
				s.accounts.SyncedUntil(since)
			}
		},
		Lost: func() {
			s.accounts.SyncLost()
			stale, changed = true, true
			readKeys() // sessions are asked of the database until the log is back, but keys are not
		},
		Needed: s.accounts.SyncNeeded,
	})
}

func (s *Server) maintain(ctx context.Context) {
	tick := time.NewTicker(maintenanceInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			for _, j := range s.jobs() {
				s.try(ctx, operationTimeout, j)
			}
		}
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
		{"delete old rows of the log of changes", func(ctx context.Context) error {
			return s.accounts.Sweep(ctx, accounts.ChangesTable, s.db.SweepChanges)
		}},
		{"delete expired attempts", s.accounts.DeleteExpiredAttempts},
		{"delete old sessions", s.accounts.DeleteOldSessions},
		{"delete old personal access tokens", s.accounts.DeleteOldAccessTokens},
		{"delete authenticator apps that were not confirmed", s.accounts.DeleteUnconfirmedTotpFactors},
		{"delete failed jobs", s.accounts.DeleteFailedJobs},
		{"seal the audit log", s.accounts.SealAuditLog},
		{"erase deleted accounts", s.accounts.EraseAccounts},
		{"delete old rows of the audit log", s.accounts.DeleteOldAuditEvents},
		{"delete old seals of the audit log", s.accounts.DeleteOldAuditSeals},
		{"free former addresses", s.accounts.FreeFormerAddresses},
		{"delete old one-time tokens", s.accounts.DeleteOldOneTimeTokens},
		{"rotate the signing keys", s.keys.maintain},
		{"read which secret is in use", s.keys.useSecret},
	}
}

func (s *Server) writeUses() job { return job{"record the use of sessions", s.accounts.WriteUses} }

func (s *Server) writeRefusals() job { return job{"record refused attempts", s.accounts.WriteRefusals} }

func (s *Server) readKeys() job { return job{"read the signing keys", s.keys.reload} }

// try runs what may fail now, and is run again later: up to four times a second, so not each failure has a line. It
// reports whether that was done.
func (s *Server) try(ctx context.Context, timeout time.Duration, j job) bool {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err := j.run(ctx)
	if errors.Is(ctx.Err(), context.Canceled) { // the server stops
		return err == nil
	}
	s.options.observer.taskRan(j.name, err)
	if err != nil {
		if times, tell := s.failures.failed(j.name, time.Now()); tell {
			s.log.WarnContext(ctx, "a background task failed; it is retried", "task", j.name, "error", err, "failures", times)
		}
		return false
	}
	if times := s.failures.succeeded(j.name); times > 0 {
		s.log.InfoContext(ctx, "a background task succeeds again", "task", j.name, "failures", times)
	}
	return true
}

// runTasks runs all until stop is called, which waits for them. A task that panics is restarted after a second: it must
// neither end the process nor be missing unnoticed.
func runTasks(ctx context.Context, log *slog.Logger, all []task) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	for _, run := range all {
		running.Go(func() {
			var panics failures
			for recovered(ctx, log, run, &panics) {
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

func recovered(ctx context.Context, log *slog.Logger, run task, panics *failures) (panicked bool) {
	defer func() {
		if cause := recover(); cause != nil {
			panicked = true
			if times, tell := panics.failed("", time.Now()); tell {
				log.ErrorContext(ctx, "panic in the background; the task is restarted",
					"cause", cause, "times", times, "stack", string(debug.Stack()))
			}
		}
	}()
	run(ctx)
	return false
}
