package e2e

import (
	"sync"
	"testing"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestRowSizes_OfUsersAndSessions prints what docs/scale.md says of a user and a session in Postgres, indexes included.
func TestRowSizes_OfUsersAndSessions(t *testing.T) {
	if !testenv.Long("sizes") {
		t.Skip("registers ten thousand accounts: TEST_LONG=sizes")
	}
	url := dbtest.Postgres(t)
	p := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+url, servertest.Secret, servertest.Issuer)
	const users = 10_000
	db := servertest.OpenDB(t, url)
	var working sync.WaitGroup
	for range 8 {
		working.Go(func() {
			for range users / 8 {
				p.Register()
			}
		})
	}
	working.Wait()
	servertest.Exec(t, db, "VACUUM ANALYZE")
	for _, table := range []string{"users", "addresses", "sessions"} {
		var rows, bytes int
		err := db.QueryRow("SELECT count(*), pg_total_relation_size('"+table+"') FROM "+table).Scan(&rows, &bytes)
		servertest.Check(t, err)
		testenv.Equal(t, users, rows, "rows of %s", table)
		t.Logf("%s: %d bytes a row with indexes", table, bytes/rows)
	}
}
