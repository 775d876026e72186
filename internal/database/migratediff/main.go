// Command migratediff writes the next database migration from the Ent schema, for both engines:
//
//	go generate ./ent && go run ./internal/database/migratediff add_avatar
//
// It replays the migrations that are there on an in-memory SQLite and on a throw-away PostgreSQL server, compares the
// result with the Ent schema, and writes what is missing. It is for developers and CI: the server applies the files and
// never plans.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
)

const folder = "internal/database/migrations"

const advice = `Read the SQL before you commit it, and edit it where it is wrong. A renamed column is planned as a
dropped one and an added one, which loses its values. A new required column needs a value for the rows
that are there. A table that left the Ent schema is not dropped: write that by hand.`

var nameShape = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

func main() {
	if len(os.Args) != 2 || !nameShape.MatchString(os.Args[1]) {
		fmt.Fprintln(os.Stderr, "usage: make migration NAME=add_avatar   (lower case)")
		os.Exit(2)
	}
	if err := run(context.Background(), os.Stdout, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "migratediff:", err)
		os.Exit(1)
	}
}

// run plans for every engine before it writes for any: the files of one change carry the same number.
func run(ctx context.Context, out io.Writer, name string) error {
	if _, err := os.Stat(folder); err != nil {
		return fmt.Errorf("%s is not here: run migratediff from the repository's top folder", folder)
	}
	file, err := nextName(name)
	if err != nil {
		return err
	}
	planned := make([][]byte, len(engines))
	for i, e := range engines {
		if planned[i], err = e.plan(ctx, os.DirFS(filepath.Join(folder, e.name))); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
	}
	last := "no changes: the migrations and the Ent schema agree"
	for i, e := range engines {
		if planned[i] == nil {
			continue
		}
		path := filepath.Join(folder, e.name, file)
		if err := os.WriteFile(path, planned[i], 0o644); err != nil {
			return fmt.Errorf("write the migration: %w", err)
		}
		fmt.Fprintln(out, "wrote", path)
		last = advice
	}
	fmt.Fprintln(out, last)
	return nil
}

// nextName numbers the file one above the newest of both folders, so that one number means one change everywhere.
func nextName(name string) (string, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*", "*.sql"))
	if err != nil {
		return "", err
	}
	newest := 0
	for _, f := range files {
		var n int
		if _, err := fmt.Sscanf(filepath.Base(f), "%d_", &n); err != nil {
			return "", fmt.Errorf("%s: a migration is called NUMBER_NAME.sql", f)
		}
		newest = max(newest, n)
	}
	return fmt.Sprintf("%04d_%s.sql", newest+1, name), nil
}
