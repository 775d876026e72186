package faults

import (
	"os"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
)

// TestHBAFile_IsReadByPostgres: deploy/pg_hba.conf has no line that Postgres refuses, and one that is wrong is noticed.
func TestHBAFile_IsReadByPostgres(t *testing.T) {
	db := servertest.OpenDB(t, dbtest.NewServer(t).URL("postgres"))
	var path string
	servertest.Check(t, db.QueryRow("SHOW hba_file").Scan(&path))
	text := servertest.ReadFile(t, "deploy/pg_hba.conf")
	for content, wrong := range map[string]int{text: 0, strings.Replace(text, "scram-sha-256", "scram", 1): 1} {
		servertest.Check(t, os.WriteFile(path, []byte(content), 0o600))
		var rules, refused int
		servertest.Check(t, db.QueryRow("SELECT count(*), count(error) FROM pg_hba_file_rules").Scan(&rules, &refused))
		if rules < 2 || refused != wrong {
			t.Errorf("%d of %d rules are refused, want %d:\n%s", refused, rules, wrong, content)
		}
	}
}
