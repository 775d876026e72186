package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"modernc.org/sqlite"
)

// opener opens connections to a SQLite file that keep what they have prepared: to read a statement's text takes longer
// than to find a row by its key. SQLite itself prepares a kept statement anew when the schema has changed.
type opener struct{ dsn string }

func (o opener) Driver() driver.Driver { return &sqlite.Driver{} }

func (o opener) Connect(context.Context) (driver.Conn, error) {
	raw, err := o.Driver().Open(o.dsn)
	if err != nil {
		return nil, err
	}
	whole, is := raw.(fileConn)
	if !is {
		return nil, errors.Join(fmt.Errorf("the SQLite driver's %T lacks a method that Gatehouse passes on", raw), raw.Close())
	}
	return &opened{fileConn: whole, statements: statements{}}, nil
}

// fileConn is what the driver's connection can do and database/sql asks for.
type fileConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.Pinger
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
}

// opened is one connection to a SQLite file. database/sql uses it from one goroutine at a time.
type opened struct {
	fileConn
	statements statements
}

func (c *opened) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if len(args) == 0 {
		return c.fileConn.QueryContext(ctx, query, args)
	}
	st, err := c.statements.prepare(ctx, c.fileConn, query)
	if err != nil {
		return nil, err
	}
	return st.QueryContext(ctx, args)
}

func (c *opened) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if len(args) == 0 {
		return c.fileConn.ExecContext(ctx, query, args)
	}
	st, err := c.statements.prepare(ctx, c.fileConn, query)
	if err != nil {
		return nil, err
	}
	return st.ExecContext(ctx, args)
}

// Close closes the statements too: SQLite keeps a file open for as long as there is one.
func (c *opened) Close() error {
	var all []error
	for _, st := range c.statements {
		all = append(all, st.Close())
	}
	return errors.Join(append(all, c.fileConn.Close())...)
}
