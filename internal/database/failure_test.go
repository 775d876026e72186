package database_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/dbtest"
)

// verdict is what the package says of an error.
type verdict struct{ unavailable, conflict bool }

func checkVerdict(t *testing.T, name string, err error, want verdict) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error", name)
		return
	}
	for _, e := range []error{err, fmt.Errorf("accounts: register: %w", err), errors.Join(errors.New("also"), err)} {
		if got := (verdict{database.Unavailable(e), database.Conflict(e)}); got != want {
			t.Errorf("%s: %+v, want %+v: %T %v", name, got, want, e, e)
		}
	}
}

func TestFailures_AreClassifiedOnBothEngines(t *testing.T) {
	for _, none := range []error{nil, errors.New("a"), context.Canceled} {
		if database.Unavailable(none) || database.Conflict(none) {
			t.Errorf("%v has a verdict", none)
		}
	}
	dbtest.Each(t, func(t *testing.T, url string) {
		d := migrated(t, url)
		session := someSession(t, d)
		user := d.Client.User.GetX(t.Context(), session.UserID)
		_, sameMail := newUser(t.Context(), d.Client, user.Email)
		checkVerdict(t, "a unique index", sameMail, verdict{conflict: true})
		_, sameID := d.Client.Setting.Create().SetID("a").SetValue([]byte("1")).Save(t.Context())
		if sameID == nil {
			_, sameID = d.Client.Setting.Create().SetID("a").SetValue([]byte("2")).Save(t.Context())
		}
		checkVerdict(t, "a primary key", sameID, verdict{conflict: true})
		_, noUser := newSession(t.Context(), d.Client, uuid.New())
		checkVerdict(t, "a foreign key", noUser, verdict{})
		_, notNull := d.SQL().Exec("INSERT INTO settings (id) VALUES ('b')")
		checkVerdict(t, "a required column", notNull, verdict{})
		_, notThere := d.Client.User.Get(t.Context(), uuid.New())
		checkVerdict(t, "no row", notThere, verdict{})
		_, syntax := d.SQL().Exec("SELEC 1")
		checkVerdict(t, "a mistake in SQL", syntax, verdict{})
		late, cancel := context.WithTimeout(t.Context(), 0)
		_, tooLate := d.Client.User.Get(late, user.ID)
		cancel()
		checkVerdict(t, "a deadline", tooLate, verdict{unavailable: true})
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		_, left := d.Client.User.Get(gone, user.ID)
		checkVerdict(t, "a caller who left", left, verdict{})
	})
}

func TestUnavailable_SQLiteThatStaysLockedOrIsFull(t *testing.T) {
	address := dbtest.SQLite(t)
	d, other := migrated(t, address), open(t, address)
	tx := must(d.SQL().Begin())
	defer tx.Rollback()
	other.SQL().SetMaxOpenConns(1)
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, late := newUser(short, other.Client, "a@example.com")
	checkVerdict(t, "a lock and a deadline", late, verdict{unavailable: true})
	must(other.SQL().Exec("PRAGMA busy_timeout = 20"))
	_, locked := newUser(t.Context(), other.Client, "a@example.com")
	checkVerdict(t, "a lock", locked, verdict{unavailable: true})
	check(t, tx.Rollback())
	if _, err := other.SQL().Exec("PRAGMA max_page_count = 1"); err != nil { // SQLite raises it to the present size
		t.Fatal(err)
	}
	var full error
	for i := 0; i < 1000 && full == nil; i++ {
		_, full = newUser(t.Context(), other.Client, fmt.Sprintf("%d@example.com", i))
	}
	checkVerdict(t, "no room", full, verdict{unavailable: true})
}

