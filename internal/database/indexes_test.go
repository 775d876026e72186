package database_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestMigrate_IndexesAreBuiltAgainAfterAnInterruption runs a file without a transaction a second time, over what the
// first run may have left: an interrupted CREATE INDEX CONCURRENTLY leaves an index of that name which is not valid.
func TestMigrate_IndexesAreBuiltAgainAfterAnInterruption(t *testing.T) {
	d := open(t, dbtest.Postgres(t))
	all, until := next(t, d), fstest.MapFS{}
	version := 1 + slices.Index(files, "0006_indexes.sql")
	for _, name := range files[:version] {
		until[name] = all[name]
	}
	d.SetMigrations(until)
	must(d.Migrate(t.Context()))
	indexes := func() (names string) {
		check(t, d.SQL().QueryRow("SELECT string_agg(pg_get_indexdef(indexrelid) || indisvalid, E'\n'"+
			" ORDER BY indexrelid::regclass::text) FROM pg_index WHERE indrelid = 'users'::regclass").Scan(&names))
		return names
	}
	want := indexes()
	if strings.Contains(want, "false") || !strings.Contains(want, "text_pattern_ops") {
		t.Fatalf("the indexes are\n%s", want)
	}
	for _, statement := range []string{
		"CREATE INDEX users_email_new ON users (email)",
		"CREATE INDEX users_email_old ON users (email)",
		"UPDATE pg_index SET indisvalid = false WHERE indrelid = 'users'::regclass AND NOT indisunique",
		"DELETE FROM gatehouse_db_version WHERE version_id = 6",
	} {
		must(d.SQL().Exec(statement))
	}
	if indexes() == want {
		t.Fatal("nothing is broken")
	}
	must(d.Migrate(t.Context()))
	testenv.Equal(t, want, indexes(), "indexes after it ran twice")
}
