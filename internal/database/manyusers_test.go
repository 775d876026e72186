package database_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestMigrate_ManyUsersWithoutAStandstill: from the first schema, full of users who each have a session, to this
// program's, file by file, while others read and write them as the version before does. No table of theirs is
// rewritten. 20,000 users; 1,000,000 with TEST_LONG=users.
func TestMigrate_ManyUsersWithoutAStandstill(t *testing.T) {
	many := map[bool]int{true: 1_000_000, false: 20_000}[testenv.Long("users")]
	dbtest.Each(t, func(t *testing.T, url string) {
		d := open(t, url)
		all := next(t, d)
		until := fstest.MapFS{files[0]: all[files[0]]}
		d.SetMigrations(until)
		must(d.Migrate(t.Context()))
		fill(t, url, many)
		before := places(t, d)
		for _, file := range files[1:] {
			until[file] = all[file]
			migrateBesideTraffic(t, d, many)
		}
		if after := places(t, d); before != after {
			t.Errorf("a table was rewritten: %s, then %s", before, after)
		}
		testenv.Equal(t, many, addressesOfUsers(t, d), "addresses")
		var left int
		if err := d.SQL().QueryRow("SELECT count(*) FROM sessions JOIN users ON users.id = user_id").Scan(&left); err != nil || left != many {
			t.Errorf("%d sessions are left, %v", left, err)
		}
	})
}

// migrateBesideTraffic applies one file.
func migrateBesideTraffic(t *testing.T, d *database.Database, many int) {
	t.Helper()
	bound := time.Minute // a hang; the promise is measured by the long form, which has the machine for itself
	switch {
	case testenv.Long("users") && d.Shared():
		bound = time.Second
	case testenv.Long("users"): // where a write waits for an index to be built; it is refused after five seconds
		bound = 4 * time.Second
	}
	traffic := &traffic{t: t, d: d, many: many, bound: bound, over: make(chan struct{})}
	traffic.begin()
	time.Sleep(50 * time.Millisecond)
	began := time.Now()
	applied, err := d.Migrate(t.Context())
	took := time.Since(began)
	traffic.end()
	if err != nil || len(applied) != 1 {
		t.Fatalf("applied %v, %v", applied, err)
	}
	t.Logf("%d users: %v took %v; the longest read %v, the longest write %v (of %d and %d)", many, applied,
		took.Round(time.Millisecond), traffic.longest[0].Round(time.Millisecond), traffic.longest[1].Round(time.Millisecond),
		traffic.done[0], traffic.done[1])
	if longest := max(traffic.longest[0], traffic.longest[1]); longest > bound {
		t.Errorf("%v: somebody waited for %v", applied, longest)
	}
}

// fill makes users and sessions whose ids hold their numbers.
func fill(t *testing.T, url string, many int) {
	t.Helper()
	series, id := "generate_series(1, %d) n", "lpad(to_hex(n), 8, '0') || '-0000-7000-8000-000000000000'"
	cast, bytes := "::uuid", `'\x00'::bytea`
	if strings.HasPrefix(url, "sqlite") {
		series = "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < %d) SELECT n FROM s)"
		id, cast, bytes = "printf('%08x-0000-7000-8000-000000000000', n)", "", "x'00'"
	}
	const at = "'2026-01-01 00:00:00+00:00'"
	for _, statement := range []string{
		"INSERT INTO users (id, email, password_hash, roles, status, created_at, updated_at) SELECT (" + id + ")" + cast +
			", 'u' || n || '@example.com', '" + strings.Repeat("h", 96) + `', '["USER"]', 'ACTIVE', ` + at + ", " + at + " FROM ",
		"INSERT INTO sessions (id, user_id, refresh_digest, refresh_generation, authenticated_at, created_at, last_used_at, idle_expires_at, expires_at)" +
			" SELECT (" + id + ")" + cast + ", (" + id + ")" + cast + ", " + bytes + ", 1, " + strings.Repeat(at+", ", 4) + at + " FROM ",
	} {
		if strings.HasPrefix(url, "postgres") { // timestamps are not text there
			statement = strings.ReplaceAll(statement, at, at+"::timestamptz")
		}
		execute(t, url, statement+fmt.Sprintf(series, many)) // without the program's bound on time
	}
}

// places are the files of Postgres's tables that have rows of users, and the pages where SQLite's begin.
func places(t *testing.T, d *database.Database) (files string) {
	t.Helper()
	query := "SELECT string_agg(relname || ' ' || relfilenode, ', ' ORDER BY relname) FROM pg_class WHERE relname IN ('users', 'sessions')"
	if !d.Shared() {
		query = "SELECT group_concat(name || ' ' || rootpage, ', ') FROM sqlite_schema WHERE type = 'table' AND name IN ('users', 'sessions')"
	}
	check(t, d.SQL().QueryRow(query).Scan(&files))
	return files
}

// traffic is one who reads users with their sessions, and one who writes both. Who is refused after the program's wait
// for a lock, which a slow machine outlasts, asks again until the bound.
type traffic struct {
	t       *testing.T
	d       *database.Database
	many    int
	bound   time.Duration
	over    chan struct{}
	both    sync.WaitGroup
	longest [2]time.Duration
	done    [2]int
}

func (f *traffic) begin() {
	for i, ask := range []func(id string) error{
		func(id string) error {
			var n int
			return f.d.SQL().QueryRow("SELECT count(*) FROM users JOIN sessions ON users.id = user_id WHERE users.id = $1", id).Scan(&n)
		},
		func(id string) error {
			if _, err := f.d.SQL().Exec("UPDATE users SET name = 'Ann' WHERE id = $1", id); err != nil {
				return err
			}
			_, err := f.d.SQL().Exec("UPDATE sessions SET refresh_generation = refresh_generation + 1 WHERE id = $1", id)
			return err
		},
	} {
		f.both.Go(func() {
			for n := 1; ; n = n*7919%f.many + 1 {
				select {
				case <-f.over:
					return
				default:
				}
				id, began := fmt.Sprintf("%08x-0000-7000-8000-000000000000", n), time.Now()
				err := ask(id)
				for database.Unavailable(err) && time.Since(began) < f.bound {
					err = ask(id)
				}
				if err != nil {
					f.t.Errorf("during a migration: %v", err)
					return
				}
				f.longest[i] = max(f.longest[i], time.Since(began))
				f.done[i]++
			}
		})
	}
}

func (f *traffic) end() {
	close(f.over)
	f.both.Wait()
}
