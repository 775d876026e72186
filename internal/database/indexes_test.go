package database_test

import (
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestMigrate_IndexesAreBuiltAgainAfterAnInterruption runs each file without a transaction a second time, over what the
// first run left: an interrupted CREATE INDEX CONCURRENTLY leaves an index that is not valid and has its name.
func TestMigrate_IndexesAreBuiltAgainAfterAnInterruption(t *testing.T) {
	d := migrated(t, dbtest.Postgres(t))
	indexes := func() (names string) {
		check(t, d.SQL().QueryRow("SELECT string_agg(indexrelid::regclass || ' ' || pg_get_indexdef(indexrelid) || indisvalid, E'\n'"+
			" ORDER BY indexrelid::regclass::text) FROM pg_index WHERE indrelid = 'users'::regclass").Scan(&names))
		return names
	}
	want, repeated := indexes(), 0
	for i, name := range files {
		if !strings.Contains(string(next(t, d)[name].Data), "NO TRANSACTION") {
			continue
		}
		repeated++
		for _, statement := range []string{
			"UPDATE pg_index SET indisvalid = false WHERE indrelid = 'users'::regclass AND NOT indisunique",
			"CREATE INDEX users_email_new ON users (email)",
			"CREATE INDEX users_email_old ON users (email)",
			"UPDATE pg_index SET indisvalid = false WHERE indexrelid IN ('users_email_new'::regclass, 'users_email_old'::regclass)",
		} {
			must(d.SQL().Exec(statement))
		}
		must(d.SQL().Exec("DELETE FROM gatehouse_db_version WHERE version_id = $1", i+1))
		if broken := indexes(); broken == want {
			t.Fatal("nothing is broken")
		}
		must(d.Migrate(t.Context()))
		testenv.Equal(t, want, indexes(), "indexes after %s ran twice", name)
	}
	if repeated == 0 || strings.Contains(want, "false") || !strings.Contains(want, "text_pattern_ops") {
		t.Errorf("%d files were repeated; the indexes are\n%s", repeated, want)
	}
}
