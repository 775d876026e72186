package database_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/migrate"
	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// logged is a database with a user, whose log was read up to now.
type logged struct {
	*database.Database
	*database.LogReader
	t    *testing.T
	user *ent.User
}

func newLogged(t *testing.T, url string) *logged {
	t.Helper()
	d := migrated(t, url)
	l := &logged{d, database.NewLogReader(t, d), t, must(newUser(t.Context(), d.Client, "ada@example.com"))}
	if got, lost := l.read(); !lost || len(got) > 0 {
		t.Fatalf("the first read: lost %v, %v", lost, got)
	}
	return l
}

func (l *logged) read() ([]database.Change, bool) {
	l.t.Helper()
	changes, lost, err := l.Read(l.t.Context())
	check(l.t, err)
	return changes, lost
}

func (l *logged) exec(statement string, args ...any) {
	l.t.Helper()
	if _, err := l.SQL().ExecContext(l.t.Context(), statement, args...); err != nil {
		l.t.Fatalf("%s: %v", statement, err)
	}
}

// wantRead reads once, and checks how many changes that tells, all of one user.
func (l *logged) wantRead(what string, want int, user uuid.UUID) {
	l.t.Helper()
	got, lost := l.read()
	if len(got) != want || lost || slices.ContainsFunc(got, func(c database.Change) bool { return c.UserID != user }) {
		l.t.Errorf("%s: lost %v, %v; want %d of %v", what, lost, got, want, user)
	}
}

const rename = "UPDATE users SET name = $1 WHERE id = $2"

func eachLogged(t *testing.T, f func(t *testing.T, l *logged)) {
	dbtest.Each(t, func(t *testing.T, url string) { f(t, newLogged(t, url)) })
}

// TestChangeLog_HasEveryColumnThatIsCached changes each column of users and sessions, past the program.
func TestChangeLog_HasEveryColumnThatIsCached(t *testing.T) {
	unread := []string{"refresh_digest", "refresh_generation", "last_used_at", "user_agent", "ip"} // not cached
	other := map[string]string{"roles": `'["ADMIN"]'`, "email_verified": "true", "credential_generation": "7",
		"email_proved_generation": "7", "factor_generation": "7", "restorable": "true",
		"refresh_generation": "7", "id": "'0190a0b0-0000-7000-8000-000000000000'", "user_id": ""}
	eachLogged(t, func(t *testing.T, l *logged) {
		must(newSession(t.Context(), l.Client, l.user.ID))
		l.wantRead("a new session", 0, uuid.Nil)
		for _, table := range []string{migrate.UsersTable.Name, migrate.SessionsTable.Name} {
			columns := migrate.UsersTable.Columns
			if table == "sessions" {
				columns = migrate.SessionsTable.Columns
			}
			for _, c := range columns[1:] {
				value, ok := other[c.Name]
				switch {
				case !ok && strings.HasSuffix(c.Name, "_at"):
					value = "'2001-01-01 00:00:00+00:00'"
				case !ok:
					value = "'x'"
				case value == "":
					continue // a reference, which nothing changes
				}
				want := 1
				if slices.Contains(unread, c.Name) {
					want = 0
				}
				l.exec("UPDATE " + table + " SET " + c.Name + " = " + value)
				l.wantRead(table+"."+c.Name, want, l.user.ID)
				l.exec("UPDATE " + table + " SET " + c.Name + " = " + c.Name)
				l.wantRead(table+"."+c.Name+" to what it is", 0, uuid.Nil)
			}
		}
		l.exec("UPDATE sessions SET expires_at = '2099-01-01 00:00:00+00:00', idle_expires_at = '2099-01-01 00:00:00+00:00'")
		l.wantRead("a longer life", 0, uuid.Nil)
	})
}

