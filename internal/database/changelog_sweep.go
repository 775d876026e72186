package database

import (
	"context"
	"sync"
	"time"
)

// sweepBatch is how many rows of the log one statement deletes.
const sweepBatch = 1000

// sweeper knows up to where the log may be deleted. It asks no clock of the database: a row is old when this process has
// known it for changesRetention.
type sweeper struct {
	mu     sync.Mutex
	newest mark
	due    int64 // everything before is older than changesRetention; 0: nothing is
}

// mark is how far the log had been read by everybody who read it at a moment.
type mark struct {
	at     time.Time
	oldest int64
}

// note is called after each read. What was noted in another database says nothing about this one.
func (s *sweeper) note(p position, lost bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case lost:
		s.newest, s.due = mark{time.Now(), p.oldest}, 0
	case time.Since(s.newest.at) >= changesRetention:
		s.due, s.newest = s.newest.oldest, mark{time.Now(), p.oldest}
	}
}

func (s *sweeper) bound() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.due
}

// swept is called when there is no row before a bound any more.
func (s *sweeper) swept(bound int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.due == bound {
		s.due = 0
	}
}

// SweepChanges deletes a thousand rows of the log that every reader has read, or has been away from for so long that it
// starts again, and returns how many there were. Call it periodically, until it returns none, while Follow runs.
func (d *Database) SweepChanges(ctx context.Context) (rows int, err error) {
	due := d.sweeper.bound()
	if due == 0 {
		return 0, nil
	}
	result, err := d.sql.ExecContext(ctx, d.engine.sweepChanges(), due, sweepBatch)
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	if n == 0 && err == nil {
		d.sweeper.swept(due)
	}
	return int(n), err
}
