package database_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/user"
	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

func inTx(ctx context.Context, c *ent.Client, f func(*ent.Tx) error) error {
	tx, err := c.Tx(ctx)
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

func TestPool_SurvivesARestartOfTheServer(t *testing.T) {
	c := dbtest.NewServer(t)
	d := migrated(t, c.URL("postgres"))
	made := must(newUser(t.Context(), d.Client, "ada@example.com"))
	for name, end := range map[string]func() error{"stop": c.Stop, "kill": c.Kill} {
		d.Client.User.GetX(t.Context(), made.ID)
		check(t, errors.Join(end(), c.Start()))
		for range 20 {
			if _, err := d.Client.User.Get(t.Context(), made.ID); err != nil {
				t.Errorf("after %s: %v", name, err)
			}
		}
	}
}

// A migration by a newer instance changes a type under a statement that this one has run before.
func TestStatement_SurvivesAChangeOfItsColumns(t *testing.T) {
	d := migrated(t, dbtest.Postgres(t))
	d.SQL().SetMaxOpenConns(1)
	made := must(newUser(t.Context(), d.Client, "ada@example.com"))
	d.Client.User.GetX(t.Context(), made.ID)
	must(d.SQL().Exec("ALTER TABLE users ALTER COLUMN name TYPE text"))
	for range 2 {
		if _, err := d.Client.User.Get(t.Context(), made.ID); err != nil {
			t.Error(err)
		}
	}
}

func TestStatement_ReturnsEachTypeAsWritten(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, url string) {
		d := migrated(t, url)
		session := someSession(t, d)
		got := d.Client.Session.GetX(t.Context(), session.ID)
		for _, at := range []*time.Time{&got.AuthenticatedAt, &got.CreatedAt, &got.LastUsedAt, &got.IdleExpiresAt, &got.ExpiresAt} {
			*at = at.UTC() // Postgres writes times in its own zone
		}
		testenv.Equal(t, session.String(), got.String(), "session")
		if !bytes.Equal(got.RefreshDigest, session.RefreshDigest) {
			t.Errorf("bytes: wrote %x, read %x", session.RefreshDigest, got.RefreshDigest)
		}
		if !got.CreatedAt.Equal(session.CreatedAt) {
			t.Errorf("time: wrote %s, read %s", session.CreatedAt, got.CreatedAt)
		}
		if roles := d.Client.User.GetX(t.Context(), session.UserID).Roles; !cmp.Equal(roles, []string{"USER"}) {
			t.Errorf("roles: %v", roles)
		}
	})
}