func TestChangeLog_HasWhatIsDeletedAndWhatConcernsAll(t *testing.T) {
	eachLogged(t, func(t *testing.T, l *logged) {
		for range 2 {
			must(newSession(t.Context(), l.Client, l.user.ID))
		}
		l.exec("DELETE FROM sessions")
		l.wantRead("two sessions deleted", 2, l.user.ID)
		must(newSession(t.Context(), l.Client, l.user.ID))
		l.exec("DELETE FROM users")
		l.wantRead("a user and their session deleted", 2, l.user.ID)
		l.exec("INSERT INTO signing_keys (id, sequence, sealed, created_at, signs_at) VALUES ('k', 9, '', '2001-01-01 00:00:00+00:00', '2001-01-01 00:00:00+00:00')")
		l.wantRead("a signing key", 1, uuid.Nil)
		for _, c := range migrate.SigningKeysTable.Columns {
			l.exec("UPDATE signing_keys SET " + c.Name + " = " + l.literal(migrate.SigningKeysTable, c, 8))
			l.wantRead("a signing key's "+c.Name, 1, uuid.Nil)
		}
		l.exec("DELETE FROM signing_keys")
		l.wantRead("no signing key", 1, uuid.Nil)
		if l.Shared() {
			l.exec("TRUNCATE users CASCADE")
			l.wantRead("three tables emptied", 3, uuid.Nil)
		}
		now := time.Now()
		row := l.Client.Revocation.Create().SetUserID(l.user.ID).SetAt(now).SetUntil(now).SaveX(t.Context())
		if got, _ := l.read(); !slices.Equal(got, []database.Change{{UserID: l.user.ID, RevocationID: row.ID}}) {
			t.Errorf("a revocation: %v", got)
		}
	})
}

// TestChangeLog_TellsEachCommitOnce begins, ends and rolls back transactions in a random order, and reads in between.
func TestChangeLog_TellsEachCommitOnce(t *testing.T) {
	l := newLogged(t, dbtest.Postgres(t))
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	var open []*sql.Tx
	users := map[*sql.Tx]*ent.User{}
	idle, told, want := []*ent.User{}, map[uuid.UUID]int{}, map[uuid.UUID]int{}
	for i := range 8 {
		idle = append(idle, must(newUser(t.Context(), l.Client, fmt.Sprint(i))))
	}
	read := func() {
		changes, lost := l.read()
		if lost {
			t.Fatalf("seed %d: lost", seed)
		}
		for _, c := range changes {
			told[c.UserID]++
		}
	}
	for step := range 600 {
		switch end := random.IntN(len(open) + 1); {
		case random.IntN(3) == 0:
			read()
		case len(idle) > 0 && (len(open) == 0 || random.IntN(2) == 0):
			tx := must(l.SQL().Begin())
			users[tx], idle = idle[0], idle[1:]
			must(tx.Exec(rename, fmt.Sprint("n", step), users[tx].ID))
			open = append(open, tx)
		case end < len(open):
			tx := open[end]
			open = slices.Delete(open, end, end+1)
			idle = append(idle, users[tx])
			if random.IntN(4) == 0 {
				check(t, tx.Rollback())
				continue
			}
			check(t, tx.Commit())
			want[users[tx].ID]++
			if random.IntN(2) == 0 {
				read()
			}
		}
	}
	for _, tx := range open {
		check(t, tx.Rollback())
	}
	read()
	testenv.Equal(t, want, told, "seed %d: how often each user was told of", seed)
}

// TestChangeLog_LongTransactionBesideDelaysAndRepeatsNothing: one that has written, in another database of the
// cluster.
func TestChangeLog_LongTransactionBesideDelaysAndRepeatsNothing(t *testing.T) {
	beside := must(open(t, dbtest.Postgres(t)).SQL().Begin())
	must(beside.Exec("CREATE TABLE written (id int)"))
	l := newLogged(t, dbtest.Postgres(t))
	for i := range 50 {
		l.exec(rename, fmt.Sprint(i), l.user.ID)
		l.wantRead("a commit", 1, l.user.ID)
	}
	check(t, beside.Commit())
	l.wantRead("nothing", 0, uuid.Nil)
}

