package main

import (
	"context"
	"fmt"

	"github.com/gatehouse/gatehouse/internal/config"
	"github.com/gatehouse/gatehouse/internal/database"
)

// migrateDatabase brings the database to this version's schema.
func migrateDatabase(ctx context.Context, w world) error {
	c, err := config.Load(w.Env)
	if err != nil {
		return err
	}
	db, err := openMigrated(ctx, c, newLog(c, w))
	if err != nil {
		return err
	}
	defer db.Close()
	return tellStatus(ctx, w, db)
}

// migrationStatus tells the database's version without changing it.
func migrationStatus(ctx context.Context, w world) error {
	c, err := config.Load(w.Env)
	if err != nil {
		return err
	}
	db, err := database.Open(ctx, database.Config{URL: c.DatabaseURL, Log: newLog(c, w), MustExist: true})
	if err != nil {
		return err
	}
	defer db.Close()
	return tellStatus(ctx, w, db)
}

func tellStatus(ctx context.Context, w world, db *database.Database) error {
	status, err := db.Status(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(w.Stdout, status)
	return err
}
