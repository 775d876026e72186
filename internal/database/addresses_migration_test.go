package database_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestMigrate_AddressesAreThoseOfTheUsersThatAreLeft: while the addresses of users are written down, instances of the
// version before delete users, half of whose addresses somebody else gets immediately.
func TestMigrate_AddressesAreThoseOfTheUsersThatAreLeft(t *testing.T) {
	url := dbtest.Postgres(t)
	const many = 5_000
	before, after := open(t, url), open(t, url)
	until := next(t, before)
	first := slices.IndexFunc(files, func(name string) bool { return strings.HasSuffix(name, "_addresses.sql") })
	maps.DeleteFunc(until, func(name string, _ *fstest.MapFile) bool { return name >= files[first] })
	before.SetMigrations(until)
	must(before.Migrate(t.Context()))
	fill(t, url, many)
	r := &replacers{t: t, d: before, over: make(chan struct{})}
	r.begin(many)
	must(after.Migrate(t.Context()))
	close(r.over)
	r.all.Wait()
	t.Logf("%d users were deleted, %d addresses went on; the longest wait %v", r.gone, r.added, r.longest)
	testenv.Equal(t, many-r.gone+r.added, addressesOfUsers(t, before), "addresses")
	if r.gone == 0 {
		t.Error("nobody was deleted: this shows nothing")
	}
}

// addressesOfUsers counts the addresses, each of which must be of a user that has no other, and the other way round.
func addressesOfUsers(t *testing.T, d *database.Database) (n int) {
	t.Helper()
	var odd int
	check(t, d.SQL().QueryRow("SELECT count(*) FROM users FULL JOIN addresses ON address = email AND user_id = id"+
		" WHERE address IS NULL OR email IS NULL").Scan(&odd))
	testenv.Equal(t, 0, odd, "addresses and users without each other")
	check(t, d.SQL().QueryRow("SELECT count(*) FROM addresses").Scan(&n))
	return n
}

// replacers delete users.
type replacers struct {
	t    *testing.T
	d    *database.Database
	over chan struct{}
	all  sync.WaitGroup

	mu          sync.Mutex
	gone, added int
	longest     time.Duration
}

// begin starts some, each for users of their own, all over the table.
func (r *replacers) begin(many int) {
	const some = 4
	for i := range some {
		r.all.Go(func() {
			for n := 1 + i; n <= many; n += some {
				select {
				case <-r.over:
					return
				default:
				}
				id := fmt.Sprintf("%08x-0000-7000-8000-000000000000", 1+n*7919%many)
				if err := r.replace(uuid.MustParse(id), n/some%2 == 0); err != nil {
					r.t.Errorf("replacing user %s: %v", id, err)
					return
				}
			}
		})
	}
}

// replace deletes a user and waits for a moment before the commit. Where its address goes on, it gets a new user, whose id
// may be before or after those that the migration has come to.
func (r *replacers) replace(id uuid.UUID, goesOn bool) error {
	began, ctx := time.Now(), r.t.Context()
	tx, err := r.d.SQL().BeginTx(ctx, nil) // Ent writes columns that this version has not
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var email string
	if err := tx.QueryRowContext(ctx, "DELETE FROM users WHERE id = $1 RETURNING email", id).Scan(&email); err != nil {
		return err
	}
	time.Sleep(time.Millisecond)
	if goesOn {
		_, err := tx.ExecContext(ctx, "INSERT INTO users (id, email, password_hash, roles, status, created_at, updated_at)"+
			" VALUES ($1, $2, '', '[\"USER\"]', 'ACTIVE', $3, $3)", uuid.New(), email, began.UTC())
		if err != nil {
			return err
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gone++
	r.longest = max(r.longest, time.Since(began))
	if goesOn {
		r.added++
	}
	return nil
}