// TestChangeLog_OtherDatabaseIsNotGoneOnWith in each way in which the same URL leads to another one.
func TestChangeLog_OtherDatabaseIsNotGoneOnWith(t *testing.T) {
	for name, replace := range map[string]func(l *logged){
		"numbers that go backwards": func(l *logged) { l.Ahead() },
		"a log that was made again": func(l *logged) {
			l.exec("CREATE TABLE copy AS SELECT * FROM changes")
			l.exec("DROP TABLE changes")
			l.exec("CREATE TABLE changes AS SELECT * FROM copy")
			if !l.Shared() {
				l.exec("UPDATE changes SET tx = tx - 1")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachLogged(t, func(t *testing.T, l *logged) {
				l.exec(rename, "x", l.user.ID)
				l.wantRead("a commit", 1, l.user.ID)
				replace(l)
				got, lost, err := l.Read(t.Context())
				if !lost || len(got) > 0 {
					t.Errorf("lost %v, %v", lost, got)
				}
				if err != nil { // it begins again
					l.read()
				}
				l.wantRead("afterwards", 0, uuid.Nil)
			})
		})
	}
}

// TestChangeLog_RowsOfAnotherClusterAreNotRead: a dump has numbers that the server to which it was restored gives later.
func TestChangeLog_RowsOfAnotherClusterAreNotRead(t *testing.T) {
	l := newLogged(t, dbtest.Postgres(t))
	for _, ahead := range []int{0, 1, 1 << 40} {
		l.exec(`INSERT INTO changes (tx, user_id)
			SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint + 1000000 + $1, $2`, ahead, l.user.ID)
	}
	for range 3 {
		l.wantRead("rows of another cluster", 0, uuid.Nil)
	}
	l.exec(rename, "Ada", l.user.ID)
	l.wantRead("a change of this one", 1, l.user.ID)
}

// TestChangeLog_CrashBehindAPoolerIsNoticed: a killed backend has Postgres start all others again, which a pooler hides.
// The start of the server is the same one, and numbers that nobody wrote down are given again.
func TestChangeLog_CrashBehindAPoolerIsNoticed(t *testing.T) {
	cluster := dbtest.NewServer(t)
	direct := cluster.URL("postgres")
	l := newLogged(t, dbtest.PgBouncer(t, direct, "transaction"))
	l.wantRead("nothing", 0, uuid.Nil)
	other := must(sql.Open("postgres", direct))
	defer other.Close()
	var pid int
	check(t, other.QueryRow("SELECT pg_backend_pid()").Scan(&pid))
	check(t, syscall.Kill(pid, syscall.SIGKILL))
	testenv.Eventually(t, "the server answers again", testenv.HangGuard, func() bool {
		var again int
		return other.QueryRow("SELECT pg_backend_pid()").Scan(&again) == nil && again != pid
	})
	time.Sleep(time.Second) // the pooler notices too
	if _, lost, err := l.Read(t.Context()); !lost {
		t.Errorf("went on over a crash: %v", err)
	}
}

// TestChangeLog_EmptiedTableIsAnotherDatabase: a crash and the promotion of a standby empty it.
func TestChangeLog_EmptiedTableIsAnotherDatabase(t *testing.T) {
	l := newLogged(t, dbtest.Postgres(t))
	var kind string
	check(t, l.SQL().QueryRow("SELECT relpersistence FROM pg_class WHERE oid = 'changes'::regclass").Scan(&kind))
	testenv.Equal(t, "u", kind, "unlogged")
	l.exec("DELETE FROM changes")
	if _, lost := l.read(); !lost {
		t.Error("went on")
	}
	l.wantRead("afterwards", 0, uuid.Nil)
	l.exec(rename, "Ada", l.user.ID)
	l.wantRead("a change", 1, l.user.ID)
}

func TestChangeLog_RestartedServerIsAnotherDatabase(t *testing.T) {
	cluster := dbtest.NewServer(t)
	l := newLogged(t, cluster.URL("postgres"))
	check(t, cluster.Stop())
	if _, lost, err := l.Read(t.Context()); err == nil || !lost {
		t.Errorf("no server: lost %v, %v", lost, err)
	}
	check(t, cluster.Start())
	if _, lost := l.read(); !lost {
		t.Error("went on")
	}
}

