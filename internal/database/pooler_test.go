package database_test

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/testenv"
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
	direct := dbtest.Postgres(t)
	_, err := dbtest.OpenRaw(t, direct).Exec(`DO $$ BEGIN
		EXECUTE format('ALTER DATABASE %I SET TimeZone = %L', current_database(), 'Asia/Kathmandu'); END $$`)
	check(t, err)
	d := migrated(t, dbtest.PgBouncer(t, direct, "transaction"))
	session := someSession(t, d)
	got := d.Client.Session.GetX(t.Context(), session.ID)
	for _, s := range []*ent.Session{session, got} {
		for _, at := range []*time.Time{&s.AuthenticatedAt, &s.CreatedAt, &s.LastUsedAt, &s.IdleExpiresAt, &s.ExpiresAt} {
			*at = at.UTC() // Postgres tells each in its own time zone
		}
	}
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

// TestOpen_SettingThatAPoolerRefusesIsNotWaitedFor: PgBouncer takes few settings from clients.
func TestOpen_SettingThatAPoolerRefusesIsNotWaitedFor(t *testing.T) {
	pooled := dbtest.PgBouncer(t, dbtest.Postgres(t), "transaction")
	check(t, open(t, pooled).Close())
	got := refused(t, database.Config{URL: pooled + "&default_tablespace=pg_default", Wait: testenv.HangGuard})
	if !strings.Contains(got, "ALTER ROLE") || strings.Contains(got, "no answer within") {
		t.Error(got)
	}
}