// What Postgres says when it takes no writes or a transaction gave way; and what of it may run again.
func TestUnavailable_MayPassAndContendedWasRolledBack(t *testing.T) {
	d := migrated(t, dbtest.Postgres(t))
	raise := func(code string) error {
		_, err := d.SQL().Exec("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '" + code + "'; END $$")
		return err
	}
	for code, want := range map[string]verdict{
		"25006": {unavailable: true}, "40001": {unavailable: true}, "40P01": {unavailable: true}, "55P03": {unavailable: true},
		"53300": {unavailable: true}, "53100": {unavailable: true}, "58030": {unavailable: true}, "25P03": {unavailable: true},
		"42501": {}, "42P01": {}, "22001": {}, "XX000": {}, "25P02": {}, "40002": {},
	} {
		err := raise(code)
		checkVerdict(t, code, err, want)
		if got := database.Contended(fmt.Errorf("commit: %w", err)); got != (code == "40001" || code == "40P01") {
			t.Errorf("%s: contended %v", code, got)
		}
	}
	for _, broken := range []error{nil, io.EOF, driver.ErrBadConn, context.DeadlineExceeded} { // unknown: it may have been done
		if database.Contended(broken) {
			t.Errorf("%v may run again", broken)
		}
	}
	checkVerdict(t, "a transaction that is over", sql.ErrTxDone, verdict{}) // a mistake of ours, unless the context ended: it says so itself

	tx, err := d.SQL().BeginTx(t.Context(), nil)
	if err == nil {
		_, err = tx.Exec("SET TRANSACTION READ ONLY")
	}
	check(t, err)
	_, refused := tx.Exec("DELETE FROM users")
	tx.Rollback()
	checkVerdict(t, "a read-only transaction", refused, verdict{unavailable: true})
}

func TestConnection_ToAReadOnlyServerIsClosedAfterAWrite(t *testing.T) {
	d := migrated(t, dbtest.Postgres(t))
	d.SQL().SetMaxOpenConns(1)
	pid := func() (n int) {
		check(t, d.SQL().QueryRow("SELECT pg_backend_pid()").Scan(&n))
		return n
	}
	before := pid()
	must(d.SQL().Exec("SET default_transaction_read_only = on"))
	if pid() != before {
		t.Fatal("it was given up before there was a reason")
	}
	if _, err := newUser(t.Context(), d.Client, "a@example.com"); !database.Unavailable(err) {
		t.Errorf("a write: %v", err)
	}
	if pid() == before {
		t.Error("the connection is kept")
	}
	if _, err := newUser(t.Context(), d.Client, "a@example.com"); err != nil {
		t.Errorf("the next connection: %v", err)
	}
}

func TestUnavailable_PostgresThatCannotServe(t *testing.T) {
	c := dbtest.NewServer(t)
	d := migrated(t, c.URL("postgres"))
	run := func(q string) error { _, err := d.SQL().ExecContext(t.Context(), q); return err }
	checkVerdict(t, "statement_timeout", run("BEGIN; SET LOCAL statement_timeout = 20; SELECT pg_sleep(9); COMMIT"),
		verdict{unavailable: true})
	run("ROLLBACK")

	check(t, run("CREATE ROLE few LOGIN PASSWORD 'few' CONNECTION LIMIT 0"))
	few := with(t, c.URL("postgres"), func(u *url.URL) { u.User = url.UserPassword("few", "few") })
	_, full := database.Open(t.Context(), database.Config{URL: few, Log: quiet, Wait: time.Millisecond})
	checkVerdict(t, "too many connections", full, verdict{unavailable: true})

	// Each waits inside of the server when it goes away, in a transaction and not.
	during := func(name string, end func() error) {
		var running sync.WaitGroup
		results := make([]error, 2)
		tx := must(d.SQL().Begin())
		running.Go(func() { _, results[0] = tx.ExecContext(t.Context(), "SELECT pg_sleep($1)", 60) })
		running.Go(func() { _, results[1] = d.SQL().ExecContext(t.Context(), "SELECT pg_sleep(60)") })
		time.Sleep(300 * time.Millisecond)
		check(t, end())
		running.Wait()
		tx.Rollback()
		checkVerdict(t, name+", in a transaction", results[0], verdict{unavailable: true})
		checkVerdict(t, name, results[1], verdict{unavailable: true})
	}
	during("an administrator ends the connections", func() error {
		for range 3 { // database/sql tries the one outside of the transaction again
			if err := run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' " +
				"AND pid <> pg_backend_pid()"); err != nil {
				return err
			}
			time.Sleep(200 * time.Millisecond)
		}
		return nil
	})
	during("the server stops", c.Stop)
	checkVerdict(t, "the server is down", run("SELECT 1"), verdict{unavailable: true})
	check(t, c.Start())
	during("the server is killed", c.Kill)
	checkVerdict(t, "the server is gone", d.Ready(t.Context()), verdict{unavailable: true})
}

// TestSQLite_CommitIsSynced: an answered commit survives a power cut only with synchronous=FULL (2).
func TestSQLite_CommitIsSynced(t *testing.T) {
	d := open(t, dbtest.SQLite(t))
	var mode int
	if err := d.SQL().QueryRow("PRAGMA synchronous").Scan(&mode); err != nil || mode != 2 {
		t.Errorf("synchronous is %d: %v", mode, err)
	}
}
