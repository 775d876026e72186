package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"modernc.org/sqlite"
)

// sqliteConnector opens connections to a SQLite file that cache prepared statements: parsing a statement takes longer
// than to find a row by its key. SQLite itself prepares such a statement again when the schema has changed.
type sqliteConnector struct {
	*file
	dsn string
}

func (o sqliteConnector) Driver() driver.Driver { return &sqlite.Driver{} }

// Connect connects to no other file than the one that was opened, and makes none: the write-ahead log beside it belongs
// to that one. It looks again afterwards, since a file can be moved meanwhile.
func (o sqliteConnector) Connect(context.Context) (driver.Conn, error) {
	if err := o.checkPresent(); err != nil {
		return nil, err
	}
	raw, err := o.Driver().Open(o.dsn)
	if err != nil {
		return nil, err
	}
	if err := o.checkPresent(); err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	conn, ok := raw.(sqliteDriverConn)
	if !ok {
		err := fmt.Errorf("the SQLite driver's %T lacks a method that Gatehouse passes on", raw)
		return nil, errors.Join(err, raw.Close())
	}
	return &sqliteConn{sqliteDriverConn: conn, statements: statements{}}, nil
}

// sqliteDriverConn is what the driver's connection can do and database/sql asks for.
type sqliteDriverConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.Pinger
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
}

// sqliteConn is one connection to a SQLite file. database/sql uses it from one goroutine at a time.
type sqliteConn struct {
	sqliteDriverConn
	statements statements
}

func (c *sqliteConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if len(args) == 0 {
		return c.sqliteDriverConn.QueryContext(ctx, query, args)
	}
	st, err := c.statements.prepare(ctx, c.sqliteDriverConn, query)
	if err != nil {
		return nil, err
	}
	return st.QueryContext(ctx, args)
}

func (c *sqliteConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if len(args) == 0 {
		return c.sqliteDriverConn.ExecContext(ctx, query, args)
	}
	st, err := c.statements.prepare(ctx, c.sqliteDriverConn, query)
	if err != nil {
		return nil, err
	}
	return st.ExecContext(ctx, args)
}

// Close closes the statements too: SQLite keeps a file open for as long as there is one.
func (c *sqliteConn) Close() error {
	var all []error
	for _, st := range c.statements {
		all = append(all, st.Close())
	}
	return errors.Join(append(all, c.sqliteDriverConn.Close())...)
}
