package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pressly/goose/v3"
)

// versionTable holds the versions of the migrations that were applied. goose's own name for it is used by every program
// that leaves it at that, and by the first versions of this one.
const versionTable = "gatehouse_db_version"

// ownColumns are some of our first migration. A schema that has them all, and goose's table, is ours.
var ownColumns = map[string]string{
	"users": "password_hash", "sessions": "refresh_digest", "signing_keys": "sealed", "settings": "value",
}

// schema is the tables and views of a database, each with its columns.
type schema map[string][]string

// foreignTables are tables of another program, where ours would be.
type foreignTables []string

func (f foreignTables) Error() string {
	named, more := f, ""
	if len(f) > 3 {
		named, more = f[:3], ", …"
	}
	return fmt.Sprintf("tables of another program are there (%s%s)", strings.Join(named, ", "), more)
}

// versionTable returns the name of our version table, or "" in an empty schema. All else is another program's, whose
// tables are neither read nor written: its error is foreignTables.
func (s schema) versionTable() (string, error) {
	_, migrated := s[versionTable]
	_, named := s[goose.DefaultTablename]
	switch {
	case migrated:
		return versionTable, nil
	case named && s.hasOwnColumns():
		return goose.DefaultTablename, nil
	case len(s) == 0:
		return "", nil
	}
	return "", foreignTables(slices.Sorted(maps.Keys(s)))
}

func (s schema) hasOwnColumns() bool {
	for table, column := range ownColumns {
		if !slices.Contains(s[table], column) {
			return false
		}
	}
	return true
}

// querier is a pool or one connection of it.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// readVersionTable is schema.versionTable of what is there now.
func readVersionTable(ctx context.Context, e engine, db querier) (string, error) {
	rows, err := db.QueryContext(ctx, e.schemaQuery())
	if err != nil {
		return "", err
	}
	defer rows.Close()
	s := schema{}
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			return "", err
		}
		s[table] = append(s[table], column)
	}
	if err := rows.Err(); err != nil {
		return "", err
	}
	return s.versionTable()
}

// rename gives a version table that is ours and has goose's name our name. It asks again under the lock, which other
// instances hold while they do the same. goose itself makes its table before it takes the lock.
func (d *Database) rename(ctx context.Context) (err error) {
	table, err := readVersionTable(ctx, d.engine, d.sql)
	if err != nil || table != goose.DefaultTablename {
		return err
	}
	conn, err := d.sql.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	l, err := d.engine.locker(d.sql)
	if err != nil {
		return err
	}
	if err := l.SessionLock(ctx, conn); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.SessionUnlock(context.WithoutCancel(ctx), conn), l.release()) }()
	table, err = readVersionTable(ctx, d.engine, conn)
	if err != nil || table != goose.DefaultTablename {
		return err
	}
	_, err = conn.ExecContext(ctx, "ALTER TABLE "+table+" RENAME TO "+versionTable)
	return err
}
