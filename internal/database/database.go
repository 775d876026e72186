package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync/atomic"
	"time"

	"entgo.io/ent/dialect"
	"github.com/pressly/goose/v3"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/internal/fairqueue"
)

// Config says what to open.
type Config struct {
	URL       string        // required: sqlite:PATH, postgres://… or postgresql://…
	Log       *slog.Logger  // required
	Wait      time.Duration // for a database that does not answer; default 30 s
	MustExist bool          // default false; true refuses a SQLite file that is not there instead of making it
	LockWait  time.Duration // while others write to the same SQLite file; default 5 s

	Connections int // of the pool; default 16 on Postgres, on SQLite one for each processor, at least 4

	// Caller names who sends a statement, as fairqueue.Limiter wants it: outside of transactions, callers take turns.
	// Default: they take none.
	Caller func(context.Context) []string

	// Drivers decorate the driver of Client, the first one nearest to the database; see newDriver. Default: none.
	Drivers []Decorator
}

// Database is an open database, safe for concurrent use.
//
// On Postgres a single statement outside of a transaction can run twice when its connection breaks at that moment:
// lib/pq lets database/sql try again. Writes belong in transactions, which are never tried again.
type Database struct {
	Client *ent.Client

	engine      engine
	sql         *sql.DB
	log         *slog.Logger
	migrations  fs.FS
	tableWait   tableWait
	everCurrent atomic.Bool // Migrate found or made this program's version
	version     atomic.Int64
	readiness   readiness
	sweeper     sweeper
	turns       *fairqueue.Limiter // of statements outside of transactions; nil: there are none
}

// engine is what differs between a SQLite file and a Postgres server.
type engine interface {
	fmt.Stringer // the URL without its password

	dialect() string // Ent's name
	open(mustExist bool) (*sql.DB, error)
	preflight(ctx context.Context, db *sql.DB) error // before anything is written; a file, before db is used
	check(ctx context.Context, db *sql.DB) error     // all of the data
	withHint(err error) error                        // adds how to correct it
	schemaQuery() string                             // a query of each table and view where ours belong, and its columns
	trialWrite() string                              // a write of nothing that matters, which fails where others do
	locker(db *sql.DB) (locker, error)               // lets one instance at a time migrate
	provider(db *sql.DB, migrations fs.FS, l locker) (*goose.Provider, error)
	logPool() *sql.DB // of one connection, beside the pool
	readChanges(ctx context.Context, conn *sql.Conn, after position) (batch, error)
	sweepChanges() string // a statement that deletes $2 rows of the log, from before $1
}

// Open opens the database and waits until it answers; it does not migrate. A database that refuses (wrong password, no
// such database, not a SQLite file, another program's tables) fails immediately. One that does not answer is tried once a second, with a line in
// the log each time, until Config.Wait is over. Every error says how to correct the cause.
func Open(ctx context.Context, c Config) (*Database, error) {
	if c.Log == nil {
		return nil, errors.New("database: Config.Log is required")
	}
	if c.Wait == 0 {
		c.Wait = 30 * time.Second
	}
	e, err := parse(c.URL)
	if err != nil {
		return nil, err
	}
	if f, ok := e.(*file); ok {
		f.lockWait = c.LockWait
	}
	db, err := e.open(c.MustExist)
	if err != nil {
		return nil, fmt.Errorf("database: open %s: %w", e, err)
	}
	if c.Connections > 0 {
		db.SetMaxOpenConns(c.Connections)
		db.SetMaxIdleConns(c.Connections)
	}
	d := &Database{engine: e, sql: db, log: c.Log, migrations: migrationsOf(e.dialect()), tableWait: defaultTableWait()}
	if err := d.await(ctx, c.Wait); err != nil {
		return nil, errors.Join(fmt.Errorf("database: open %s: %w", e, e.withHint(err)), db.Close())
	}
	if f, ok := e.(*file); ok {
		if err := f.connect(ctx, db); err != nil {
			return nil, errors.Join(fmt.Errorf("database: open %s: %w", e, f.withHint(err)), db.Close())
		}
	}
	decorated, err := d.newDriver(c)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	d.Client = ent.NewClient(ent.Driver(decorated))
	return d, nil
}

// String names the database for a log: its URL without the password.
func (d *Database) String() string { return d.engine.String() }

// Shared reports whether other instances of the program may use the database at the same time.
func (d *Database) Shared() bool { return d.engine.dialect() == dialect.Postgres }

// Check reads all of a SQLite file, about a second and a half for a GB, and fails when any of it is damaged: the start
// reads only its header and the first pages of its tables. PostgreSQL has tools of its own for this, and nothing is
// read.
func (d *Database) Check(ctx context.Context) error {
	if err := d.engine.check(ctx, d.sql); err != nil {
		return fmt.Errorf("database: check %s: %w", d.engine, d.engine.withHint(err))
	}
	return nil
}

// MaxTransactions returns how many transactions may be open simultaneously so that reads have connections meanwhile, and
// background tasks have: a transaction that waits for a row, or for SQLite's one writer, holds its connection.
func (d *Database) MaxTransactions() int {
	if !d.Shared() {
		return 1
	}
	return d.Stats().MaxOpenConnections * 3 / 4
}

// Stats returns the numbers of the pool of connections.
func (d *Database) Stats() sql.DBStats { return d.sql.Stats() }

// Turns returns the numbers of the turns of statements outside of transactions: zero without Config.Caller.
func (d *Database) Turns() fairqueue.Stats {
	if d.turns == nil {
		return fairqueue.Stats{}
	}
	return d.turns.Stats()
}

// Close lets no new statement begin. A connection in use is closed as soon as it is free.
func (d *Database) Close() error {
	if err := d.sql.Close(); err != nil {
		return fmt.Errorf("database: close %s: %w", d.engine, err)
	}
	return nil
}

// await returns once the database answered, refused, or stayed silent for as long as wait.
func (d *Database) await(ctx context.Context, wait time.Duration) error {
	bounded, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var silence error // the newest reason that is not merely the end of the wait
	for try := 1; ; try++ {
		err := d.engine.preflight(bounded, d.sql)
		if err == nil {
			err = d.sql.PingContext(bounded)
		}
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !Unavailable(err) || damaged(err) || refusedForGood(err):
			return err
		case bounded.Err() == nil || silence == nil:
			silence = err
		}
		d.log.WarnContext(ctx, "the database does not answer", "database", d.engine.String(), "try", try, "error", err)
		select {
		case <-bounded.Done():
		case <-tick.C:
		}
		if bounded.Err() != nil {
			return fmt.Errorf("no answer within %s, is it running? %w", wait, silence)
		}
	}
}
