package database_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestMigrate_ConfirmedAddressesCountAsProved by the passwords that the accounts have, and those of no other account do.
func TestMigrate_ConfirmedAddressesCountAsProved(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, url string) {
		d := open(t, url)
		all := next(t, d)
		until := maps.Clone(all)
		first := slices.IndexFunc(files, func(name string) bool { return strings.HasSuffix(name, "_email_proof.sql") })
		maps.DeleteFunc(until, func(name string, _ *fstest.MapFile) bool { return name >= files[first] })
		d.SetMigrations(until)
		must(d.Migrate(t.Context()))
		fill(t, url, 3)
		execute(t, url, "UPDATE users SET email_verified = true, credential_generation = 7 WHERE email <> 'u1@example.com'")
		d.SetMigrations(all)
		must(d.Migrate(t.Context()))
		var proved, others int
		check(t, d.SQL().QueryRow("SELECT count(*), count(CASE WHEN email_proved_generation IS NULL THEN 1 END) FROM users"+
			" WHERE email_proved_generation = 7 OR NOT email_verified").Scan(&proved, &others))
		testenv.Equal(t, [2]int{3, 1}, [2]int{proved, others}, "accounts as they should be, and of them without a proof")
	})
}
