package database

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/google/uuid"
)

const (
	// readInterval is how often the log is read while somebody relies on it. An instance knows what another one
	// committed after this time and the time of a read.
	readInterval = 25 * time.Millisecond
	// idleReadInterval is how often it is read otherwise: the first request after a pause must not be verified by a key
	// that was revoked meanwhile.
	idleReadInterval = 100 * time.Millisecond
	// readTimeout bounds a read.
	readTimeout = time.Second
	// retryInterval is the pause after a read that failed, and warnInterval how often that is logged.
	retryInterval = 250 * time.Millisecond
	warnInterval  = time.Minute

	// maxAway is how long after its last read a reader goes on from there. Rows stay for changesRetention at least, by
	// the monotonic clock of the instance that deletes them.
	maxAway          = 5 * time.Minute
	changesRetention = 2 * maxAway
	// maxChanges is how many rows a read returns. A reader that is further behind starts again.
	maxChanges = 10_000
)

// Change is a row of the log of changes, which triggers write in the transactions that change something.
type Change struct {
	UserID       uuid.UUID // whose account, rights or sessions changed; uuid.Nil: anybody's, or the signing keys
	RevocationID int       // of a new revocation; 0: there is none
}

// Follower handles what is read from the log of changes. Its functions are called one after the other.
type Follower struct {
	Changed func([]Change)        // required: what was committed since the last call, and perhaps before
	Synced  func(since time.Time) // required: Changed was called for all that was committed before this time
	Lost    func()                // required: changes may have been missed
	Needed  func() bool           // required: whether Synced is relied on at the moment
}

// Follow reads the log of changes until the context ends: 40 times a second while Needed returns true, on a connection
// of its own, so that no queue for the pool delays it. The moment before a read is the proof that all before it is
// known. No other clock counts than this process's.
func (d *Database) Follow(ctx context.Context, f Follower) {
	pool := d.engine.logPool()
	defer pool.Close()
	r := logReader{db: d, pool: pool}
	defer r.disconnect()
	tick := time.NewTicker(readInterval)
	defer tick.Stop()
	var read, warned time.Time
	for ctx.Err() == nil {
		if f.Needed() || read.IsZero() || age(read) >= idleReadInterval {
			read = time.Now()
			if err := r.passInTime(ctx, f); err != nil && ctx.Err() == nil {
				if warned.IsZero() || time.Since(warned) >= warnInterval {
					warned = read
					d.log.WarnContext(ctx, "the log of changes cannot be read: every request asks the database until it can",
						"error", err)
				}
				sleep(ctx, retryInterval)
				read = time.Time{}
			}
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// checkListeners refuses a database that instances from before the log of changes serve. They listen to notifications,
// which nobody sends any more, and would accept sessions that ended at another instance until their tokens expire.
func (d *Database) checkListeners(ctx context.Context) error {
	if !d.Shared() {
		return nil
	}
	var running bool
	err := d.sql.QueryRowContext(ctx, `SELECT EXISTS (SELECT FROM pg_stat_activity
		WHERE datname = current_database() AND query LIKE 'LISTEN%gatehouse_changes%')`).Scan(&running)
	if running {
		return errors.New("an instance from before the log of changes is running, which would not hear of sessions that end: " +
			"stop all of those, then start again")
	}
	return err
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// age returns how long ago a moment was, by the clock that says longer: while a machine is suspended, the monotonic one
// may stand still.
func age(moment time.Time) time.Duration {
	now := time.Now()
	return max(now.Sub(moment), now.Round(0).Sub(moment.Round(0)))
}

// position is how far the log was read.
type position struct {
	database string  // Postgres: which one it is; SQLite: the last row's mark; empty before the first read
	next     int64   // Postgres: the first transaction that had not begun; SQLite: the last row that was read
	open     []int64 // Postgres: the transactions before next that were under way
	oldest   int64   // rows of transactions before this one, or rows before this one, are read by all
}

// batch is what one statement reads.
type batch struct {
	changes []Change
	now     position
	broken  bool // the rows do not go on from the position before: there was none, or it is of another database
}

// logReader reads the log on one connection. A connection that fails takes the position with it: after a crash Postgres
// gives the same numbers to other transactions.
type logReader struct {
	db       *Database
	pool     *sql.DB
	conn     *sql.Conn // nil: none
	position position
	readAt   time.Time
}

// passInTime reads once, within readTimeout.
func (r *logReader) passInTime(ctx context.Context, f Follower) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	return r.pass(ctx, f)
}

// pass reads once.
func (r *logReader) pass(ctx context.Context, f Follower) error {
	before := time.Now()
	b, err := r.read(ctx)
	if err != nil {
		r.disconnect()
		f.Lost()
		return err
	}
	wasAt := r.readAt
	r.position, r.readAt = b.now, before
	lost := b.broken || age(wasAt) > maxAway
	r.db.sweeper.note(b.now, lost)
	switch {
	case lost || len(b.changes) > maxChanges:
		f.Lost()
	case len(b.changes) > 0:
		f.Changed(b.changes)
	}
	f.Synced(before)
	return nil
}

func (r *logReader) read(ctx context.Context) (b batch, err error) {
	if err := r.db.checkFilePresent(); err != nil {
		return b, err
	}
	if r.conn == nil {
		if r.conn, err = r.pool.Conn(ctx); err != nil {
			return b, err
		}
	}
	return r.db.engine.readChanges(ctx, r.conn, r.position)
}

func (r *logReader) disconnect() {
	if r.conn != nil {
		r.conn.Close()
	}
	r.conn, r.position = nil, position{}
}

// lonePool returns a pool of one connection, which is closed as soon as it is free.
func lonePool(db *sql.DB) *sql.DB {
	db.SetMaxOpenConns(1)
	db.SetMaxIdleConns(-1)
	return db
}

// scanChanges reads rows of user_id and revocation_id, before which others are scanned into dest. A row whose present
// is false after its scan is none.
func scanChanges(rows *sql.Rows, dest []any, present func() bool) (changes []Change, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var user uuid.NullUUID
		var revocation sql.NullInt64
		if err := rows.Scan(append(dest, &user, &revocation)...); err != nil {
			return nil, err
		}
		if present() {
			changes = append(changes, Change{user.UUID, int(revocation.Int64)})
		}
	}
	return changes, rows.Err()
}
