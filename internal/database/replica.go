package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/gatehouse/gatehouse/ent"
)

const (
	// oldest is how far behind the primary a replica may be and still be asked.
	oldest = 10 * time.Second
	// compareEvery is how often the two are compared, and comparePatience how long that may take.
	compareEvery    = time.Second
	comparePatience = 3 * time.Second
	// replicaPatience bounds one read of the replica, so that there is time left to ask the primary.
	replicaPatience = 2 * time.Second
)

// Replica is a streaming replica of a Postgres, for reads that may be some seconds old. It is asked only while Tend has
// found that it is a standby and knows everything that the primary knew a moment ago. That is measured by positions in
// the primary's log, so neither the clocks nor a pause in writing deceive it.
type Replica struct {
	primary *Database
	engine  engine
	sql     *sql.DB
	client  *ent.Client

	mu    sync.Mutex
	marks []mark    // of the primary's log, oldest first; the replica has not reached them yet
	fresh time.Time // the replica has everything from before; zero: it cannot be asked
	said  string    // the newest line in the log
}

// mark is a position in the primary's log, and when it was that far.
type mark struct {
	at  time.Time
	lsn string
}

// CheckReplicaURL says what is wrong with a replica's URL beside its database's.
func CheckReplicaURL(url, database string) error {
	replica, err := parse(url)
	if err != nil {
		return err
	}
	of, err := parse(database)
	if err != nil {
		return err
	}
	if replica.dialect() != dialect.Postgres || of.dialect() != dialect.Postgres {
		return errors.New("a replica is a Postgres beside a Postgres: remove it, or name postgres://… in both URLs")
	}
	return nil
}

// OpenReplica prepares a replica. It need not be there: until Tend finds it, the primary is asked.
func (d *Database) OpenReplica(url string) (*Replica, error) {
	e, err := parse(url)
	if err != nil {
		return nil, err
	}
	db, err := e.open(true)
	if err != nil {
		return nil, fmt.Errorf("database: open the replica %s: %w", e, err)
	}
	return &Replica{primary: d, engine: e, sql: db, client: ent.NewClient(ent.Driver(entsql.OpenDB(e.dialect(), db)))}, nil
}

// Close lets no new read begin.
func (r *Replica) Close() error { return r.sql.Close() }

// Read runs a read on the replica. It returns false when the replica cannot be asked, or gave no answer.
func (r *Replica) Read(ctx context.Context, f func(context.Context, *ent.Client) error) bool {
	r.mu.Lock()
	asked := time.Since(r.fresh) <= oldest
	r.mu.Unlock()
	if !asked {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, replicaPatience)
	defer cancel()
	err := f(ctx, r.client)
	if Unavailable(err) {
		r.away(ctx, err)
	}
	return err == nil
}

// Tend compares the replica with the primary until the context ends.
func (r *Replica) Tend(ctx context.Context) {
	tick := time.NewTicker(compareEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		if err := r.compare(ctx); err != nil && ctx.Err() == nil {
			r.away(ctx, err)
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// compare notes how far the primary is, and then how far the replica.
func (r *Replica) compare(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, comparePatience)
	defer cancel()
	next := mark{at: time.Now()}
	if err := r.primary.sql.QueryRowContext(ctx, "SELECT pg_current_wal_lsn()::text").Scan(&next.lsn); err != nil {
		return fmt.Errorf("ask the primary how far it is: %w", err)
	}
	r.mark(next)
	for {
		first, is := r.first()
		if !is {
			return nil
		}
		reached, err := r.reached(ctx, first.lsn)
		if err != nil {
			return err
		}
		if !reached {
			return r.behind(first)
		}
		r.has(ctx, first)
	}
}

// behind is an error when the replica has not come as far as a mark, and is too old by that.
func (r *Replica) behind(first mark) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(first.at) <= oldest && (r.fresh.IsZero() || time.Since(r.fresh) <= oldest) {
		return nil
	}
	return fmt.Errorf("it is more than %v behind", oldest)
}

// reached reports whether the replica has replayed the log up to a position.
func (r *Replica) reached(ctx context.Context, lsn string) (is bool, err error) {
	var standby bool
	err = r.sql.QueryRowContext(ctx, "SELECT pg_is_in_recovery(), coalesce(pg_last_wal_replay_lsn() >= $1::pg_lsn, false)", lsn).
		Scan(&standby, &is)
	if err == nil && !standby {
		err = errors.New("it is not a standby")
	}
	return is, err
}

// mark keeps as many marks as are young enough to count, and the one before them: by it a replica is known to lag.
func (r *Replica) mark(m mark) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.marks = append(r.marks, m)
	for len(r.marks) > 1 && time.Since(r.marks[1].at) > oldest {
		r.marks = r.marks[1:]
	}
}

func (r *Replica) first() (mark, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.marks) == 0 {
		return mark{}, false
	}
	return r.marks[0], true
}

// has notes that the replica has everything from before its first mark.
func (r *Replica) has(ctx context.Context, m mark) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fresh, r.marks = m.at, r.marks[1:]
	if time.Since(m.at) <= oldest {
		r.say(ctx, "the replica is asked for reads that may be some seconds old")
	}
}

// away leaves the reads to the primary until the replica has caught up again.
func (r *Replica) away(ctx context.Context, why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fresh = time.Time{}
	r.say(ctx, "the replica is not asked, the primary answers in its place", "why", why)
}

// say writes one line for each change and none while it lasts. Call it under the lock.
func (r *Replica) say(ctx context.Context, line string, more ...any) {
	if r.said == line {
		return
	}
	r.said = line
	r.primary.log.WarnContext(ctx, line, append([]any{"replica", r.engine.String()}, more...)...)
}
