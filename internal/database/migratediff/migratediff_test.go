package main

import (
	"bytes"
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"entgo.io/ent/dialect/sql/schema"

	"github.com/gatehouse/gatehouse/ent/migrate"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// planned is what plan says about a folder of migrations.
func planned(t *testing.T, e engine, dir fs.FS) string {
	t.Helper()
	text := must(e.plan(t.Context(), dir))
	return string(text)
}

func each(t *testing.T, f func(t *testing.T, e engine, dir fs.FS)) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) { f(t, onTestServer(t, e), os.DirFS("../migrations/"+e.name)) })
	}
}

// onTestServer plans on the tests' server: a cluster for each plan would take a second each.
func onTestServer(t *testing.T, e engine) engine {
	if e.name == "postgres" {
		url := dbtest.Postgres(t)
		e.scratch = func() (*sql.DB, func() error, error) {
			db, err := sql.Open("postgres", url)
			return db, db.Close, err
		}
	}
	return e
}

func TestMigrations_EqualTheEntSchema(t *testing.T) {
	each(t, func(t *testing.T, e engine, dir fs.FS) {
		testenv.Equal(t, "", planned(t, e, dir), "not in the migrations yet: make migration NAME=…")
	})
}

// Atlas plans no DROP TABLE, so it sees none that is missing. The log of changes alone is not Ent's: it has no key.
func TestMigrations_CreateNoOtherTables(t *testing.T) {
	want := []string{"changes"}
	for _, table := range migrate.Tables {
		want = append(want, table.Name)
	}
	slices.Sort(want)
	each(t, func(t *testing.T, e engine, dir fs.FS) {
		testenv.Equal(t, want, tables(t, e, dir), "tables, by the Ent schema and by the migrations")
	})
}

func tables(t *testing.T, e engine, dir fs.FS) []string {
	t.Helper()
	db, end, err := e.scratch()
	check(t, err)
	defer end()
	history := must(read(dir))
	files := must(history.Files())
	for _, f := range files {
		statements := must(f.Stmts())
		for _, s := range statements {
			if _, err := db.Exec(s); err != nil {
				t.Fatalf("%s: %v", f.Name(), err)
			}
		}
	}
	return dbtest.Tables(t, db)
}

// Only revocations outlive their user: relying services still ask for them. So do changes, which Ent does not know.
// Addresses have no foreign key, so that they can be divided otherwise than users: triggers and package accounts see to it.
// One-time tokens go with the account by package accounts; of one that was deleted in SQL they stay until they expire,
// and then say which address is free. The audit log tells of accounts that are gone, until its retention ends.
func TestTables_RowsOfAUserGoWithTheUser(t *testing.T) {
	checked := 0
	for _, table := range migrate.Tables {
		column, ok := table.Column("user_id")
		if !ok || slices.Contains([]string{"revocations", "addresses", "one_time_tokens", "audit_events"}, table.Name) {
			continue
		}
		checked++
		if !slices.ContainsFunc(table.ForeignKeys, func(k *schema.ForeignKey) bool {
			return k.OnDelete == schema.Cascade && slices.Contains(k.Columns, column)
		}) {
			t.Errorf("%s: its rows stay when their user is deleted; let User's edge cascade", table.Name)
		}
	}
	if checked == 0 {
		t.Error("no table was checked")
	}
}

// The detector of drift is seen to detect: a column, an index and a rule of a foreign key.
func TestPlan_SeesDrift(t *testing.T) {
	for name, c := range map[string]struct{ engine, old, new string }{
		"a missing column on SQLite":        {"sqlite", "`name` text NULL,", ""},
		"a missing column on Postgres":      {"postgres", `"name" character varying NULL,`, ""},
		"a missing index on SQLite":         {"sqlite", "CREATE INDEX `session_user_id` ON", "-- "},
		"a missing index on Postgres":       {"postgres", `CREATE INDEX "session_user_id" ON`, "-- "},
		"another rule on delete, SQLite":    {"sqlite", "ON DELETE CASCADE", "ON DELETE NO ACTION"},
		"another rule on delete, Postgres":  {"postgres", "ON DELETE CASCADE", "ON DELETE NO ACTION"},
		"a column too many on SQLite":       {"sqlite", "`name` text NULL,", "`name` text NULL, `nick` text NULL,"},
		"a nullable column, on Postgres":    {"postgres", `"roles" jsonb NOT NULL`, `"roles" jsonb NULL`},
		"an index that lost its uniqueness": {"sqlite", "UNIQUE INDEX `users_email_key`", "INDEX `users_email_key`"},
	} {
		t.Run(name, func(t *testing.T) {
			i := slices.IndexFunc(engines, func(e engine) bool { return e.name == c.engine })
			dir := altered(t, os.DirFS("../migrations/"+c.engine), c.old, c.new)
			if planned(t, onTestServer(t, engines[i]), dir) == "" {
				t.Error("no drift seen")
			}
		})
	}
}

// altered returns the migrations with one text replaced, where it stands first.
func altered(t *testing.T, dir fs.FS, old, new string) fs.FS {
	t.Helper()
	names := must(fs.Glob(dir, "*.sql"))
	copied, changed := fstest.MapFS{}, false
	for _, name := range names {
		text := must(fs.ReadFile(dir, name))
		if !changed && strings.Contains(string(text), old) {
			text, changed = []byte(strings.Replace(string(text), old, new, 1)), true
		}
		copied[name] = &fstest.MapFile{Data: text}
	}
	if !changed {
		t.Fatalf("%q stands in no migration", old)
	}
	return copied
}

func TestRun_ReportsThatThereIsNothingToPlan(t *testing.T) {
	dbtest.Postgres(t) // skips where there is no Postgres
	t.Chdir("../../..")
	var said bytes.Buffer
	check(t, run(t.Context(), &said, "nothing"))
	if got, want := said.String(), "no changes: the migrations and the Ent schema agree\n"; got != want {
		t.Errorf("plan says %q, want %q", got, want)
	}
}

func TestRun_WritesTheDifferenceForBothEnginesUnderOneNumber(t *testing.T) {
	dbtest.Postgres(t)
	top := t.TempDir()
	for _, e := range engines {
		dir := altered(t, os.DirFS("../migrations/"+e.name), "ON DELETE CASCADE", "ON DELETE NO ACTION")
		check(t, os.CopyFS(filepath.Join(top, folder, e.name), dir))
	}
	t.Chdir(top)
	before := must(filepath.Glob(folder + "/*/*.sql"))
	var said bytes.Buffer
	check(t, run(t.Context(), &said, "cascade"))
	for _, e := range engines {
		name := fmt.Sprintf("%s/%s/%04d_cascade.sql", folder, e.name, len(before)/2+1)
		text := must(os.ReadFile(name))
		if !strings.HasPrefix(string(text), "-- +goose Up\n") || !strings.Contains(string(text), "ON DELETE CASCADE") ||
			strings.Contains(string(text), "Down") {
			t.Errorf("%s:\n%s", name, text)
		}
		if !strings.Contains(said.String(), "wrote "+name) {
			t.Errorf("plan does not say that it wrote %s", name)
		}
	}
	if !strings.Contains(said.String(), "Read the SQL before you commit it") {
		t.Errorf("plan does not warn:\n%s", &said)
	}
	said.Reset()
	if err := run(t.Context(), &said, "again"); err != nil || !strings.HasPrefix(said.String(), "no changes") {
		t.Errorf("planned again: %v, %q", err, &said)
	}
}

// must returns a value without which a test cannot go on.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var check = testenv.Check
