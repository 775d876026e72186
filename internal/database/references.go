package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/pressly/goose/v3"
	gdb "github.com/pressly/goose/v3/database"
)

// checkedStore makes up for the foreign keys that were off: goose calls Insert at the end of a migration, inside of its
// transaction, so a migration that leaves a broken reference is rolled back and not recorded. The check reads every row
// that refers to another, while writers wait: a file that cannot have broken a reference is recorded without it.
type checkedStore struct {
	gdb.Store
	migrations fs.FS
}

func (s checkedStore) Insert(ctx context.Context, db gdb.DBTxConn, r gdb.InsertRequest) error {
	needed, err := s.mayBreakReferences(ctx, db, r.Version)
	if err != nil {
		return fmt.Errorf("read what refers to what: %w", err)
	}
	if needed {
		if err := checkReferences(ctx, db); err != nil {
			return err
		}
	}
	return s.Store.Insert(ctx, db, r)
}

func checkReferences(ctx context.Context, db gdb.DBTxConn) error {
	var table, parent string
	var row, key sql.NullInt64
	err := db.QueryRowContext(ctx, "PRAGMA foreign_key_check").Scan(&table, &row, &parent, &key)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("check foreign keys: %w", err)
	}
	return fmt.Errorf("row %d of table %s would refer to nothing in %s", row.Int64, table, parent)
}

// changedTable finds the tables whose rows a statement may write, copy or delete, and some more. ALTER TABLE adds
// columns and makes no row refer to another.
var changedTable = regexp.MustCompile(`(?i)\b(?:into|from|join|update(?:\s+or\s+\w+)?|drop\s+table(?:\s+if\s+exists)?|` +
	`rename\s+to)\s+(?:\w+\s*\.\s*)?["'` + "`" + `\[]?(\w+)`)

// mayBreakReferences reports whether the file of a version names a table that refers to another, or is referred to,
// where rows are changed. Version 0 is the empty database.
func (s checkedStore) mayBreakReferences(ctx context.Context, db gdb.DBTxConn, version int64) (bool, error) {
	changed, err := s.changedTables(version)
	if err != nil || len(changed) == 0 {
		return false, err
	}
	rows, err := db.QueryContext(ctx, `SELECT t.name, k."table" FROM sqlite_schema t, pragma_foreign_key_list(t.name) k
		WHERE t.type = 'table'`)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	for rows.Next() {
		var child, parent string
		if err := rows.Scan(&child, &parent); err != nil {
			return false, err
		}
		if slices.Contains(changed, strings.ToLower(child)) || slices.Contains(changed, strings.ToLower(parent)) {
			return true, nil
		}
	}
	return false, rows.Err()
}

func (s checkedStore) changedTables(version int64) (names []string, err error) {
	files, err := fs.Glob(s.migrations, "*.sql")
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		if number, err := goose.NumericComponent(name); err != nil || number != version {
			continue
		}
		text, err := fs.ReadFile(s.migrations, name)
		if err != nil {
			return nil, err
		}
		for _, found := range changedTable.FindAllSubmatch(text, -1) {
			names = append(names, strings.ToLower(string(found[1])))
		}
	}
	return names, nil
}
