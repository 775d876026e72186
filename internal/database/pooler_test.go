package database_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/dbtest"
)

// TestStatement_LeavesNothingPreparedOnTheServer: what a connection prepares behind a pooler, another client's
// statement of the same name may answer.
func TestStatement_LeavesNothingPreparedOnTheServer(t *testing.T) {
	direct := dbtest.Postgres(t)
	for _, url := range []string{direct, dbtest.PgBouncer(t, direct, "transaction"), direct + "&binary_parameters=no"} {
		tx := must(open(t, url).SQL().Begin()) // which a pooler leaves on one connection
		var n, argument int
		for range 3 {
			if err := tx.QueryRow("SELECT count(*), $1::int FROM pg_prepared_statements", 7).Scan(&n, &argument); err != nil || argument != 7 {
				t.Errorf("%d, %v", argument, err)
			}
		}
		if n > 0 {
			t.Errorf("%d statements are prepared", n)
		}
		if err := tx.Rollback(); err != nil {
			t.Error(err)
		}
	}
}

func TestStatement_ReturnsEachTypeThroughAPooler(t *testing.T) {
	d := migrated(t, dbtest.PgBouncer(t, dbtest.Postgres(t), "transaction"))
	session := someSession(t, d)
	got := d.Client.Session.GetX(t.Context(), session.ID)
	if got.String() != session.String() || !bytes.Equal(got.RefreshDigest, session.RefreshDigest) || !got.CreatedAt.Equal(session.CreatedAt) {
		t.Errorf("wrote %v, read %v", session, got)
	}
	if roles := d.Client.User.GetX(t.Context(), session.UserID).Roles; !cmp.Equal(roles, []string{"USER"}) {
		t.Errorf("roles: %v", roles)
	}
}

// TestMigrate_OfSeveralBehindAPoolerOneMigrates: a lock that is a connection's would stay on whichever it was taken.
func TestMigrate_OfSeveralBehindAPoolerOneMigrates(t *testing.T) {
	straight := dbtest.Postgres(t)
	pooled := dbtest.PgBouncer(t, straight, "transaction")
	d := open(t, straight)
	for round, want := range []string{strings.Join(files, " "), "9002_more.sql"} {
		var all sync.WaitGroup
		applied := make(chan string, 5)
		for i := range cap(applied) {
			all.Go(func() {
				d := open(t, pooled)
				if i == 0 && round > 0 { // one of them beside the pooler
					d = open(t, straight+"&application_name=beside")
				}
				if round > 0 {
					d.SetMigrations(next(t, d, "9002_more.sql", "SELECT pg_sleep(0.5);\nCREATE TABLE more (id int);"))
				}
				done, err := d.Migrate(t.Context())
				if err != nil {
					t.Error(err)
				}
				if len(done) > 0 {
					applied <- strings.Join(done, " ")
				}
			})
		}
		migrated := make(chan struct{})
		go func() { all.Wait(); close(migrated) }()
		for over := false; !over; {
			select {
			case <-migrated:
				over = true
			case <-time.After(20 * time.Millisecond):
			}
			var free int // connections that hold a lock, and that the pooler gives to anybody
			if err := d.SQL().QueryRow(`SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
				WHERE locktype = 'advisory' AND state = 'idle' AND application_name <> 'beside'`).Scan(&free); err != nil || free > 0 {
				t.Fatalf("round %d: %d locks are on connections that others may get, %v", round, free, err)
			}
		}
		close(applied)
		if got := <-applied; got != want || len(applied) > 0 {
			t.Errorf("round %d: applied %s, and %d more did; want %s", round, got, len(applied), want)
		}
		var locks int
		if err := d.SQL().QueryRow("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").Scan(&locks); err != nil || locks > 0 {
			t.Errorf("%d locks were left, %v", locks, err)
		}
	}
}

// TestListen_TransactionPoolerIsNeverSynced: LISTEN is accepted by it, and comes to nothing. In session mode it works.
func TestListen_TransactionPoolerIsNeverSynced(t *testing.T) {
	if testing.Short() {
		t.Skip("waits until it is given up")
	}
	for mode, works := range map[string]bool{"transaction": false, "session": true} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			d := open(t, dbtest.PgBouncer(t, dbtest.Postgres(t), mode))
			ctx, cancel := context.WithCancel(t.Context())
			var inTouch, heard, lost atomic.Int64
			var over sync.WaitGroup
			over.Go(func() {
				d.Listen(ctx, database.Listener{Channel: "news", OnNotification: func(string) { heard.Add(1) }, Synced: func(time.Time) { inTouch.Add(1) },
					Lost: func() { lost.Add(1) }, Needed: func() bool { return true }})
			})
			for began := time.Now(); time.Since(began) < time.Minute && lost.Load() == 0 && (inTouch.Load() < 5 || heard.Load() == 0); {
				if _, err := d.SQL().Exec("SELECT pg_notify('news', $1)", "x"); err != nil {
					t.Error(err)
				}
				time.Sleep(20 * time.Millisecond)
			}
			cancel()
			got := fmt.Sprint(inTouch.Load() > 0, heard.Load() > 0)
			over.Wait()
			if got != fmt.Sprint(works, works) || inTouch.Load() == 0 && lost.Load() < 1 {
				t.Errorf("in touch %d times, heard %d, lost %d", inTouch.Load(), heard.Load(), lost.Load())
			}
		})
	}
}

// TestOpen_SettingThatAPoolerRefusesIsNotWaitedFor: PgBouncer takes few settings from clients.
func TestOpen_SettingThatAPoolerRefusesIsNotWaitedFor(t *testing.T) {
	pooled := dbtest.PgBouncer(t, dbtest.Postgres(t), "transaction")
	check(t, open(t, pooled).Close())
	began := time.Now()
	got := refused(t, database.Config{URL: pooled + "&default_tablespace=pg_default", Wait: time.Minute})
	if !strings.Contains(got, "ALTER ROLE") || time.Since(began) > 30*time.Second {
		t.Errorf("after %v: %s", time.Since(began), got)
	}
}
