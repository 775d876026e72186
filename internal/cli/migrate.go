package cli

import (
	"context"
	"fmt"

	"github.com/gatehouse/gatehouse/internal/config"
	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/server"
)

// migrateDatabase brings the database to this version's schema.
func migrateDatabase(ctx context.Context, p Process) error {
	c, err := config.Load(p.Env)
	if err != nil {
		return err
	}
	db, err := server.OpenForCommand(ctx, c, newLog(c, p))
	if err != nil {
		return err
	}
	defer db.Close()
	return printStatus(ctx, p, db)
}

// migrationStatus prints the database's version without changing it.
func migrationStatus(ctx context.Context, p Process) error {
	c, err := config.Load(p.Env)
	if err != nil {
		return err
	}
	db, err := database.Open(ctx, database.Config{URL: c.DatabaseURL, Log: newLog(c, p), MustExist: true})
	if err != nil {
		return err
	}
	defer db.Close()
	return printStatus(ctx, p, db)
}

func printStatus(ctx context.Context, p Process, db *database.Database) error {
	status, err := db.Status(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.Stdout, status)
	return err
}
