package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
)

// TestLastUse_SurvivesACleanStop: uses are written in batches, the last of them when the server stops.
func TestLastUse_SurvivesACleanStop(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, url string) {
		s := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+url)
		token, db := s.Register().Access, servertest.OpenDB(t, url)
		long := time.Now().UTC().Add(-5*time.Minute).Format(time.DateTime) + "+00:00"
		_, err := db.Exec("UPDATE sessions SET last_used_at = $1", long)
		servertest.Check(t, err)
		s.Must(token, servertest.Me)
		s.Stop()
		var at string
		servertest.Check(t, db.QueryRow("SELECT CAST(last_used_at AS TEXT) FROM sessions").Scan(&at))
		if strings.HasPrefix(at, long[:len(time.DateTime)]) {
			t.Errorf("last used at %s, as before", at)
		}
	})
}
