package database_test

import (
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// next is the program's migrations and some more: file name, SQL, file name, SQL, …
func next(t *testing.T, d *database.Database, more ...string) fstest.MapFS {
	t.Helper()
	all := fstest.MapFS{}
	names := must(fs.Glob(d.Migrations(), "*.sql"))
	for _, name := range names {
		text := must(fs.ReadFile(d.Migrations(), name))
		all[name] = &fstest.MapFile{Data: text}
	}
	for i := 0; i < len(more); i += 2 {
		all[more[i]] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + more[i+1])}
	}
	return all
}

// The migrations of the program, its version, and the version of the next one, which the tests make up.
var (
	files       = migrationFiles()
	version     = int64(len(files))
	nextVersion = int64(9002)
)

// migrationFiles derives what the tests expect, so that a new migration changes none of them. Both engines have the
// same names, numbered from 1 without a gap.
func migrationFiles() []string {
	names, err := fs.Glob(os.DirFS("migrations/sqlite"), "*.sql")
	if err != nil {
		panic(err)
	}
	return names
}

// tables lists what a schema holds, goose's table included.
func tables(t *testing.T, d *database.Database) []string {
	t.Helper()
	return dbtest.Tables(t, d.SQL())
}

func status(t *testing.T, d *database.Database) database.Status {
	t.Helper()
	return must(d.Status(t.Context()))
}

func TestStatus_ChangesNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, url string) {
		d := open(t, url)
		want := database.Status{Newest: version, Pending: files}
		testenv.Equal(t, want, status(t, d), "before")
		if got := tables(t, d); len(got) != 0 {
			t.Errorf("Status made tables: %v", got)
		}
		err := d.Ready(t.Context())
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("version 0, this program needs %d", version)) {
			t.Errorf("Ready before migrating: %v", err)
		}
		applied := must(d.Migrate(t.Context()))
		testenv.Equal(t, files, applied, "applied")
		testenv.Equal(t, database.Status{Current: version, Newest: version}, status(t, d), "after")
		if err := d.Ready(t.Context()); err != nil {
			t.Errorf("Ready after migrating: %v", err)
		}
		if applied, err := d.Migrate(t.Context()); err != nil || len(applied) != 0 {
			t.Errorf("migrated twice: %v, %v", applied, err)
		}
	})
}

func TestMigrate_OfEightSimultaneousOneMigratesAndAllSucceed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, url string) {
		for round, want := range []string{strings.Join(files, " "), "9002_more.sql 9003_most.sql"} {
			var all sync.WaitGroup
			applied := make([]string, 8)
			for i := range applied {
				all.Go(func() {
					d := open(t, url)
					if round > 0 {
						d.SetMigrations(next(t, d, "9002_more.sql", "CREATE TABLE more (id int);",
							"9003_most.sql", "CREATE TABLE most (id int);"))
					}
					done, err := d.Migrate(t.Context())
					if err != nil {
						t.Error(err)
					}
					applied[i] = strings.Join(done, " ")
				})
			}
			all.Wait()
			var got []string
			for _, a := range applied {
				if a != "" {
					got = append(got, a)
				}
			}
			testenv.Equal(t, []string{want}, got, "round %d: who applied what", round)
		}
	})
}

func TestMigrate_FailureLeavesNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, url string) {
		d := migrated(t, url)
		before := tables(t, d)
		user := must(newUser(t.Context(), d.Client, "stays@example.com"))
		good := "CREATE TABLE half (id int);\nUPDATE users SET email = 'gone';\n"
		d.SetMigrations(next(t, d, "9002_broken.sql", good+"INSERT INTO nowhere VALUES (1);"))
		_, err := d.Migrate(t.Context())
		if err == nil || !strings.Contains(err.Error(), "9002_broken.sql: ") ||
			!strings.Contains(err.Error(), "nowhere") {
			t.Fatalf("the error does not say what failed: %v", err)
		}
		testenv.Equal(t, before, tables(t, d), "tables")
		testenv.Equal(t, version, status(t, d).Current, "version")
		testenv.Equal(t, user.Email, d.Client.User.GetX(t.Context(), user.ID).Email, "the row")
		d.SetMigrations(next(t, d, "9002_broken.sql", good))
		if _, err := d.Migrate(t.Context()); err != nil {
			t.Errorf("mended: %v", err)
		}
		testenv.Equal(t, nextVersion, status(t, d).Current, "mended: version")
	})
}

// What was applied before the failure stays, and is said.
func TestMigrate_KeepsMigrationsBeforeAFailure(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, url string) {
		d := open(t, url)
		d.SetMigrations(next(t, d, "9002_broken.sql", "INSERT INTO nowhere VALUES (1);"))
		applied, err := d.Migrate(t.Context())
		if err == nil {
			t.Fatal("no error")
		}
		testenv.Equal(t, files, applied, "applied")
		testenv.Equal(t, version, status(t, d).Current, "version")
	})
}

