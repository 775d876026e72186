package database_test

import (
	"context"
	"io/fs"
	"log/slog"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// waits counts the lines of a migration that waits for a table.
type waits struct {
	slog.Handler
	lines *atomic.Int32
}

func (w waits) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "a migration waits for a table; it is retried" {
		w.lines.Add(1)
	}
	return nil
}

// TestMigrate_NobodyWaitsBehindAMigrationThatWaitsForADump: a dump reads the table for as long as it lasts. A migration of
// the table, with a transaction and without, lets those through who read it, and is done when the dump is.
func TestMigrate_NobodyWaitsBehindAMigrationThatWaitsForADump(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"one transaction": "ALTER TABLE users ADD COLUMN more int;",
		"a trigger":       "CREATE TABLE beside (id int);\nDROP TRIGGER gatehouse_address_update ON users;",
		"no transaction":  "ALTER TABLE users ADD COLUMN IF NOT EXISTS more int;",
		"a block":         "DO $$ BEGIN ALTER TABLE users ADD COLUMN more int; END $$;",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lines := &atomic.Int32{}
			url := dbtest.Postgres(t)
			log := slog.New(waits{quiet.Handler(), lines})
			d := must(database.Open(t.Context(), database.Config{URL: url, Log: log}))
			t.Cleanup(func() { check(t, d.Close()) })
			must(d.Migrate(t.Context()))
			all := next(t, d, "9002_more.sql", text)
			if name == "no transaction" || name == "a block" {
				all["9002_more.sql"].Data = append([]byte("-- +goose NO TRANSACTION\n"), all["9002_more.sql"].Data...)
			}
			d.SetMigrations(all)
			d.SetTableWait(50*time.Millisecond, 50*time.Millisecond, testenv.HangGuard)
			dump := must(d.SQL().BeginTx(t.Context(), nil))
			must(dump.ExecContext(t.Context(), "LOCK TABLE users IN ACCESS SHARE MODE"))
			migrated := make(chan error, 1)
			go func() {
				_, err := d.Migrate(t.Context())
				migrated <- err
			}()
			for lines.Load() < 3 { // else a read waits until its time is over
				select {
				case err := <-migrated:
					t.Fatalf("it did not wait: %v", err)
				default:
				}
				if _, err := d.Client.User.Query().Count(t.Context()); err != nil {
					t.Fatalf("a read beside the migration: %v", err)
				}
			}
			check(t, dump.Rollback())
			check(t, <-migrated)
			testenv.Equal(t, nextVersion, status(t, d).Current, "version")
		})
	}
}

// TestMigrate_ThatWaitsForATableForTooLongSaysWhatToDo.
func TestMigrate_ThatWaitsForATableForTooLongSaysWhatToDo(t *testing.T) {
	t.Parallel()
	d := migrated(t, dbtest.Postgres(t))
	d.SetMigrations(next(t, d, "9002_more.sql", "ALTER TABLE users ADD COLUMN more int;"))
	d.SetTableWait(50*time.Millisecond, time.Millisecond, 0)
	dump := must(d.SQL().BeginTx(t.Context(), nil))
	must(dump.ExecContext(t.Context(), "LOCK TABLE users IN ACCESS SHARE MODE"))
	_, err := d.Migrate(t.Context())
	if err == nil || !strings.Contains(err.Error(), "9002_more.sql") || !strings.Contains(err.Error(), "pg_stat_activity") {
		t.Errorf("got %v", err)
	}
	check(t, dump.Rollback())
	must(d.Migrate(t.Context()))
}

// TestMigrations_WithoutATransactionWaitForNoTableForLong: each of their statements waits for a time only, or locks no
// table against readers.
func TestMigrations_WithoutATransactionWaitForNoTableForLong(t *testing.T) {
	t.Parallel()
	d, seen := open(t, dbtest.Postgres(t)), 0
	harmless := regexp.MustCompile(`^(CREATE (UNIQUE )?INDEX CONCURRENTLY|DROP INDEX CONCURRENTLY|UPDATE|INSERT|DELETE)\b`)
	begin := regexp.MustCompile(`(?m)^(ALTER|CREATE|DROP|DO|UPDATE|INSERT|DELETE|TRUNCATE|LOCK)\b`)
	for name := range next(t, d) {
		text := string(must(fs.ReadFile(d.Migrations(), name)))
		if !strings.Contains(text, "NO TRANSACTION") {
			continue
		}
		starts := begin.FindAllStringIndex(text, -1)
		for i, at := range starts {
			end := len(text)
			if i+1 < len(starts) {
				end = starts[i+1][0]
			}
			statement := text[at[0]:end]
			if block := strings.HasPrefix(statement, "DO ") && !strings.Contains(statement, "ALTER"); !block &&
				!harmless.MatchString(statement) && !database.LocksTables(statement) {
				t.Errorf("%s: %s", name, statement)
			}
			seen++
		}
	}
	if seen < 10 || database.LocksTables("DROP TABLE users") {
		t.Errorf("%d statements", seen)
	}
}
