// Package dbtest gives tests real databases: a fresh one for each test, on SQLite and on PostgreSQL. PostgreSQL is the
// server in TEST_DATABASE_URL, whose account must be allowed to create databases, or else a throw-away cluster of this
// machine's binaries, one a test binary, started when the first test asks. Without either the test is skipped, or fails
// in CI: see package testenv.
package dbtest

import (
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

// Main runs a package's tests and ends their cluster; call it in TestMain. Without it the cluster ends a moment after
// the test binary.
func Main(m *testing.M) { os.Exit(Run(m)) }

// Run is Main for a TestMain that has more to do before it ends with the returned code.
func Run(m *testing.M) (code int) {
	flag.Set("test.parallel", fmt.Sprint(max(runtime.GOMAXPROCS(0), 4))) // where no flag says otherwise: they wait, mostly
	code = m.Run()
	if err := shared.close(); err != nil {
		fmt.Fprintln(os.Stderr, "dbtest:", err)
		code = max(code, 1)
	}
	return code
}

// Each runs f as a subtest "sqlite" and a subtest "postgres", each with the URL of an empty database, not migrated.
func Each(t *testing.T, f func(t *testing.T, url string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { f(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { f(t, Postgres(t)) })
}

// SQLite returns the URL of a file that is not there yet, in a folder that goes with the test.
func SQLite(t testing.TB) string {
	t.Helper()
	folder, err := os.MkdirTemp(pgtemp.MemoryFolder(), "gatehouse-sqlite-")
	testenv.Check(t, err)
	t.Cleanup(func() { testenv.Check(t, os.RemoveAll(folder)) })
	return "sqlite:" + filepath.Join(folder, "gatehouse.db")
}

// Postgres returns the URL of an empty database that goes with the test. Other processes can use it too.
func Postgres(t testing.TB) string {
	t.Helper()
	s := started(t)
	name := "gatehouse_test_" + strings.ToLower(rand.Text())
	if _, err := s.admin.ExecContext(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatalf("dbtest: make a database: %v", err)
	}
	t.Cleanup(func() {
		if _, err := s.admin.Exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Errorf("dbtest: drop the database: %v", err)
		}
	})
	u := *s.url
	u.Path = "/" + name
	return u.String()
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
		defer func() { err = errors.Join(err, s.stopVacuum()) }()
	}
	if s.url, err = url.Parse(address); err != nil {
		return errors.New("TEST_DATABASE_URL is not a URL: postgres://USER:PASSWORD@HOST:5432/NAME?sslmode=disable")
	}
	s.admin, err = sql.Open("postgres", address)
	return err
}

// stopVacuum ends the worker that looks after each database: there are hundreds, of a second each.
func (s *server) stopVacuum() error {
	if s.admin == nil {
		return nil
	}
	_, err := s.admin.Exec("ALTER SYSTEM SET autovacuum = off")
	if err == nil {
		_, err = s.admin.Exec("SELECT pg_reload_conf()")
	}
	return err
}

func (s *server) close() error {
	var err error
	if s.admin != nil {
		err = s.admin.Close()
	}
	if s.cluster != nil {
		err = errors.Join(err, s.cluster.Close())
	}
	return err
}
