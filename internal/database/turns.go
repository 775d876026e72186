package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/gatehouse/gatehouse/internal/fairqueue"
)

// maxWaitingStatements is how many statements may wait for their turn.
const maxWaitingStatements = 1000

// errBusy means that a statement did not get its turn.
var errBusy = errors.New("too many statements wait for a connection")

// turnsDriver shares out the connections by caller to statements outside of transactions: until a caller has a turn,
// nothing is held. When the database is slow, one caller with many reads would otherwise have all connections.
// Transactions have turns of their own, from package accounts, and their statements need none.
type turnsDriver struct {
	dialect.Driver
	execer execer
	turns  *fairqueue.Limiter
	caller func(context.Context) []string
}

// newTurns leaves half of the turns to others when what one caller reads is slow.
func (d *Database) newTurns() *fairqueue.Limiter {
	all := d.Stats().MaxOpenConnections
	slots := max(1, all/2, all-d.MaxTransactions())
	return fairqueue.New(fairqueue.Config{Slots: slots, PerCaller: (slots + 1) / 2, Queue: maxWaitingStatements})
}

// wait returns once it is the caller's turn.
func (d turnsDriver) wait(ctx context.Context) (release func(), err error) {
	release, err = d.turns.Acquire(ctx, d.caller(ctx))
	if errors.Is(err, fairqueue.ErrBusy) {
		return nil, errBusy
	}
	if err != nil {
		return nil, fmt.Errorf("waiting for a connection: %w", err)
	}
	return release, nil
}

func (d turnsDriver) Exec(ctx context.Context, query string, args, v any) error {
	release, err := d.wait(ctx)
	if err != nil {
		return err
	}
	defer release()
	return d.Driver.Exec(ctx, query, args, v)
}

func (d turnsDriver) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	release, err := d.wait(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	return d.execer.ExecContext(ctx, query, args...)
}

// Query holds the turn until the rows are closed, as they hold the connection.
func (d turnsDriver) Query(ctx context.Context, query string, args, v any) error {
	rows, ok := v.(*entsql.Rows)
	if !ok {
		return fmt.Errorf("database: rows are not read into a %T", v)
	}
	release, err := d.wait(ctx)
	if err != nil {
		return err
	}
	if err := d.Driver.Query(ctx, query, args, rows); err != nil {
		release()
		return err
	}
	rows.ColumnScanner = turnRows{rows.ColumnScanner, sync.OnceFunc(release)}
	return nil
}

// turnRows are rows that end a turn.
type turnRows struct {
	entsql.ColumnScanner
	release func()
}

func (r turnRows) Close() error {
	defer r.release()
	return r.ColumnScanner.Close()
}
