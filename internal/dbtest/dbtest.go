// Package dbtest gives tests real databases: a fresh one for each test, on SQLite and on PostgreSQL. PostgreSQL is the
// server in TEST_DATABASE_URL, whose account must be allowed to create databases, or else a throw-away cluster of this
// machine's binaries, one a test binary, started when the first test asks. Without either the test is skipped, or fails
// in CI: see package testenv.
package dbtest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	_ "modernc.org/sqlite" // for OpenRaw

	"github.com/gatehouse/gatehouse/internal/pgtemp"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// Main runs a package's tests, with databases that are empty, and ends their cluster; call it in TestMain. Without it
// the cluster ends a moment after the test binary.
func Main(m *testing.M) { os.Exit(Run(m, nil)) }

// Run is Main for a TestMain that has more to do before it ends with the returned code, or whose tests get copies of
// databases that prepare has made of empty ones: a copy is cheaper than its migrations.
func Run(m *testing.M, prepare func(url string) error) (code int) {
	flag.Set("test.parallel", fmt.Sprint(max(runtime.GOMAXPROCS(0), 4))) // where no flag says otherwise: they wait, mostly
	shared.prepare = prepare
	code = m.Run()
	if err := shared.close(); err != nil {
		fmt.Fprintln(os.Stderr, "dbtest:", err)
		code = max(code, 1)
	}
	return code
}

// Each runs f as a subtest "sqlite" and a subtest "postgres", each with the URL of a database, prepared if Run says so.
func Each(t *testing.T, f func(t *testing.T, url string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { f(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { f(t, Postgres(t)) })
}

// EachEmpty is Each with databases that nothing has prepared.
func EachEmpty(t *testing.T, f func(t *testing.T, url string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { f(t, sqlite(t, "")) })
	t.Run("postgres", func(t *testing.T) { f(t, EmptyPostgres(t)) })
}

// SQLite returns the URL of a file, in a folder that goes with the test. The file is not there yet, or is prepared.
func SQLite(t testing.TB) string {
	t.Helper()
	folder, err := preparedSQLite()
	testenv.Check(t, err)
	return sqlite(t, folder)
}

func sqlite(t testing.TB, template string) string {
	t.Helper()
	folder, err := os.MkdirTemp(pgtemp.MemoryFolder(), "gatehouse-sqlite-")
	testenv.Check(t, err)
	t.Cleanup(func() { testenv.Check(t, os.RemoveAll(folder)) })
	if template != "" {
		testenv.Check(t, os.CopyFS(folder, os.DirFS(template)))
	}
	return sqliteURL(folder)
}

func sqliteURL(folder string) string { return "sqlite:" + filepath.Join(folder, "gatehouse.db") }

// Postgres returns the URL of a database that goes with the test: an empty one, or a prepared one. Other processes can
// use it too.
func Postgres(t testing.TB) string {
	t.Helper()
	started(t)
	template, err := preparedPostgres()
	testenv.Check(t, err)
	return postgres(t, template)
}

// EmptyPostgres is Postgres for a database that nothing has prepared.
func EmptyPostgres(t testing.TB) string {
	t.Helper()
	return postgres(t, "template1")
}

func postgres(t testing.TB, template string) string {
	t.Helper()
	s := started(t)
	name, err := s.create(t.Context(), template)
	testenv.Check(t, err)
	t.Cleanup(func() { testenv.Check(t, s.dropSoon(name)) })
	return s.database(name)
}

// OpenRaw opens a database past the program. On SQLite a statement waits for the program's own writers for as long as a
// test may last: they poll for the lock, as it does, and a busy machine lets them win for long.
func OpenRaw(t testing.TB, databaseURL string) *sql.DB {
	t.Helper()
	driver, source := "postgres", databaseURL
	if path, ok := strings.CutPrefix(databaseURL, "sqlite:"); ok {
		driver, source = "sqlite", fmt.Sprintf("file:%s?_pragma=busy_timeout(%d)&_pragma=foreign_keys(1)&_txlock=immediate"+
			"&_time_format=sqlite&_timezone=UTC", (&url.URL{Path: path}).EscapedPath(), testenv.HangGuard.Milliseconds())
	}
	db, err := sql.Open(driver, source)
	testenv.Check(t, err)
	t.Cleanup(func() { db.Close() })
	return db
}

// Tables lists the tables of a database, in the order of their names.
func Tables(t testing.TB, db *sql.DB) (names []string) {
	t.Helper()
	rows, err := db.Query("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY 1")
	if err != nil {
		rows, err = db.Query("SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1")
	}
	testenv.Check(t, err)
	defer rows.Close()
	for rows.Next() {
		var name string
		testenv.Check(t, rows.Scan(&name))
		names = append(names, name)
	}
	testenv.Check(t, rows.Err())
	return names
}

// NewServer returns a server for this test alone, which the test may stop, kill and start again.
func NewServer(t testing.TB) *pgtemp.Server {
	t.Helper()
	c, err := pgtemp.New(pgtemp.MemoryFolder())
	skipWithout(t, err)
	t.Cleanup(func() { testenv.Check(t, c.Close()) })
	return c
}

// NewStandby returns a synchronous standby of a server, made by a script such as deploy/postgres.sh.
func NewStandby(t testing.TB, primary *pgtemp.Server, script string) *pgtemp.Server {
	t.Helper()
	s, err := primary.NewPeer(pgtemp.MemoryFolder())
	testenv.Check(t, err)
	t.Cleanup(func() { testenv.Check(t, s.Close()) })
	s.Wrap(script, primary, "PEER=127.0.0.1", "NAME=standby", "STANDBY=1")
	testenv.Check(t, s.Start())
	return s
}

// shared is the server of this test binary.
var shared server

type server struct {
	once    sync.Once
	err     error
	url     *url.URL
	admin   *sql.DB
	cluster *pgtemp.Server // nil with TEST_DATABASE_URL
	prepare func(url string) error

	template, folder string // what is prepared, if it is

	strategy string      // of CREATE DATABASE
	drops    chan string // of a cluster of our own
	dropped  chan error  // gets one, after drops was closed
}

func started(t testing.TB) *server {
	t.Helper()
	shared.once.Do(func() { shared.err = shared.start() })
	skipWithout(t, shared.err)
	return &shared
}

func skipWithout(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, pgtemp.ErrMissing) {
		testenv.Missing(t, "Postgres", err.Error()+"; or name a server in TEST_DATABASE_URL")
	}
	if err != nil {
		t.Fatalf("dbtest: %v", err)
	}
}

func (s *server) start() (err error) {
	address := os.Getenv("TEST_DATABASE_URL")
	if address == "" {
		if s.cluster, err = pgtemp.New(pgtemp.MemoryFolder()); err != nil {
			return err
		}
		address = s.cluster.URL("postgres")
		defer func() { err = errors.Join(err, s.hasten()) }()
	}
	if s.url, err = url.Parse(address); err != nil {
		return errors.New("TEST_DATABASE_URL is not a URL: postgres://USER:PASSWORD@HOST:5432/NAME?sslmode=disable")
	}
	s.admin, err = sql.Open("postgres", address)
	return err
}

// hasten sets up a server that nobody else uses, and whose data is not waited for. The worker that looks after each
// database ends: there are hundreds, of a second each. Copying files costs half of what copying by the log of changes
// does, which is the default from version 15 on. DROP DATABASE waits a tenth of a second for connections that just end,
// so it is done beside the tests.
func (s *server) hasten() error {
	if s.admin == nil {
		return nil
	}
	_, err := s.admin.Exec("ALTER SYSTEM SET autovacuum = off")
	if err == nil {
		_, err = s.admin.Exec("SELECT pg_reload_conf()")
	}
	var version int
	if err == nil {
		err = s.admin.QueryRow("SELECT current_setting('server_version_num')::int").Scan(&version)
	}
	if version >= 150000 {
		s.strategy = " STRATEGY FILE_COPY"
	}
	s.drops, s.dropped = make(chan string, 4), make(chan error, 1)
	go func() {
		var failed error
		for name := range s.drops {
			failed = errors.Join(failed, s.drop(name))
		}
		s.dropped <- failed
	}()
	return err
}

// create makes a database and returns its name.
func (s *server) create(ctx context.Context, template string) (name string, err error) {
	name = "gatehouse_test_" + strings.ToLower(rand.Text())
	if _, err := s.admin.ExecContext(ctx, "CREATE DATABASE "+name+" TEMPLATE "+template+s.strategy); err != nil {
		return "", fmt.Errorf("dbtest: make a database: %w", err)
	}
	return name, nil
}

// dropSoon is drop, beside the tests where nobody else uses the server. At most a few wait, since they take memory.
func (s *server) dropSoon(name string) error {
	if s.drops == nil {
		return s.drop(name)
	}
	s.drops <- name
	return nil
}

func (s *server) drop(name string) error {
	if _, err := s.admin.Exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
		return fmt.Errorf("dbtest: drop the database: %w", err)
	}
	return nil
}

