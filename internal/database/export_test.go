package database

import (
	"context"
	"database/sql"
	"io/fs"
	"net"
	"testing"
	"time"
)

// SQL is the pool, for tests that look beneath Ent.
func (d *Database) SQL() *sql.DB { return d.sql }

// SetMigrations makes this the database of another version of the program.
func (d *Database) SetMigrations(m fs.FS) { d.migrations = m }

// SetTableWait shortens what a migration waits for a table.
func (d *Database) SetTableWait(timeout, pause, total time.Duration) {
	d.tableWait = tableWait{timeout, pause, total}
}

// LocksTables is what limits the wait of a statement without a transaction.
var LocksTables = locksTables

// Migrations are the files of this program for the database's engine.
func (d *Database) Migrations() fs.FS { return d.migrations }

const StatementCacheSize = statementCacheSize

// Prepared is how many statements a connection to a SQLite file has kept.
func Prepared(c any) int { return len(c.(*sqliteConn).statements) }

// SSLMode is what a URL comes to.
func SSLMode(url string) string {
	e, err := parse(url)
	if err != nil {
		return err.Error()
	}
	return string(e.(server).config.SSLMode)
}

// ReadURL returns libpq's keywords and values of a URL.
func ReadURL(url string) (map[string]string, error) { return readURL(url) }

// LogReader reads the log once a call.
type LogReader struct{ logReader }

// NewLogReader returns a reader that has read nothing, until the test ends.
func NewLogReader(t testing.TB, d *Database) *LogReader {
	pool := d.engine.logPool()
	r := &LogReader{logReader{db: d, pool: pool}}
	t.Cleanup(func() { r.disconnect(); pool.Close() })
	return r
}

// Read returns what a read tells a follower.
func (r *LogReader) Read(ctx context.Context) (changes []Change, lost bool, err error) {
	err = r.pass(ctx, Follower{Changed: func(c []Change) { changes = c }, Synced: func(time.Time) {}, Lost: func() { lost = true }})
	return changes, lost, err
}

// Away makes the last read older.
func (r *LogReader) Away(by time.Duration) { r.readAt = r.readAt.Add(-by) }

// ClockMoved makes the last read so long ago by the wall clock alone; negative: yet to come.
func (r *LogReader) ClockMoved(by time.Duration) { r.readAt = time.Now().Round(0).Add(-by) }

// Ahead makes the position later than any that the database has.
func (r *LogReader) Ahead() { r.position.next += 1 << 40 }

// ChangesRetention and MaxAway are the bounds of the log.
const (
	ChangesRetention = changesRetention
	MaxAway          = maxAway
)

// AgeNotes makes older what the database's sweeper knows.
func (d *Database) AgeNotes(by time.Duration) { d.sweeper.newest.at = d.sweeper.newest.at.Add(-by) }

// LogStatements are what reads and sweeps the log.
var LogStatements = readChangesSQL + server{}.sweepChanges() + (&file{}).sweepChanges()

// OpenPool makes the pool of a URL, and asks it nothing.
func OpenPool(url string) (*sql.DB, error) {
	e, err := parse(url)
	if err != nil {
		return nil, err
	}
	return e.open(false)
}

// ConnectSQLite opens the file of a URL, and returns each way in which connections to it are made.
func ConnectSQLite(ctx context.Context, url string) (map[string]func() error, error) {
	e, err := parse(url)
	if err != nil {
		return nil, err
	}
	pool, err := e.open(true)
	if err != nil {
		return nil, err
	}
	connect := func(pool *sql.DB) func() error {
		return func() error {
			_, err := texts(ctx, pool, "SELECT email FROM users")
			return err
		}
	}
	return map[string]func() error{
		"pool": connect(pool), "log of changes": connect(e.logPool()),
		"preflight": func() error { return e.preflight(ctx, nil) },
	}, nil
}

// OpenPoolThrough is OpenPool of a Postgres whose connections each pass a function when they are made.
func OpenPoolThrough(url string, through func(net.Conn) net.Conn) (*sql.DB, error) {
	e, err := parse(url)
	if err != nil {
		return nil, err
	}
	dial := e.(server).servers.dial
	e.(server).servers.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		raw, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return through(raw), nil
	}
	return e.open(false)
}

// Texts returns the rows of a query with one column.
func Texts(ctx context.Context, db *sql.DB, query string) ([]string, error) {
	return texts(ctx, db, query)
}
