package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"

	atlas "ariga.io/atlas/sql/migrate"
	"ariga.io/atlas/sql/sqltool"
	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"entgo.io/ent/dialect/sql/schema"
	_ "github.com/lib/pq"
	_ "modernc.org/sqlite"

	"github.com/gatehouse/gatehouse/ent/migrate"
	"github.com/gatehouse/gatehouse/internal/pgtemp"
)

// engine is a database that migrations are planned for. scratch gives an empty one and the way to end it.
type engine struct {
	name    string // its folder of migrations
	dialect string
	scratch func() (*sql.DB, func() error, error)
}

var engines = []engine{
	{"sqlite", dialect.SQLite, scratchSQLite},
	{"postgres", dialect.Postgres, scratchPostgres},
}

func scratchSQLite() (*sql.DB, func() error, error) {
	db, err := sql.Open("sqlite", "file:plan?mode=memory&cache=shared&_pragma=foreign_keys(1)")
	if err != nil {
		return nil, nil, err
	}
	return db, db.Close, nil
}

func scratchPostgres() (*sql.DB, func() error, error) {
	c, err := pgtemp.New(pgtemp.MemoryFolder())
	if err != nil {
		return nil, nil, err
	}
	db, err := sql.Open("postgres", c.URL("postgres"))
	if err != nil {
		return nil, nil, errors.Join(err, c.Close())
	}
	return db, func() error { return errors.Join(db.Close(), c.Close()) }, nil
}

// plan returns the text of the migration that leads from the files in dir to the Ent schema, or nil when they agree.
func (e engine) plan(ctx context.Context, dir fs.FS) (text []byte, err error) {
	db, end, err := e.scratch()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, end()) }()
	history, err := read(dir)
	if err != nil {
		return nil, err
	}
	planned := &captureFormatter{}
	m, err := schema.NewMigrate(entsql.OpenDB(e.dialect, db),
		schema.WithDir(history), schema.WithFormatter(planned), schema.WithMigrationMode(schema.ModeReplay),
		schema.WithDropColumn(true), schema.WithDropIndex(true), schema.WithIndent("  "))
	if err != nil {
		return nil, err
	}
	if err := m.NamedDiff(ctx, "", migrate.Tables...); err != nil {
		return nil, fmt.Errorf("compare the migrations with the Ent schema: %w", err)
	}
	return planned.text, nil
}

// history is the folder in memory, as Atlas wants it: in goose's format, and with a sum file, which the repository does
// without because the drift test reads the migrations themselves.
type history struct{ atlas.MemDir }

func read(dir fs.FS) (*history, error) {
	names, err := fs.Glob(dir, "*.sql")
	if err != nil {
		return nil, err
	}
	h := &history{}
	for _, name := range names {
		text, err := fs.ReadFile(dir, name)
		if err != nil {
			return nil, fmt.Errorf("read the migrations: %w", err)
		}
		if err := h.WriteFile(name, text); err != nil {
			return nil, err
		}
	}
	sum, err := h.Checksum()
	if err != nil {
		return nil, err
	}
	return h, atlas.WriteSumFile(h, sum)
}

// Files returns the migrations as goose reads them.
func (h *history) Files() ([]atlas.File, error) {
	files, err := h.MemDir.Files()
	for i, f := range files {
		if local, ok := f.(*atlas.LocalFile); ok {
			files[i] = &sqltool.GooseFile{LocalFile: local}
		}
	}
	return files, err
}

// captureFormatter takes the plan as text instead of a file. There is no Down section: it would drop columns with what
// users put into them. The way back is a backup, or a new migration.
type captureFormatter struct{ text []byte }

// Format keeps the plan in goose's format.
func (c *captureFormatter) Format(plan *atlas.Plan) ([]atlas.File, error) {
	var b bytes.Buffer
	fmt.Fprintln(&b, "-- +goose Up")
	for _, c := range plan.Changes {
		if c.Comment != "" {
			fmt.Fprintf(&b, "-- %s\n", c.Comment)
		}
		fmt.Fprintf(&b, "%s;\n", c.Cmd)
	}
	c.text = b.Bytes()
	return nil, nil
}
