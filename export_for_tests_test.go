package main

import (
	"context"
	"log/slog"

	"github.com/gatehouse/gatehouse/internal/cli"
	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/logging"
	"github.com/gatehouse/gatehouse/internal/server"
)

// The names of before the move, until these tests have moved too.
type world = cli.Process

const (
	exitDone      = cli.ExitDone
	exitFailed    = cli.ExitFailed
	exitUsage     = cli.ExitUsage
	hashCommand   = "hash"
	operationTime = server.OperationTimeout
	tendEvery     = server.MaintenanceInterval
	sinkLines     = logging.MaxBacklog
	sinkWait      = logging.WriteTimeout
)

var (
	run          = cli.Run
	readSettings = server.ReadConfig
	openMigrated = server.OpenMigrated
)

func build(ctx context.Context, c *server.Config, db *database.Database, address string, log *slog.Logger) (*server.Server, error) {
	return server.New(ctx, c, db, server.Options{Address: address, Log: log})
}
