package main

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse/gatehouse/ent/migrate"
	"github.com/gatehouse/gatehouse/internal/database/cluster"
	"github.com/gatehouse/gatehouse/internal/prerequisite"
)

// planned is what plan says about a folder of migrations; it skips where there is no Postgres.
func planned(t *testing.T, e engine, dir fs.FS) string {
	t.Helper()
	text, err := e.plan(t.Context(), dir)
	if errors.Is(err, cluster.ErrMissing) {
		prerequisite.Missing(t, "Postgres", err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func each(t *testing.T, f func(t *testing.T, e engine, dir fs.FS)) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) { f(t, e, os.DirFS("../migrations/"+e.name)) })
	}
}

func TestMigrationsReplayedEqualTheEntSchema(t *testing.T) {
	each(t, func(t *testing.T, e engine, dir fs.FS) {
		if sql := planned(t, e, dir); sql != "" {
			t.Errorf("not in the migrations yet: go run ./internal/database/plan NAME\n%s", sql)
		}
	})
}

// Atlas plans no DROP TABLE, so it sees none that is missing.
func TestMigrationsReplayedMakeNoOtherTables(t *testing.T) {
	var want []string
	for _, table := range migrate.Tables {
		want = append(want, table.Name)
	}
	slices.Sort(want)
	each(t, func(t *testing.T, e engine, dir fs.FS) {
		if diff := cmp.Diff(want, tables(t, e, dir)); diff != "" {
			t.Errorf("tables (-Ent schema +migrations):\n%s", diff)
		}
	})
}

func tables(t *testing.T, e engine, dir fs.FS) []string {
	t.Helper()
	db, end, err := e.scratch()
	if errors.Is(err, cluster.ErrMissing) {
		prerequisite.Missing(t, "Postgres", err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	past, err := read(dir)
	if err != nil {
		t.Fatal(err)
	}
	files, err := past.Files()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		statements, err := f.Stmts()
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range statements {
			if _, err := db.Exec(s); err != nil {
				t.Fatalf("%s: %v", f.Name(), err)
			}
		}
	}
	list := map[string]string{
		"sqlite":   "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY 1",
		"postgres": "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1",
	}[e.name]
	rows, err := db.Query(list)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return names
}

// The detector of drift is seen to detect: a column, an index and a rule of a foreign key.
func TestDriftIsSeen(t *testing.T) {
	for name, c := range map[string]struct{ engine, old, new string }{
		"a missing column on SQLite":        {"sqlite", "`name` text NULL,", ""},
		"a missing column on Postgres":      {"postgres", `"name" character varying NULL,`, ""},
		"a missing index on SQLite":         {"sqlite", "CREATE INDEX `session_user_id` ON `sessions` (`user_id`);", ""},
		"a missing index on Postgres":       {"postgres", `CREATE INDEX "session_user_id" ON "sessions" ("user_id");`, ""},
		"another rule on delete, SQLite":    {"sqlite", "ON DELETE CASCADE", "ON DELETE NO ACTION"},
		"another rule on delete, Postgres":  {"postgres", "ON DELETE CASCADE", "ON DELETE NO ACTION"},
		"a column too many on SQLite":       {"sqlite", "`name` text NULL,", "`name` text NULL, `nick` text NULL,"},
		"a nullable column, on Postgres":    {"postgres", `"status" character varying NOT NULL`, `"status" character varying NULL`},
		"an index that lost its uniqueness": {"sqlite", "CREATE UNIQUE INDEX `users_email_key`", "CREATE INDEX `users_email_key`"},
	} {
		t.Run(name, func(t *testing.T) {
			i := slices.IndexFunc(engines, func(e engine) bool { return e.name == c.engine })
			dir := altered(t, os.DirFS("../migrations/"+c.engine), c.old, c.new)
			if planned(t, engines[i], dir) == "" {
				t.Error("no drift seen")
			}
		})
	}
}

func altered(t *testing.T, dir fs.FS, old, new string) fs.FS {
	t.Helper()
	names, err := fs.Glob(dir, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	copied, changed := fstest.MapFS{}, 0
	for _, name := range names {
		text, err := fs.ReadFile(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		after := strings.Replace(string(text), old, new, 1)
		if after != string(text) {
			changed++
		}
		copied[name] = &fstest.MapFile{Data: []byte(after)}
	}
	if changed != 1 {
		t.Fatalf("%q stands in %d migrations, want 1", old, changed)
	}
	return copied
}
