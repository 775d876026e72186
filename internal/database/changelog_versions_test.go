package database_test

import (
	"fmt"
	"io/fs"
	"slices"
	"testing"
	"testing/fstest"

	"entgo.io/ent/dialect/sql/schema"
	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/migrate"
	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// told is what each statement that changes a row writes to the log; nil where there is none that today's instances read.
type told map[string][]string

// toldAfter migrates a new database by files, and writes past the program to each table that has a trigger.
func toldAfter(t *testing.T, url string, files fs.FS) told {
	t.Helper()
	d := open(t, url)
	d.SetMigrations(files)
	must(d.Migrate(t.Context()))
	l := &logged{Database: d, t: t, user: &ent.User{ID: uuid.MustParse("0190a0b0-0000-7000-8000-000000000007")}}
	if _, err := l.SQL().Exec("SELECT tx, user_id, revocation_id FROM changes"); err != nil {
		return nil
	}
	l.exec(l.insert(l.migratedTable(migrate.UsersTable), 7))
	all := told{}
	triggers := l.triggers()
	for _, table := range migrate.Tables {
		for i, kind := range []string{"UPDATE", "INSERT", "DELETE"} {
			if slices.Contains(triggers[table.Name], kind) {
				l.tell(l.migratedTable(table), kind, i+1, all)
			}
		}
	}
	return all
}

// migratedTable is a table with the columns that the database has so far.
func (l *logged) migratedTable(table *schema.Table) *schema.Table {
	rows := must(l.SQL().Query("SELECT * FROM " + table.Name + " WHERE false"))
	defer rows.Close()
	names := must(rows.Columns())
	columns := slices.DeleteFunc(slices.Clone(table.Columns), func(c *schema.Column) bool {
		return !slices.Contains(names, c.Name)
	})
	return &schema.Table{Name: table.Name, Columns: columns, ForeignKeys: table.ForeignKeys}
}

func (l *logged) tell(table *schema.Table, kind string, n int, all told) {
	l.exec(l.insert(table, n))
	_, busy := l.statements(table, kind, n)
	for _, statement := range busy {
		l.exec("DELETE FROM changes")
		l.exec(statement)
		const rows = "SELECT coalesce(CAST(user_id AS text), '') || '/' || coalesce(CAST(revocation_id AS text), '') FROM changes"
		all[statement] = must(database.Texts(l.t.Context(), l.SQL(), rows))
	}
}

// untold are the statements that were told of at a version and are not at the next one.
func untold(older, newer told) (faults []string) {
	for statement, rows := range older {
		for _, row := range rows {
			if newer != nil && !slices.Contains(newer[statement], row) {
				faults = append(faults, fmt.Sprintf("%s: wrote %q, now %q", statement, rows, newer[statement]))
			}
		}
	}
	return faults
}

// TestMigrationFiles_OlderInstancesHearAsBefore: those that run while a newer one migrates trust what they remember, as
// long as they can read the log. A migration that has to change what the log says gives its table another name.
func TestMigrationFiles_OlderInstancesHearAsBefore(t *testing.T) {
	for engine, breaking := range map[string]string{"postgres": "DROP TRIGGER gatehouse_log_update ON users;",
		"sqlite": "DROP TRIGGER gatehouse_log_users_update;"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			newURL := map[string]func(testing.TB) string{"postgres": dbtest.Postgres, "sqlite": dbtest.SQLite}[engine]
			all := next(t, open(t, newURL(t)))
			some, last := fstest.MapFS{}, told(nil)
			for _, name := range files {
				some[name] = all[name]
				if name < "0007" { // before the log
					continue
				}
				now := toldAfter(t, newURL(t), some)
				for _, fault := range untold(last, now) {
					t.Errorf("%s/%s: %s", engine, name, fault)
				}
				last = now
			}
			some["9002_breaking.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + breaking)}
			testenv.Equal(t, len(migrate.UsersTable.Columns), len(untold(last, toldAfter(t, newURL(t), some))),
				"columns of users that a next version does not tell of")
			some["9002_breaking.sql"].Data = []byte("-- +goose Up\nALTER TABLE changes RENAME TO log;")
			testenv.Equal(t, 0, len(toldAfter(t, newURL(t), some)), "told by a log of another name")
		})
	}
}