func TestChangeLog_ReaderThatWasAwayStartsAgain(t *testing.T) {
	eachLogged(t, func(t *testing.T, l *logged) {
		for away, want := range map[time.Duration]bool{database.MaxAway - time.Minute: false, database.MaxAway: true} {
			l.Away(away)
			if _, lost := l.read(); lost != want {
				t.Errorf("away for %v: lost %v", away, lost)
			}
		}
	})
}

// TestChangeLog_MassOfChangesIsOne: more than anybody wants to hold in memory.
func TestChangeLog_MassOfChangesIsOne(t *testing.T) {
	eachLogged(t, func(t *testing.T, l *logged) {
		mass := `INSERT INTO changes (tx) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10001) SELECT ` +
			map[bool]string{true: "pg_current_xact_id()::text::bigint", false: "i"}[l.Shared()] + ` FROM n`
		l.exec(mass)
		wantLost := func() {
			t.Helper()
			if got, lost := l.read(); !lost || len(got) > 0 {
				t.Errorf("lost %v, %d changes", lost, len(got))
			}
		}
		wantLost()
		tx := must(l.SQL().Begin())
		must(tx.Exec(rename, "y", l.user.ID))
		l.wantRead("while one is open", 0, uuid.Nil)
		must(tx.Exec(mass))
		check(t, tx.Commit())
		wantLost()
		l.read() // what was beyond the bound
		l.exec(rename, "x", l.user.ID)
		if l.wantRead("afterwards", 1, l.user.ID); t.Failed() {
			t.FailNow()
		}
	})
}

func TestSweepChanges_DeletesWhatAllHaveRead(t *testing.T) {
	eachLogged(t, func(t *testing.T, l *logged) {
		count := func() (n int) {
			check(t, l.SQL().QueryRow("SELECT count(*) FROM changes").Scan(&n))
			return n
		}
		writes := func(n int) {
			for i := range n {
				l.exec(rename, fmt.Sprint(i, time.Now().UnixNano()), l.user.ID)
			}
			l.read()
			for must(l.SweepChanges(t.Context())) > 0 {
			}
		}
		before := count()
		writes(5)
		testenv.Equal(t, before+5, count(), "rows, all new")
		l.AgeNotes(database.ChangesRetention - time.Minute)
		writes(1)
		testenv.Equal(t, before+6, count(), "rows, none old")
		l.AgeNotes(time.Minute)
		writes(1) // notes what was read until now
		l.AgeNotes(database.ChangesRetention)
		writes(1)
		if n := count(); n < 1 || n > 2 { // what came later, and with SQLite the last row that was noted
			t.Errorf("%d rows are left", n)
		}
		l.wantRead("afterwards", 0, uuid.Nil)
	})
}

// TestChangeLog_AsksNoClockOfTheDatabase: clocks of servers differ, and step. The moment of a server's start only names it.
func TestChangeLog_AsksNoClockOfTheDatabase(t *testing.T) {
	eachLogged(t, func(t *testing.T, l *logged) {
		query := "SELECT group_concat(sql, ';') FROM sqlite_schema WHERE name LIKE 'gatehouse_log%'"
		if l.Shared() {
			query = `SELECT string_agg(prosrc, ';') || (SELECT string_agg(pg_get_triggerdef(oid), ';') FROM pg_trigger)
				FROM pg_proc WHERE proname = 'gatehouse_log'`
		}
		var text string
		check(t, l.SQL().QueryRow(query).Scan(&text))
		for _, clock := range []string{"now", "clock", "current_time", "current_date", "localtime", "julianday", "strftime"} {
			if strings.Contains(strings.ToLower(text+database.LogStatements), clock) {
				t.Errorf("%s is asked for in\n%s", clock, text)
			}
		}
	})
}