func TestMigrate_NewerDatabaseIsRefusedWithBothVersions(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, url string) {
		serving, newer := migrated(t, url), open(t, url)
		newer.SetMigrations(next(t, newer, "9002_more.sql", "CREATE TABLE more (id int);"))
		must(newer.Migrate(t.Context()))
		if err := serving.Ready(t.Context()); err != nil {
			t.Errorf("the older program, which serves, is not ready: %v", err)
		}
		if err := newer.Ready(t.Context()); err != nil {
			t.Errorf("the newer program is not ready: %v", err)
		}
		before := tables(t, newer)
		older := open(t, url)
		_, migrateErr := older.Migrate(t.Context())
		for name, err := range map[string]error{"Migrate": migrateErr, "Ready": older.Ready(t.Context())} {
			if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("version %d, newer than this program's %d", nextVersion, version)) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if s := status(t, older); !s.Newer() || s.Current != nextVersion || s.Newest != version {
			t.Errorf("status: %+v", s)
		}
		testenv.Equal(t, before, tables(t, older), "tables")
	})
}

// The newer program may also be the one that an older one waits for.
func TestMigrate_DatabaseThatBecameNewerIsRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, url string) {
		older := open(t, url)
		migrations := next(t, older)
		newer := open(t, url)
		newer.SetMigrations(next(t, newer, "9002_more.sql", "CREATE TABLE more (id int);"))
		older.SetMigrations(racing{migrations, sync.OnceFunc(func() {
			if _, err := newer.Migrate(t.Context()); err != nil {
				t.Error(err)
			}
		})})
		if _, err := older.Migrate(t.Context()); err == nil || !strings.Contains(err.Error(), "newer") {
			t.Errorf("got %v", err)
		}
	})
}

// racing lets another instance migrate between this one's look at the database and its lock.
type racing struct {
	fstest.MapFS
	meanwhile func()
}

func (r racing) Glob(pattern string) ([]string, error) {
	if pattern == "*.go" { // goose asks for these after Status, before the lock
		r.meanwhile()
	}
	return r.MapFS.Glob(pattern)
}

const rebuild = `PRAGMA foreign_keys = off;
CREATE TABLE new_users (id uuid NOT NULL, email text NOT NULL, %s PRIMARY KEY (id));
INSERT INTO new_users (id, email) SELECT id, email FROM users;
DROP TABLE users;
ALTER TABLE new_users RENAME TO users;
%s
PRAGMA foreign_keys = on;`

func TestMigrate_RebuiltSQLiteTableKeepsReferringRows(t *testing.T) {
	d := migrated(t, dbtest.SQLite(t))
	session := someSession(t, d)
	d.SetMigrations(next(t, d, "9002_rebuild.sql", fmt.Sprintf(rebuild, "nick text NULL,", "")))
	must(d.Migrate(t.Context()))
	testenv.Equal(t, 1, d.Client.Session.Query().CountX(t.Context()), "sessions are left")
	must(d.SQL().Exec("DELETE FROM users WHERE id = ?", session.UserID))
	testenv.Equal(t, 0, d.Client.Session.Query().CountX(t.Context()),
		"foreign keys stayed off: sessions without a user")
	foreignKeysAreOn(t, d)
}

func TestMigrate_BrokenReferenceIsRolledBack(t *testing.T) {
	d := migrated(t, dbtest.SQLite(t))
	someSession(t, d)
	before := tables(t, d)
	d.SetMigrations(next(t, d, "9002_rebuild.sql", fmt.Sprintf(rebuild, "", "DELETE FROM users;")))
	_, err := d.Migrate(t.Context())
	if err == nil || !strings.Contains(err.Error(), "of table sessions would refer to nothing in users") {
		t.Fatalf("got %v", err)
	}
	testenv.Equal(t, before, tables(t, d), "tables")
	if s := status(t, d); s.Current != version {
		t.Errorf("version is %d, want %d", s.Current, version)
	}
	testenv.Equal(t, 1, d.Client.User.Query().CountX(t.Context()), "users are left")
	foreignKeysAreOn(t, d)
}

// foreignKeysAreOn takes all connections of the pool.
func foreignKeysAreOn(t *testing.T, d *database.Database) {
	t.Helper()
	for range d.SQL().Stats().MaxOpenConnections {
		c := must(d.SQL().Conn(t.Context()))
		defer c.Close()
		var on bool
		if err := c.QueryRowContext(t.Context(), "PRAGMA foreign_keys").Scan(&on); err != nil || !on {
			t.Errorf("a connection has foreign_keys %t (%v)", on, err)
		}
	}
}

// TestMigrate_IsRefusedBesideInstancesThatWouldNotHear: those from before the log of changes listen to notifications.
func TestMigrate_IsRefusedBesideInstancesThatWouldNotHear(t *testing.T) {
	d := open(t, dbtest.Postgres(t))
	old := must(d.SQL().Conn(t.Context()))
	defer old.Close()
	must(old.ExecContext(t.Context(), `LISTEN "gatehouse_changes"`))
	if _, err := d.Migrate(t.Context()); err == nil || !strings.Contains(err.Error(), "stop all of those") {
		t.Errorf("beside one that listens: %v", err)
	}
	testenv.Equal(t, 0, len(tables(t, d)), "tables")
	must(old.ExecContext(t.Context(), `LISTEN "another program's"`))
	if _, err := d.Migrate(t.Context()); err != nil {
		t.Errorf("beside one that listens to something else: %v", err)
	}
}
