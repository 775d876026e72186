package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lib/pq"
)

var (
	errEmptied = errors.New("the file is empty, and was migrated before: restore it from a backup, or " +
		"delete it to begin with a new one")
	errLeftLog = errors.New("the file is gone or empty, and the one beside it whose name ends in -wal has its newest changes: " +
		"put it back, or delete that one too to begin with a new database")
	errDamaged = errors.New("the file is damaged: restore it from a backup")
)

// lockPath is beside the file, by whatever name that is opened: one lock for one file.
func (f *file) lockPath() (string, error) {
	path, err := filepath.EvalSymlinks(f.path)
	return path + ".lock", err
}

// wasEmptied reports whether the file was migrated once and has no byte any more, which SQLite takes for a new
// database. The lock is looked for first: who has made the file meanwhile writes to it before it migrates.
func (f *file) wasEmptied() bool {
	lock, err := f.lockPath()
	if err != nil {
		return false
	}
	if _, err := os.Stat(lock); err != nil {
		return false
	}
	info, err := os.Stat(f.path)
	return err == nil && info.Mode().IsRegular() && info.Size() == 0
}

// hasLeftLog reports whether there is a write-ahead log without its database: SQLite would delete it. The log is looked
// for first: SQLite begins it when the database has its first page.
func (f *file) hasLeftLog() bool {
	path, err := filepath.EvalSymlinks(f.path)
	if err != nil {
		path = f.path
	}
	if log, err := os.Stat(path + "-wal"); err != nil || log.Size() == 0 {
		return false
	}
	info, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist) || err == nil && info.Mode().IsRegular() && info.Size() == 0
}

// preflight refuses a damaged header or table and another program's file, before a connection of ours changes the
// journal's mode, which is a part of the file. It reads the header and the first pages of each table, whatever the size
// of the file: SQLite itself compares the size in the header with the file's. Other damage is found by Check.
func (f *file) preflight(ctx context.Context, _ *sql.DB) error {
	db := sql.OpenDB(sqliteConnector{f, f.name() + "&_pragma=busy_timeout(5000)"})
	defer db.Close()
	tables, err := texts(ctx, db, "SELECT name FROM sqlite_schema WHERE type = 'table'")
	if err != nil {
		return err
	}
	if _, err := readVersionTable(ctx, f, db); err != nil {
		return err
	}
	for _, table := range tables {
		if _, err := texts(ctx, db, "SELECT '' FROM "+pq.QuoteIdentifier(table)+" NOT INDEXED LIMIT 1"); err != nil {
			return fmt.Errorf("reading the table %s: %w", table, err)
		}
	}
	return nil
}

// check reads each page, and compares each index with its table and each reference with the row that it names.
func (f *file) check(ctx context.Context, db *sql.DB) error {
	found, err := texts(ctx, db, "PRAGMA integrity_check(10)")
	if err == nil && !slices.Equal(found, []string{"ok"}) {
		return fmt.Errorf("%w (%s)", errDamaged, strings.Join(found, "; "))
	}
	if err != nil {
		return err
	}
	broken, err := texts(ctx, db, `SELECT "table" FROM pragma_foreign_key_check LIMIT 10`)
	if err == nil && len(broken) > 0 {
		return fmt.Errorf("%w (references to missing rows in %s)", errDamaged, strings.Join(broken, ", "))
	}
	return err
}

// texts returns the rows of a query with one column.
func texts(ctx context.Context, db *sql.DB, query string) ([]string, error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return all, rows.Err()
}

const encodingHint = "make a database with CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0"

// preflight refuses a database that cannot hold all text, one without a schema to work in, and another program's
// tables. It only reads.
func (s server) preflight(ctx context.Context, db *sql.DB) error {
	var encoding, name string
	const query = "SELECT current_setting('server_encoding'), coalesce(current_schema(), '')"
	if err := db.QueryRowContext(ctx, query).Scan(&encoding, &name); err != nil {
		return err
	}
	if encoding != "UTF8" {
		return fmt.Errorf("the encoding of the database is %s, in which names of many languages cannot be stored: %s",
			encoding, encodingHint)
	}
	if name == "" {
		return errors.New("there is no schema by the search_path, or this user may not use it: CREATE SCHEMA name, " +
			"or " +
			"GRANT USAGE ON SCHEMA name TO the user")
	}
	_, err := readVersionTable(ctx, s, db)
	return err
}
