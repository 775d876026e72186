package database

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
)

// Decorator adds something to the driver below, for instance spans. What it returns must also have the method
// ExecContext of execer, and so must its transactions.
type Decorator = func(dialect.Driver) dialect.Driver

// newDriver is the one place where drivers of Client are stacked: database/sql, then the guard of writes, then the turns
// of callers, then each of the decorators, the last one outermost. The guard is innermost so that no decorator can lose it: whatever one adds,
// repeats or leaves out, each write that reaches the database has passed the guard. Nothing decorates Client later.
func (d *Database) newDriver(c Config) (dialect.Driver, error) {
	base := entsql.OpenDB(d.engine.dialect(), d.sql)
	guarded := guardedDriver{base, base, d.checkFilePresent}
	var stacked dialect.Driver = guarded
	if c.Caller != nil {
		d.turns = d.newTurns()
		stacked = turnsDriver{guarded, guarded, d.turns, c.Caller}
	}
	for _, decorate := range c.Drivers {
		stacked = decorate(stacked)
		if _, ok := stacked.(execer); !ok {
			return nil, fmt.Errorf("database: the driver decorator %T lacks ExecContext, which accounts needs", stacked)
		}
	}
	return stacked, nil
}

// execer runs statements that Ent does not write.
type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// guardedDriver begins no transaction and executes nothing in a SQLite file that is no longer where it was opened.
// It lacks BeginTx and QueryContext on purpose: Ent's clients have both, and they would go around the guard.
type guardedDriver struct {
	dialect.Driver
	execer execer
	check  func() error
}

func (g guardedDriver) Tx(ctx context.Context) (dialect.Tx, error) {
	if err := g.check(); err != nil {
		return nil, err
	}
	return g.Driver.Tx(ctx)
}

func (g guardedDriver) Exec(ctx context.Context, query string, args, v any) error {
	if err := g.check(); err != nil {
		return err
	}
	return g.Driver.Exec(ctx, query, args, v)
}

// Query is Ent's also for a write that returns rows: INSERT … RETURNING.
func (g guardedDriver) Query(ctx context.Context, query string, args, v any) error {
	if !strings.HasPrefix(query, "SELECT ") {
		if err := g.check(); err != nil {
			return err
		}
	}
	return g.Driver.Query(ctx, query, args, v)
}

func (g guardedDriver) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if err := g.check(); err != nil {
		return nil, err
	}
	return g.execer.ExecContext(ctx, query, args...)
}

// checkFilePresent fails when a SQLite file is not the one that was opened. Linux writes to a file that has no name any
// more: what was answered as done would be lost when the process ends.
func (d *Database) checkFilePresent() error {
	if f, ok := d.engine.(*file); ok {
		return f.checkPresent()
	}
	return nil
}
