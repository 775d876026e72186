package database

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"entgo.io/ent/dialect"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
	"github.com/pressly/goose/v3"
)

//go:embed migrations/sqlite/*.sql migrations/postgres/*.sql
var embedded embed.FS

func migrationsOf(name string) fs.FS {
	folder := "migrations/postgres"
	if name == dialect.SQLite {
		folder = "migrations/sqlite"
	}
	sub, err := fs.Sub(embedded, folder)
	if err != nil {
		panic(err) // the two paths above are valid
	}
	return sub
}

// Status is how a database's schema stands to this program. Versions are the numbers of migrations; 0 is empty.
type Status struct {
	Current int64    // the database's
	Newest  int64    // this program's
	Pending []string // files that Migrate would apply, in order
}

// String says it in a sentence.
func (s Status) String() string {
	switch {
	case s.Newer():
		return fmt.Sprintf("The database is at version %d, newer than this program's %d.", s.Current, s.Newest)
	case len(s.Pending) > 0:
		return fmt.Sprintf("The database is at version %d of %d; `gatehouse migrate` would apply %s.",
			s.Current, s.Newest, strings.Join(s.Pending, ", "))
	default:
		return fmt.Sprintf("The database is at version %d, which is this program's.", s.Current)
	}
}

// Newer reports that a later program migrated the database.
func (s Status) Newer() bool { return s.Current > s.Newest }

// Status reads the schema's version and changes nothing.
func (d *Database) Status(ctx context.Context) (Status, error) {
	s, err := d.status(ctx)
	if err != nil {
		return Status{}, fmt.Errorf("database: read the schema's version: %w", d.engine.withHint(err))
	}
	return s, nil
}

func (d *Database) status(ctx context.Context) (Status, error) {
	files, err := fs.Glob(d.migrations, "*.sql")
	if err != nil {
		return Status{}, err
	}
	applied, err := d.applied(ctx)
	if err != nil {
		return Status{}, err
	}
	s := Status{Current: slices.Max(append(applied, 0))}
	for _, f := range files { // Glob sorts them
		version, err := goose.NumericComponent(f)
		if err != nil {
			return Status{}, err
		}
		s.Newest = max(s.Newest, version)
		if !slices.Contains(applied, version) {
			s.Pending = append(s.Pending, f)
		}
	}
	return s, nil
}

// applied lists the versions that goose recorded. goose's own functions for it make goose's table first.
func (d *Database) applied(ctx context.Context) ([]int64, error) {
	table, err := readVersionTable(ctx, d.engine, d.sql)
	if err != nil || table == "" {
		return nil, err
	}
	versions, err := d.versionsIn(ctx, table)
	if err != nil && table != versionTable { // another instance may have renamed it meanwhile
		return d.versionsIn(ctx, versionTable)
	}
	return versions, err
}

func (d *Database) versionsIn(ctx context.Context, table string) (versions []int64, err error) {
	rows, err := d.sql.QueryContext(ctx, "SELECT version_id FROM "+table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var v int64
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		versions = append(versions, v)
	}
	return versions, rows.Err()
}

// Migrate brings the schema to this program's version and returns the files that it applied. Several instances may call
// it simultaneously: one applies, the others wait for it. Each file is one transaction, so one that fails leaves
// nothing of itself behind; a file that says NO TRANSACTION builds indexes while others read and write, and can run
// again from its beginning. On Postgres a statement that waits for a table gives up soon, and its file is tried again: all
// who read the table queue behind it, for as long as a dump holds it. There is no way back: down would drop columns with
// what users put into them.
func (d *Database) Migrate(ctx context.Context) ([]string, error) {
	before, err := d.Status(ctx)
	if err != nil {
		return nil, err
	}
	if !before.Newer() {
		err := d.checkListeners(ctx)
		if err == nil {
			err = d.rename(ctx)
		}
		if err != nil {
			return nil, fmt.Errorf("database: migrate %s: %w", d.engine, d.engine.withHint(err))
		}
	}
	if before.Newer() || len(before.Pending) == 0 {
		return nil, d.markCurrent(before)
	}
	results, err := d.apply(ctx)
	var applied []string
	for _, r := range results {
		applied = append(applied, path.Base(r.Source.Path))
		d.log.InfoContext(ctx, "migrated", "database", d.engine.String(), "file", path.Base(r.Source.Path),
			"took", r.Duration.Round(time.Millisecond))
	}
	if err != nil {
		return applied, fmt.Errorf("database: migrate %s: %w", d.engine, d.engine.withHint(err))
	}
	after, err := d.Status(ctx) // a newer program may have been the one that was waited for
	if err != nil {
		return applied, err
	}
	return applied, d.markCurrent(after)
}

// apply runs the files that are pending, and tries again what waited for a table for too long.
func (d *Database) apply(ctx context.Context) (results []*goose.MigrationResult, err error) {
	l, err := d.engine.locker(d.sql)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.release()) }()
	p, err := d.engine.provider(d.sql, d.migrations, l)
	if err != nil {
		return nil, fmt.Errorf("read the migrations of this program: %w", err)
	}
	ctx = context.WithValue(ctx, migrating{}, d.tableWait.timeout)
	for began := time.Now(); ; {
		done, err := p.Up(ctx)
		if failed, ok := errors.AsType[*goose.PartialError](err); ok {
			done = failed.Applied
			err = fmt.Errorf("%s: %w", path.Base(failed.Failed.Source.Path), failed.Err)
		}
		results = append(results, done...)
		if pq.As(err, pqerror.LockNotAvailable) == nil || time.Since(began) >= d.tableWait.total {
			return results, err
		}
		d.log.WarnContext(ctx, "a migration waits for a table; it is retried", "error", err)
		select {
		case <-ctx.Done():
			return results, err
		case <-time.After(d.tableWait.pause):
		}
	}
}

// tableWait is how a migration waits for a table that others use.
type tableWait struct {
	timeout time.Duration // of one statement, during which readers of the table queue behind it
	pause   time.Duration // until the next attempt, so that they catch up
	total   time.Duration // after which no further attempt begins
}

// maxTableWait is the total of defaultTableWait.
const maxTableWait = 10 * time.Minute

func defaultTableWait() tableWait {
	return tableWait{timeout: time.Second, pause: 4 * time.Second, total: maxTableWait}
}

// markCurrent is checkVersion; once it passed, Ready accepts a newer version.
func (d *Database) markCurrent(s Status) error {
	err := d.checkVersion(s)
	if err == nil {
		d.everCurrent.Store(true)
	}
	return err
}

func (d *Database) checkVersion(s Status) error {
	switch {
	case s.Newer():
		return fmt.Errorf("database: %s is at version %d, newer than this program's %d: run the newer program, or "+
			"restore a backup from before its migration", d.engine, s.Current, s.Newest)
	case len(s.Pending) > 0:
		return fmt.Errorf("database: %s is at version %d, this program needs %d: run `gatehouse migrate`",
			d.engine, s.Current, s.Newest)
	}
	return nil
}
