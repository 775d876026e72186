package faults

import (
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
)

// TestRevokedKey_IsRefusedWhateverTheInstanceDoes: a write by a token of a revoked key, half a second later. Who has the
// key signs for every live session.
func TestRevokedKey_IsRefusedWhateverTheInstanceDoes(t *testing.T) {
	t.Parallel()
	const write = `mutation { updateProfile(input: {name: "Ada"}) { user { id } } }`
	for name, before := range map[string]func(t *testing.T, db *sql.DB){
		"busy": func(*testing.T, *sql.DB) {},
		"idle": func(*testing.T, *sql.DB) { time.Sleep(11 * time.Second) },
		"the log's connection ends": func(t *testing.T, db *sql.DB) {
			servertest.Exec(t, db, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '% log'")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, url string) {
				if name == "the log's connection ends" && strings.HasPrefix(url, "sqlite") {
					return // it has none that could end
				}
				t.Parallel()
				s := servertest.Start(t, servertest.Secret, servertest.Issuer, "GATEHOUSE_DATABASE_URL="+url)
				a := s.Register()
				if answer := s.Ask(a.Access, write); !answer.OK() {
					t.Fatal(answer)
				}
				before(t, servertest.OpenDB(t, url))
				s.Command("", "keys", "rotate", "--revoke")
				time.Sleep(500 * time.Millisecond)
				wantCode(t, s.Client, "a token of the revoked key", a, "UNAUTHENTICATED")
				if code := s.Code(a.Access, write); code != "UNAUTHENTICATED" {
					t.Errorf("a write: %s", code)
				}
			})
		})
	}
}
