package database_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"

	"entgo.io/ent/dialect"
	"github.com/lib/pq"
	"modernc.org/sqlite"

	"github.com/gatehouse/gatehouse/ent/user"
	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/tracing"
)

type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// plain adds nothing.
type plain struct {
	dialect.Driver
	execer
}

// retrying tries twice to begin a transaction and to execute.
type retrying struct{ plain }

func (r retrying) Tx(ctx context.Context) (dialect.Tx, error) {
	if tx, err := r.Driver.Tx(ctx); err == nil {
		return tx, nil
	}
	return r.Driver.Tx(ctx)
}

func decorators(t *testing.T) map[string]database.Decorator {
	t.Helper()
	traces := must(tracing.New(t.Context(), tracing.Config{Log: quiet, Endpoint: "http://127.0.0.1:1"}))
	return map[string]database.Decorator{
		"plain":    func(d dialect.Driver) dialect.Driver { return plain{d, d.(execer)} },
		"retrying": func(d dialect.Driver) dialect.Driver { return retrying{plain{d, d.(execer)}} },
		"traces":   traces.Driver,
	}
}

// orders returns every order of every choice of names.
func orders(names ...string) [][]string {
	all := [][]string{{}}
	for i, name := range names {
		others := append(append([]string{}, names[:i]...), names[i+1:]...)
		for _, rest := range orders(others...) {
			all = append(all, append([]string{name}, rest...))
		}
	}
	return all
}

// Each stacking of decorators keeps each of these.
var driverGuarantees = map[string]func(t *testing.T, d *database.Database, file string){
	"reads, transactions and statements reach the database": func(t *testing.T, d *database.Database, _ string) {
		tx := must(d.Client.Tx(t.Context()))
		if _, err := newUser(t.Context(), tx.Client(), "ada@example.com"); err != nil {
			t.Error(err)
		}
		_, inside := tx.ExecContext(t.Context(), "UPDATE users SET name = 'Ada'")
		committed := tx.Commit()
		_, outside := d.Client.ExecContext(t.Context(), "UPDATE users SET name = 'Bob' WHERE false")
		n, read := d.Client.User.Query().Where(user.Name("Ada")).Count(t.Context())
		if err := errors.Join(inside, committed, outside, read); err != nil || n != 1 {
			t.Errorf("%d users, %v", n, err)
		}
	},
	"with the file gone, reads work and writes are refused": func(t *testing.T, d *database.Database, file string) {
		ada := must(newUser(t.Context(), d.Client, "ada@example.com"))
		check(t, os.Rename(file, file+".away"))
		for name, write := range map[string]func() error{
			"a transaction":  func() error { _, err := d.Client.Tx(t.Context()); return err },
			"a create":       func() error { _, err := newUser(t.Context(), d.Client, "lost@example.com"); return err },
			"an update":      func() error { return d.Client.User.UpdateOneID(ada.ID).SetName("Ada").Exec(t.Context()) },
			"a delete":       func() error { _, err := d.Client.User.Delete().Exec(t.Context()); return err },
			"a bulk of them": func() error { return d.Client.User.Update().SetName("Ada").Exec(t.Context()) },
			"a statement":    func() error { _, err := d.Client.ExecContext(t.Context(), "DELETE FROM users"); return err },
			"an upsert": func() error {
				return d.Client.Setting.Create().SetID("lost").SetValue([]byte("x")).OnConflict().Ignore().Exec(t.Context())
			},
		} {
			if err := write(); !errors.Is(err, database.ErrMoved) {
				t.Errorf("%s: %v, want ErrMoved", name, err)
			}
		}
		read := func() {
			if n, err := d.Client.User.Query().Count(t.Context()); n != 1 || err != nil {
				t.Errorf("%d users, %v", n, err)
			}
		}
		var readers sync.WaitGroup
		for range 100 { // on each of the pool's connections
			readers.Go(read)
		}
		readers.Wait()
	},
	"nothing goes around the guard": func(t *testing.T, d *database.Database, _ string) {
		defer func() { _ = recover() }() // Ent's own answer to a driver without BeginTx
		if _, err := d.Client.BeginTx(t.Context(), nil); err == nil {
			t.Error("BeginTx begins a transaction")
		}
	},
}

func TestDriver_EachStackingOfDecoratorsKeepsEachGuarantee(t *testing.T) {
	for guarantee, check := range driverGuarantees {
		t.Run(guarantee, func(t *testing.T) {
			for _, order := range orders("plain", "retrying", "traces") {
				t.Run("sql guard "+strings.Join(order, " "), func(t *testing.T) {
					url, all := dbtest.SQLite(t), decorators(t)
					c := database.Config{URL: url, Log: quiet}
					for _, name := range order {
						c.Drivers = append(c.Drivers, all[name])
					}
					d := must(database.Open(t.Context(), c))
					defer d.Close()
					must(d.Migrate(t.Context()))
					check(t, d, strings.TrimPrefix(url, "sqlite:"))
				})
			}
		})
	}
}

func TestOpen_RefusesADecoratorThatHidesExecContext(t *testing.T) {
	hides := func(d dialect.Driver) dialect.Driver { return struct{ dialect.Driver }{d} }
	c := database.Config{URL: dbtest.SQLite(t), Log: quiet, Drivers: []database.Decorator{hides}}
	if _, err := database.Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), "lacks ExecContext") {
		t.Errorf("opened: %v", err)
	}
}

// TestConnection_KeepsEachInterfaceOfTheDriversConnection holds what database/sql asks a connection for beneath Ent.
func TestConnection_KeepsEachInterfaceOfTheDriversConnection(t *testing.T) {
	optional := map[string]func(any) bool{
		"Pinger":             func(c any) bool { _, ok := c.(driver.Pinger); return ok },
		"ExecerContext":      func(c any) bool { _, ok := c.(driver.ExecerContext); return ok },
		"QueryerContext":     func(c any) bool { _, ok := c.(driver.QueryerContext); return ok },
		"ConnPrepareContext": func(c any) bool { _, ok := c.(driver.ConnPrepareContext); return ok },
		"ConnBeginTx":        func(c any) bool { _, ok := c.(driver.ConnBeginTx); return ok },
		"SessionResetter":    func(c any) bool { _, ok := c.(driver.SessionResetter); return ok },
		"Validator":          func(c any) bool { _, ok := c.(driver.Validator); return ok },
		"NamedValueChecker":  func(c any) bool { _, ok := c.(driver.NamedValueChecker); return ok },
	}
	dbtest.Each(t, func(t *testing.T, url string) {
		ours := must(open(t, url).SQL().Conn(t.Context()))
		defer ours.Close()
		theirs := rawConnection(t, url)
		if err := ours.Raw(func(c any) error {
			for name, has := range optional {
				if has(theirs) && !has(c) {
					t.Errorf("%T is a driver.%s, and %T is not", theirs, name, c)
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	})
}

func rawConnection(t *testing.T, url string) driver.Conn {
	t.Helper()
	var opener driver.Driver = &pq.Driver{}
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		opener, url = &sqlite.Driver{}, path
	}
	c := must(opener.Open(url))
	t.Cleanup(func() { c.Close() })
	return c
}
