// Package cli has the program's commands: their flags, what they print, and the exit codes. The work is done by the
// packages that it calls.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/user"
	"time"

	"github.com/gatehouse/gatehouse/internal/config"
	"github.com/gatehouse/gatehouse/internal/logging"
	"github.com/gatehouse/gatehouse/internal/server"
)

// Process is what the program sees of its process. Tests give it another.
type Process struct {
	Args       []string // without the program's name
	Env        []string // NAME=value
	Stdin      io.Reader
	Stdout     io.Writer
	Stderr     io.Writer
	Standalone bool          // nothing else runs in this process: the program may tune Go's runtime
	Audit      bool          // compare each executed field with the authorization plan: tests do
	Timeout    time.Duration // of one operation; default 10 s; some tests cannot wait

	logStats func() logging.Stats // of Stderr
}

// The exit codes of the program.
const (
	ExitDone   = 0
	ExitFailed = 1 // the command failed
	ExitUsage  = 2 // the command was not written as it should be
)

// Run executes one command and returns the exit code. It returns when the command is done or, after ctx ends, when it
// has stopped.
func Run(ctx context.Context, p Process) int {
	errs := logging.NewAsyncWriter(p.Stderr)
	defer errs.Close()
	p.Stderr, p.logStats = errs, errs.Stats
	root := commands(p)
	root.SetArgs(append([]string{}, p.Args...)) // of nil cobra would read the arguments of this process
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return ExitDone
	}
	fmt.Fprintln(p.Stderr, "gatehouse:", err)
	if _, ok := errors.AsType[runtimeError](err); ok {
		return ExitFailed
	}
	fmt.Fprintln(p.Stderr, "Try `gatehouse help`.")
	return ExitUsage
}

func newLog(c *config.Config, p Process) *slog.Logger {
	return logging.New(logging.Config{Out: p.Stderr, Level: c.LogLevel, JSON: c.LogJSON, Caller: server.CallerOf})
}

// newOperatorLog is newLog for a command that may change something: its security events name who ran it.
func newOperatorLog(c *config.Config, p Process) *slog.Logger {
	return newLog(c, p).With("operator", operator())
}

// operator returns the user of the operating system who runs this process.
func operator() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return fmt.Sprint("uid ", os.Getuid())
}
