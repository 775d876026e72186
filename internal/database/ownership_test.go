package database_test

import (
	"database/sql"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// others are tables that other programs have.
var others = map[string][]string{
	"nothing": nil,
	"goose's": {"CREATE TABLE goose_db_version (id int, version_id bigint, is_applied boolean, tstamp timestamp)",
		"INSERT INTO goose_db_version (id, version_id, is_applied) VALUES (1, 0, true), (2, 1, true), (3, 2, true)"},
	"users":    {"CREATE TABLE users (id int, email text)", "INSERT INTO users VALUES (1, 'ann@example.com')"},
	"posts":    {"CREATE TABLE posts (id int, body text)", "INSERT INTO posts VALUES (1, 'hello')"},
	"a view":   {"CREATE VIEW sessions AS SELECT 1 AS id"},
	"a quoted": {`CREATE TABLE "Über ""uns"" 100%" (id int)`},
	"all of our names": {"CREATE TABLE goose_db_version (version_id bigint)", "CREATE TABLE users (id int)",
		"CREATE TABLE sessions (id int)", "CREATE TABLE signing_keys (id int)", "CREATE TABLE settings (id int)"},
}

// ours are how far a Gatehouse has come with the schema, before the tables of others came.
var ours = map[string]func(t *testing.T, url string){
	"nothing": func(*testing.T, string) {},
	"nothing but the version table": func(t *testing.T, url string) {
		d := open(t, url)
		d.SetMigrations(fstest.MapFS{"0001_x.sql": &fstest.MapFile{Data: []byte("-- +goose Up\nINSERT INTO nowhere VALUES (1);")}})
		if _, err := d.Migrate(t.Context()); err == nil {
			t.Fatal("a broken migration was applied")
		}
		check(t, d.Close())
	},
}

func init() {
	for _, n := range []int{1, 2, len(files)} {
		ours[fmt.Sprintf("version %d", n)] = func(t *testing.T, url string) { migrateTo(t, url, n) }
		ours[fmt.Sprintf("version %d under goose's name", n)] = func(t *testing.T, url string) {
			migrateTo(t, url, n)
			execute(t, url, "ALTER TABLE gatehouse_db_version RENAME TO goose_db_version")
		}
	}
}

// migrateTo brings a database to what the program's first n migrations make.
func migrateTo(t *testing.T, url string, n int) {
	t.Helper()
	d := open(t, url)
	some := fstest.MapFS{}
	for _, name := range files[:n] {
		some[name] = &fstest.MapFile{Data: must(fs.ReadFile(d.Migrations(), name))}
	}
	d.SetMigrations(some)
	must(d.Migrate(t.Context()))
	check(t, d.Close())
}

func execute(t *testing.T, url string, statements ...string) {
	t.Helper()
	db := dbtest.OpenRaw(t, url)
	defer db.Close()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// contents is each table and view of a database, in every schema, with its rows; of a file also its bytes.
func contents(t *testing.T, url string) map[string]string {
	t.Helper()
	db := dbtest.OpenRaw(t, url)
	defer db.Close()
	all := map[string]string{}
	names := `SELECT name, 'SELECT count(*), group_concat(rowid) FROM "' || replace(name, '"', '""') || '"' FROM sqlite_schema
		WHERE type = 'table'`
	if path, ok := database.SQLitePath(url); ok {
		text, _ := os.ReadFile(path) // of a file that is not there, none
		all["bytes"] = string(text)
	} else {
		names = `SELECT table_schema || '.' || table_name, format('SELECT count(*), string_agg(t::text, '';'') FROM %I.%I t',
			table_schema, table_name) FROM information_schema.tables
			WHERE table_schema NOT IN ('pg_catalog', 'information_schema')`
	}
	rows := must(db.Query(names))
	defer rows.Close()
	for rows.Next() {
		var name, query string
		check(t, rows.Scan(&name, &query))
		var n int
		var found sql.NullString
		check(t, db.QueryRow(query).Scan(&n, &found))
		all[name] = fmt.Sprint(n, " ", found.String)
	}
	check(t, rows.Err())
	return all
}

// placed runs f with an empty place for our tables, in each way in which one is named.
func placed(t *testing.T, f func(t *testing.T, url string)) {
	dbtest.Each(t, f)
	for _, query := range []string{"search_path=app,public", "options=-csearch_path=app -c statement_timeout=60000"} {
		t.Run(query, func(t *testing.T) {
			plain := dbtest.Postgres(t)
			execute(t, plain, "CREATE SCHEMA app", "CREATE TABLE public.posts (id int)", "CREATE TABLE public.users (id int)")
			f(t, with(t, plain, func(u *url.URL) {
				name, value, _ := strings.Cut(query, "=")
				q := u.Query()
				q.Set(name, value)
				u.RawQuery = q.Encode()
			}))
		})
	}
}

// TestOpen_TakesWhatIsOursAndWritesNothingElse holds each state of ours against each table of others.
func TestOpen_TakesWhatIsOursAndWritesNothingElse(t *testing.T) {
	placed(t, func(t *testing.T, url string) {
		for ourState, make := range ours {
			for theirs, statements := range others {
				if ourState != "nothing" && collides(ourState, theirs) {
					continue
				}
				t.Run(ourState+" and "+theirs, func(t *testing.T) {
					url := emptied(t, url)
					make(t, url)
					execute(t, url, statements...)
					before := contents(t, url)
					if ourState == "nothing" && theirs != "nothing" {
						checkForeign(t, url, before)
						return
					}
					checkOurs(t, url, before, theirs)
				})
			}
		}
	})
}

// collides says that a table of theirs has the name of one of ours.
func collides(ourState, theirs string) bool {
	switch theirs {
	case "goose's":
		return strings.Contains(ourState, "goose's name")
	case "nothing", "posts", "a quoted":
		return false
	}
	return true
}

// emptied is a place like that of a URL, with nothing in it.
func emptied(t *testing.T, url string) string {
	t.Helper()
	if _, ok := database.SQLitePath(url); ok {
		return dbtest.SQLite(t)
	}
	place := "public"
	if strings.Contains(url, "search_path") {
		place = "app"
	}
	execute(t, url, "DROP SCHEMA "+place+" CASCADE", "CREATE SCHEMA "+place)
	return url
}

func checkForeign(t *testing.T, url string, before map[string]string) {
	t.Helper()
	for _, mustExist := range []bool{false, true} { // true: as `gatehouse migrate status`
		got := refused(t, database.Config{URL: url, MustExist: mustExist})
		if !strings.Contains(got, "tables of another program are there") || !strings.Contains(got, "of its own") &&
			!strings.Contains(got, "of Gatehouse's own") {
			t.Errorf("the refusal is %s", got)
		}
	}
	testenv.Equal(t, before, contents(t, url), "what is there")
}

func checkOurs(t *testing.T, url string, before map[string]string, theirs string) {
	t.Helper()
	d := open(t, url)
	must(d.Status(t.Context()))
	if _, ok := database.SQLitePath(url); !ok { // opening a file switches its journal
		testenv.Equal(t, before, contents(t, url), "what is there after Status")
	}
	must(d.Migrate(t.Context()))
	testenv.Equal(t, database.Status{Current: version, Newest: version}, status(t, d), "status")
	if err := d.Ready(t.Context()); err != nil {
		t.Errorf("Ready: %v", err)
	}
	check(t, d.Close())
	after := contents(t, url)
	for name, rows := range before {
		other := strings.Contains(name, "posts") || strings.Contains(name, "Über") || strings.HasPrefix(name, "public.") &&
			strings.Contains(url, "search_path") || strings.HasSuffix(name, "goose_db_version") && theirs == "goose's"
		if other && after[name] != rows {
			t.Errorf("another program's %s: was %q, is %q", name, rows, after[name])
		}
	}
}

func TestOpen_NamesAMissingSchema(t *testing.T) {
	url := with(t, dbtest.Postgres(t), func(u *url.URL) { u.RawQuery += "&search_path=app" })
	if got := refused(t, database.Config{URL: url}); !strings.Contains(got, "CREATE SCHEMA") {
		t.Error(got)
	}
	execute(t, url, "CREATE SCHEMA app")
	migrated(t, url)
}

// TestOpen_TakesASchemaWithExtensions, whose tables and views are nobody's program.
func TestOpen_TakesASchemaWithExtensions(t *testing.T) {
	url := dbtest.Postgres(t)
	db := dbtest.OpenRaw(t, url)
	defer db.Close()
	if _, err := db.Exec("CREATE EXTENSION pg_stat_statements"); err != nil {
		t.Skip(err) // not everywhere a part of the package
	}
	migrated(t, url)
}

// TestOpen_RefusesEncodingsOtherThanUTF8 makes a database of each encoding that Postgres has.
func TestOpen_RefusesEncodingsOtherThanUTF8(t *testing.T) {
	plain := dbtest.Postgres(t)
	db := dbtest.OpenRaw(t, plain)
	defer db.Close()
	rows := must(db.Query("SELECT pg_encoding_to_char(i) FROM generate_series(0, 34) i")) // more are clients' only
	defer rows.Close()
	for rows.Next() {
		var encoding string
		check(t, rows.Scan(&encoding))
		name := strings.TrimPrefix(must(url.Parse(plain)).Path, "/") + "_" + strings.ToLower(encoding)
		execute(t, plain, fmt.Sprintf(
			"CREATE DATABASE %s ENCODING '%s' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0", name, encoding))
		of := with(t, plain, func(u *url.URL) { u.Path = "/" + name })
		if encoding == "UTF8" {
			check(t, migrated(t, of).Close())
		} else if got := refused(t, database.Config{URL: of}); !strings.Contains(got, encoding) ||
			!strings.Contains(got, "ENCODING 'UTF8'") {
			t.Errorf("%s: %s", encoding, got)
		}
		execute(t, plain, "DROP DATABASE "+name+" WITH (FORCE)")
	}
}
