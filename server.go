// Gatehouse is a GraphQL accounts API whose schema is its access policy.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	w := world{Args: os.Args[1:], Env: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Alone: true}
	os.Exit(run(ctx, w))
}

// world is what the program sees of the outside; tests give it another.
type world struct {
	Args   []string
	Env    []string // NAME=value
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	Alone  bool // nothing else runs in this process: the program may tune Go's runtime
	Audit  bool // hold every field that executes against the guard's plan: tests do

	Timeout time.Duration // of one operation; default operationTime: some tests cannot wait
}

// The exit codes of the program.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// run carries out one command and returns the exit code.
func run(ctx context.Context, w world) int {
	errs := newSink(w.Stderr)
	defer errs.close()
	w.Stderr = errs
	root := commands(w)
	root.SetArgs(w.Args)
	root.SetOut(w.Stdout)
	root.SetErr(w.Stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	fmt.Fprintln(w.Stderr, "gatehouse:", err)
	if isFailure(err) {
		return exitFailed
	}
	fmt.Fprintln(w.Stderr, "Try `gatehouse help`.")
	return exitUsage
}
