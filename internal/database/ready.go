package database

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	// readyTimeout bounds Ready.
	readyTimeout = 2 * time.Second
	// readyCacheTTL is how long a good answer is reused: frequent probes cost the database at most one write a second.
	readyCacheTTL = time.Second
)

// readiness is the newest answer to whether the database is ready, or the question that is under way.
type readiness struct {
	mu       sync.Mutex
	inflight chan struct{} // closed when the answer is there
	at       time.Time     // of the answer; zero while there is none
	err      error
}

// Ready says whether the database answers, takes writes and is at this program's version. One that a newer program has
// migrated since is ready too: migrations add, so that both serve during an upgrade. It returns within two
// seconds. Concurrent callers share one answer.
func (d *Database) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	r := &d.readiness
	r.mu.Lock()
	if r.inflight == nil || !r.at.IsZero() && (r.err != nil || time.Since(r.at) > readyCacheTTL) {
		r.inflight, r.at = make(chan struct{}), time.Time{}
		go d.refreshReadiness(context.WithoutCancel(ctx), r.inflight)
	}
	asked := r.inflight
	r.mu.Unlock()
	select {
	case <-asked:
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.err
	case <-ctx.Done(): // lib/pq may return some seconds later: see connection.setDeadline
		return fmt.Errorf("database: no answer: %w", ctx.Err())
	}
}

func (d *Database) refreshReadiness(ctx context.Context, asked chan struct{}) {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	var err error
	defer func() {
		if panicked := recover(); panicked != nil { // here it would end the process
			err = fmt.Errorf("database: panic: %v", panicked)
		}
		d.readiness.mu.Lock()
		defer d.readiness.mu.Unlock()
		d.readiness.err, d.readiness.at = err, time.Now()
		close(asked)
	}()
	err = d.checkReady(ctx)
}

// Version returns the version of the database's schema when Ready read it last; 0 before.
func (d *Database) Version() int64 { return d.version.Load() }

func (d *Database) checkReady(ctx context.Context) error {
	s, err := d.Status(ctx)
	if err != nil {
		return err
	}
	d.version.Store(s.Current)
	if err := d.checkVersion(s); err != nil && !(s.Newer() && d.everCurrent.Load()) {
		return err
	}
	if err := d.checkFilePresent(); err != nil {
		return err
	}
	if _, err := d.sql.ExecContext(ctx, d.engine.trialWrite()); err != nil {
		return fmt.Errorf("database: %s takes no writes: %w", d.engine, err)
	}
	return nil
}
