package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pressly/goose/v3"
)

var (
	errEmptied = errors.New("the file is empty, and was migrated before: restore it from a backup, or delete it to begin with a new one")
	errForeign = errors.New("the file holds another program's tables: name a file of Gatehouse's own, as in sqlite:gatehouse.db")
	errDamaged = errors.New("the file is damaged: restore it from a backup")
)

// lockPath is beside the file, by whatever name that is opened: one lock for one file.
func (f file) lockPath() (string, error) {
	path, err := filepath.EvalSymlinks(f.path)
	return path + ".lock", err
}

// emptied reports whether the file was migrated once and has no byte any more, which SQLite takes for a new database.
// The lock is looked for first: who has made the file meanwhile writes to it before it migrates.
func (f file) emptied() bool {
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

// look refuses what is damaged or another program's, before a connection of ours changes the journal's mode, which is a
// part of the file. It reads the whole file once, about a second and a half for a GB: SQLite itself meets a damaged page when
// a statement needs it, perhaps after days of writes that a backup does not have.
func (f file) look(ctx context.Context) error {
	db, err := sql.Open("sqlite", f.name()+"?_pragma=busy_timeout(5000)")
	if err != nil {
		return err
	}
	defer db.Close()
	var tables, ours int
	const schema = "SELECT count(*), coalesce(sum(name = '" + goose.DefaultTablename + "'), 0) FROM sqlite_schema WHERE type = 'table'"
	if err := db.QueryRowContext(ctx, schema).Scan(&tables, &ours); err != nil {
		return err
	}
	if tables > 0 && ours == 0 {
		return errForeign
	}
	var found string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&found); err != nil {
		return err
	}
	if found != "ok" {
		return fmt.Errorf("%w (%s)", errDamaged, found)
	}
	return nil
}