func (s *server) database(name string) (url string) {
	u := *s.url
	u.Path = "/" + name
	return u.String()
}

// preparedPostgres is the name of the database that others are copied from.
var preparedPostgres = sync.OnceValues(func() (name string, err error) {
	if shared.prepare == nil {
		return "template1", nil
	}
	if name, err = shared.create(context.Background(), "template1"); err != nil {
		return "", err
	}
	shared.template = name
	return name, shared.prepare(shared.database(name))
})

// preparedSQLite is the folder that others are copied from; "" when nothing is prepared.
var preparedSQLite = sync.OnceValues(func() (folder string, err error) {
	if shared.prepare == nil {
		return "", nil
	}
	if folder, err = os.MkdirTemp(pgtemp.MemoryFolder(), "gatehouse-sqlite-"); err != nil {
		return "", err
	}
	shared.folder = folder
	return folder, shared.prepare(sqliteURL(folder))
})

func (s *server) close() (err error) {
	if s.drops != nil {
		close(s.drops)
		err = <-s.dropped
	}
	if s.template != "" {
		err = errors.Join(err, s.drop(s.template))
	}
	if s.folder != "" {
		err = errors.Join(err, os.RemoveAll(s.folder))
	}
	if s.admin != nil {
		err = errors.Join(err, s.admin.Close())
	}
	if s.cluster != nil {
		err = errors.Join(err, s.cluster.Close())
	}
	return err
}
