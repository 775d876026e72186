package database_test

import (
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

var (
	newTable    = regexp.MustCompile("(?i)(?:create|drop) table [\"`](\\w+)")
	createIndex = regexp.MustCompile("(?i)create (?:unique )?index (.*?)[\"`]\\w+[\"`] on [\"`](\\w+)")
)

// indexFaults are what would make somebody wait in a file that builds indexes of tables that were there before, and are not made again.
func indexFaults(text, engine string, tables map[string]bool) (faults []string) {
	for _, m := range newTable.FindAllStringSubmatch(text, -1) {
		tables[m[1]] = false
	}
	wanted := map[string]string{"postgres": "CONCURRENTLY ", "sqlite": "IF NOT EXISTS "}[engine]
	for _, m := range createIndex.FindAllStringSubmatch(text, -1) {
		if tables[m[2]] && !(strings.Contains(text, "-- +goose NO TRANSACTION\n") && m[1] == wanted) {
			faults = append(faults, fmt.Sprintf("%s: begin the file with -- +goose NO TRANSACTION, let nothing but indexes be in it, "+
				"and write %s", m[0], wanted))
		}
	}
	for table := range tables {
		tables[table] = true
	}
	return faults
}

// TestMigrationFiles_NobodyWaitsForAnIndex: who writes to a table waits for an index of it that is built, on Postgres
// unless it is built concurrently, on SQLite for everything that its transaction does beside it.
func TestMigrationFiles_NobodyWaitsForAnIndex(t *testing.T) {
	for _, engine := range []string{"postgres", "sqlite"} {
		folder, tables := os.DirFS("migrations/"+engine), map[string]bool{}
		for _, name := range files {
			for _, fault := range indexFaults(string(must(fs.ReadFile(folder, name))), engine, tables) {
				t.Errorf("%s/%s: %s", engine, name, fault)
			}
		}
		const inTransaction = "-- +goose Up\nCREATE INDEX \"more\" ON \"users\" (\"name\");"
		if len(indexFaults(inTransaction, engine, tables)) != 1 {
			t.Errorf("%s: an index of users in a transaction is not noticed", engine)
		}
	}
}

// TestMigrate_BrokenReferencesAreFoundWhateverBreaksThem, and only what may break one is looked at: the same statements
// on a table without references are not, although a reference is broken.
func TestMigrate_BrokenReferencesAreFoundWhateverBreaksThem(t *testing.T) {
	for _, form := range []string{
		"DELETE FROM %s;", "delete from %s;", "DELETE\n FROM main.%s;", `DELETE FROM "%s";`, "DELETE FROM `%s`;", "DELETE FROM [%s];",
		"WITH gone AS (SELECT 1) DELETE FROM %s WHERE 1 IN gone;",
		"UPDATE %s SET id = id || 'x';", "UPDATE OR IGNORE %s SET id = id || 'x';",
		"REPLACE INTO %[1]s SELECT * FROM %[1]s LIMIT 0; DELETE FROM %[1]s;",
		"CREATE TABLE n (id uuid PRIMARY KEY); DROP TABLE IF EXISTS %[1]s; ALTER TABLE n RENAME TO %[1]s;",
	} {
		for table, broken := range map[string]bool{"users": true, "settings": false} {
			d := migrated(t, dbtest.SQLite(t))
			session := someSession(t, d)
			if !broken {
				must(d.SQL().Exec("PRAGMA foreign_keys = off; DELETE FROM users; PRAGMA foreign_keys = on"))
			}
			d.SetMigrations(next(t, d, "9002_form.sql", fmt.Sprintf(form, table)))
			_, err := d.Migrate(t.Context())
			if found := err != nil && strings.Contains(err.Error(), "of table sessions would refer to nothing"); found != broken || !found && err != nil {
				t.Errorf("%s on %s: %v", form, table, err)
			}
			if broken {
				testenv.Equal(t, session.UserID, d.Client.User.Query().OnlyX(t.Context()).ID, form)
			}
		}
	}
}
