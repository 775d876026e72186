package main

import (
	"github.com/gatehouse/gatehouse/internal/cli"
	"github.com/gatehouse/gatehouse/internal/httpserver"
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
	build        = server.New
	newServer    = httpserver.New
)
