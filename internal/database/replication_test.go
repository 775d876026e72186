package database_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestCommit_WaitsForTheStandbyWhateverTheOwnerHasSet: one that is away. When the time is over, or an operator cancels
// the wait, Postgres commits with no more than a warning; that is no success, and nothing goes on waiting.
func TestCommit_WaitsForTheStandbyWhateverTheOwnerHasSet(t *testing.T) {
	t.Parallel() // it waits
	cluster := dbtest.NewServer(t).URL("postgres")
	admin := dbtest.OpenRaw(t, cluster)
	standbys := func(names string) {
		must(admin.Exec("ALTER SYSTEM SET synchronous_standby_names = '" + names + "'"))
		must(admin.Exec("SELECT pg_reload_conf()"))
	}
	waiting := func(do string) (n int) {
		check(t, admin.QueryRow("SELECT count("+do+") FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND "+
			"backend_type = 'client backend'").Scan(&n))
		return n
	}
	levels := []string{"off", "local", "remote_write", "on", "remote_apply"}
	databases := map[string]*database.Database{}
	for _, level := range levels {
		databases[level] = migrated(t, with(t, cluster, func(u *url.URL) { u.RawQuery += "&synchronous_commit=" + level }))
	}
	write := func(level, email string, timeout time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		defer cancel()
		return inTx(ctx, databases[level].Client, func(tx *ent.Tx) error {
			_, err := newUser(ctx, tx.Client(), level+email)
			return err
		})
	}
	each := func(cause, email string, timeout time.Duration) {
		var all sync.WaitGroup
		for _, level := range levels {
			all.Go(func() {
				err := write(level, email, timeout)
				if err == nil || !database.Unavailable(err) || !strings.Contains(err.Error(), cause) {
					t.Errorf("synchronous_commit = %s: %v", level, err)
				}
			})
		}
		all.Wait()
	}
	for _, level := range levels {
		check(t, write(level, "@one.example", testenv.HangGuard)) // nothing to wait for
	}
	standbys("away")
	for n := 0; write("on", fmt.Sprintf("@%d.example", n), time.Second) == nil; n++ {
		// Postgres has not read it yet
	}
	_, err := newUser(t.Context(), databases["off"].Client, "unwaited@example.com") // outside of a transaction
	check(t, err)
	each("", "@two.example", 500*time.Millisecond)
	for began := time.Now(); waiting("*") > 0; time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > testenv.HangGuard {
			t.Fatal("commits whose time is over still wait")
		}
	}
	done := make(chan struct{})
	go func() { defer close(done); each("cancelled", "@three.example", testenv.HangGuard) }()
	for cancelling := true; cancelling; {
		select {
		case <-done:
			cancelling = false
		case <-time.After(10 * time.Millisecond):
			waiting("nullif(pg_cancel_backend(pid), false)")
		}
	}
	standbys("")
	for _, level := range levels {
		check(t, write(level, "@four.example", testenv.HangGuard))
	}
}