// TestTransactions_ReadThenWriteDoNotFailEachOther: all of them together take less than the 5 s that SQLite's writers
// wait, in no order, on a slow machine too.
func TestTransactions_ReadThenWriteDoNotFailEachOther(t *testing.T) {
	const workers, each = 32, 4
	dbtest.Each(t, func(t *testing.T, url string) {
		d := migrated(t, url)
		var failures atomic.Int32
		var all sync.WaitGroup
		began := time.Now()
		for worker := range workers {
			all.Go(func() {
				for i := range each {
					err := inTx(t.Context(), d.Client, func(tx *ent.Tx) error {
						if _, err := tx.User.Query().Where(user.Status("ACTIVE")).Count(t.Context()); err != nil {
							return err
						}
						_, err := newUser(t.Context(), tx.Client(), fmt.Sprintf("%d.%d@example.com", worker, i))
						return err
					})
					if err != nil && failures.Add(1) == 1 {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		if got := d.Client.User.Query().CountX(t.Context()); failures.Load() != 0 || got != workers*each {
			t.Errorf("%d of %d failed, %d rows", failures.Load(), workers*each, got)
		}
		t.Logf("%d transactions in %s", workers*each, time.Since(began).Round(time.Millisecond))
	})
}

func TestConnection_SilentServerEndsWithTheContext(t *testing.T) {
	const known, unknown = "SELECT $1::int", "SELECT $1::int + 1"
	for name, ask := range map[string]func(ctx context.Context, d *database.Database, tx *sql.Tx) error{
		"a statement in the pool": func(ctx context.Context, d *database.Database, _ *sql.Tx) error {
			return d.SQL().QueryRowContext(ctx, known, 1).Scan(new(int))
		},
		"a kept statement in a transaction": func(ctx context.Context, _ *database.Database, tx *sql.Tx) error {
			return tx.QueryRowContext(ctx, known, 1).Scan(new(int))
		},
		"a new statement in a transaction": func(ctx context.Context, _ *database.Database, tx *sql.Tx) error {
			return tx.QueryRowContext(ctx, unknown, 1).Scan(new(int))
		},
		"a simple statement in a transaction": func(ctx context.Context, _ *database.Database, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, "SELECT 1")
			return err
		},
		"a new connection": func(ctx context.Context, d *database.Database, _ *sql.Tx) error {
			d.SQL().SetMaxIdleConns(0)
			return d.SQL().QueryRowContext(ctx, known, 1).Scan(new(int))
		},
		"Ready": func(ctx context.Context, d *database.Database, _ *sql.Tx) error { return d.Ready(ctx) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // each waits for its own silence
			p := dbtest.NewProxy(t, dbtest.Postgres(t))
			d := migrated(t, p.URL+"&connect_timeout=2")
			var tx *sql.Tx
			testenv.Eventually(t, "two connections are made in time", testenv.HangGuard, func() bool {
				var err error
				if tx, err = d.SQL().BeginTx(t.Context(), nil); err != nil {
					return false
				}
				err = errors.Join(tx.QueryRow(known, 1).Scan(new(int)), d.SQL().QueryRow(known, 1).Scan(new(int)))
				if err != nil {
					tx.Rollback()
				}
				return err == nil
			})
			p.Freeze()
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			began := time.Now()
			err := ask(ctx, d, tx)
			took := time.Since(began).Round(time.Millisecond)
			if !database.Unavailable(err) || took > time.Minute {
				t.Errorf("after %s: %v", took, err)
			}
			t.Logf("given up after %s: %v", took, err)
			p.Pass()
			tx.Rollback()
			err = d.Ready(t.Context())
			for end := time.Now().Add(testenv.HangGuard); err != nil && time.Now().Before(end); {
				err = d.Ready(t.Context()) // which at first may be the answer to a question from before
			}
			if err != nil {
				t.Errorf("the server talks again: %v", err)
			}
		})
	}
}

// Nothing waits for a silent server for ever, whatever its caller forgot: neither a statement nor the end of a
// transaction, which have no context that ends.
func TestConnection_SilentServerTimesOutWithoutADeadline(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for time-outs")
	}
	t.Parallel()
	p := dbtest.NewProxy(t, dbtest.Postgres(t))
	d := migrated(t, p.URL)
	begun := func() *sql.Tx {
		tx, err := d.SQL().Begin()
		if err == nil {
			_, err = tx.Exec("SELECT 1")
		}
		check(t, err)
		return tx
	}
	var waiting sync.WaitGroup
	one, two := begun(), begun()
	p.Freeze()
	began := time.Now()
	for name, ask := range map[string]func() error{
		"a statement": func() error {
			return d.SQL().QueryRowContext(context.Background(), "SELECT $1::int", 1).Scan(new(int))
		},
		"a transaction's begin": func() error { _, err := d.SQL().Begin(); return err },
		"a commit":              one.Commit,
		"a rollback":            two.Rollback,
	} {
		waiting.Go(func() {
			if err, took := ask(), time.Since(began); !database.Unavailable(err) || took > time.Minute {
				t.Errorf("%s, after %v: %v", name, took, err)
			}
		})
	}
	waiting.Wait()
	p.Pass()
}

// A statement that the server cancelled leaves its connection as good as new.
func TestConnection_IsUsableAfterAContextEnded(t *testing.T) {
	d := open(t, dbtest.Postgres(t))
	d.SQL().SetMaxOpenConns(1)
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		_, err := d.SQL().ExecContext(ctx, "SELECT pg_sleep($1)", 60)
		cancel()
		if !database.Unavailable(err) {
			t.Errorf("not unavailable: %v", err)
		}
		var got uuid.UUID
		want := uuid.New()
		if err := d.SQL().QueryRowContext(t.Context(), "SELECT $1::uuid", want).Scan(&got); err != nil || got != want {
			t.Errorf("%v, %v", got, err)
		}
	}
	if s := d.SQL().Stats(); s.InUse != 0 {
		t.Errorf("%d connections are in use", s.InUse)
	}
}
