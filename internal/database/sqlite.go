package database

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"entgo.io/ent/dialect"
	"github.com/pressly/goose/v3"
	gdb "github.com/pressly/goose/v3/database"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// file is a SQLite database.
type file struct {
	path     string
	lockWait time.Duration // for another writer; 0: defaultLockWait
	opened   fs.FileInfo   // what was found or made at the path
}

// defaultLockWait is how long a writer waits for those before it: somebody waits for the answer.
const defaultLockWait = 5 * time.Second

func (f *file) String() string  { return "sqlite:" + f.path }
func (f *file) dialect() string { return dialect.SQLite }

// open makes the file, for its owner alone, unless it is there: SQLite would make it readable for everybody. The files
// that SQLite adds (-wal, -shm) take its mode.
func (f *file) open(mustExist bool) (*sql.DB, error) {
	flag := os.O_RDWR | os.O_CREATE
	if mustExist {
		flag = os.O_RDWR
	}
	if f.wasEmptied() {
		return nil, errEmptied
	}
	if f.hasLeftLog() {
		return nil, errLeftLog
	}
	made, err := os.OpenFile(f.path, flag, 0o600)
	if err != nil {
		return nil, f.cannotOpen(err, mustExist)
	}
	f.opened, err = made.Stat()
	if err := errors.Join(err, made.Close()); err != nil {
		return nil, err
	}
	db := sql.OpenDB(sqliteConnector{f, f.dsn()})
	db.SetMaxOpenConns(sqliteConnections())
	db.SetMaxIdleConns(sqliteConnections())
	return db, nil
}

// connect makes all connections of a pool, which keeps them: none is made to a file that is away, and reads go on.
func (f *file) connect(ctx context.Context, pool *sql.DB) error {
	var all []error
	for range pool.Stats().MaxOpenConnections {
		conn, err := pool.Conn(ctx)
		if err == nil {
			defer conn.Close()
		}
		all = append(all, err)
	}
	return errors.Join(all...)
}

// checkPresent fails when the file that was opened is not at its path.
func (f *file) checkPresent() error {
	now, err := os.Stat(f.path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(now, f.opened) {
		return fmt.Errorf("database: %s: %w", f.path, ErrMoved)
	}
	return err
}

// sqliteConnections is how many there are. One writes at a time; the others read meanwhile. Opening one costs a few
// statements, so idle ones stay open.
func sqliteConnections() int { return max(4, runtime.GOMAXPROCS(0)) }

// sqlitePages is how much of a file each connection keeps in memory, in KiB. The system has the rest of the file.
const sqlitePages = 512

// SQLiteCacheBytes returns how much memory the pages of a SQLite file take at most, outside of Go's heap: the driver
// allocates a page and what SQLite notes of it in the next power of two, which is twice a page.
func SQLiteCacheBytes() int { return sqliteConnections() * 2 * sqlitePages << 10 }

func (f *file) cannotOpen(err error, mustExist bool) error {
	folder := filepath.Dir(f.path)
	if info, statErr := os.Stat(f.path); statErr == nil && info.IsDir() {
		inside := filepath.Join(f.path, "gatehouse.db")
		return fmt.Errorf("%s is a folder: name a file in it, as in sqlite:%s", f.path, inside)
	}
	if _, statErr := os.Stat(folder); errors.Is(statErr, fs.ErrNotExist) {
		return fmt.Errorf("the folder %s does not exist: make it, or name a file in another folder", folder)
	}
	if errors.Is(err, fs.ErrNotExist) && mustExist {
		return errors.New("the file does not exist: check the path, or make the database with `gatehouse migrate`")
	}
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w: let this account read and write the file and its folder", err)
	}
	return err
}

// dsn percent-encodes the path, in which ? # and % would otherwise end or change the name. What it sets:
//
//   - busy_timeout: a writer waits for the one before it, for a time, instead of failing.
//   - journal_mode, synchronous: readers do not wait for the writer; a commit that was answered
//     survives a power cut. NORMAL would lose the last ones, and with them logouts and new refresh tokens.
//   - txlock: a transaction takes the write lock when it begins. One that reads first and then writes fails otherwise
//     as soon as another one wrote in between, and no waiting helps it.
//   - cache_size: a minus sign says that it is in KiB.
//   - time: as text in UTC that sorts by time, rather than Go's String with its monotonic clock.
func (f *file) dsn() string {
	const settings = "&_pragma=foreign_keys(1)&_pragma=busy_timeout(%d)&_pragma=journal_mode(WAL)" +
		"&_pragma=synchronous(FULL)&_pragma=cache_size(-%d)&_txlock=immediate&_time_format=sqlite&_timezone=UTC"
	return f.name() + fmt.Sprintf(settings, cmp.Or(f.lockWait, defaultLockWait).Milliseconds(), sqlitePages)
}

// name makes no file in place of one that is away, for which SQLite would delete the write-ahead log.
func (f *file) name() string {
	return "file:" + (&url.URL{Path: filepath.ToSlash(f.path)}).EscapedPath() + "?mode=rw"
}

func (f *file) withHint(err error) error {
	if _, ok := errors.AsType[foreignTables](err); ok {
		return fmt.Errorf("%w: name a file of Gatehouse's own, as in sqlite:gatehouse.db", err)
	}
	refused, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return err
	}
	switch refused.Code() & 0xff {
	case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("%w: name a SQLite database, or restore this one from a backup", err)
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		return fmt.Errorf("%w: let this account write the file and its folder", err)
	}
	return err
}

func (f *file) schemaQuery() string {
	return `SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c
		WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\_%' ESCAPE '\'
		UNION ALL SELECT name, '' FROM sqlite_schema WHERE type = 'view'`
}

// trialWrite commits a page: nothing less meets a full disk. It is the row that goose begins its table with, and SQLite
// writes no page whose bytes stay the same.
func (f *file) trialWrite() string {
	return "UPDATE " + versionTable + " SET tstamp = strftime('%Y-%m-%d %H:%M:%f') WHERE version_id = 0"
}

func (f *file) provider(db *sql.DB, migrations fs.FS, l locker) (*goose.Provider, error) {
	store, err := gdb.NewStore(gdb.DialectSQLite3, versionTable)
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectCustom, db, migrations, goose.WithDisableGlobalRegistry(true),
		goose.WithStore(checkedStore{store, migrations}), goose.WithSessionLocker(l))
}

func (f *file) locker(*sql.DB) (locker, error) {
	path, err := f.lockPath()
	if err != nil {
		return nil, err
	}
	return newFileLock(path), nil
}
