package cli

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/gatehouse/gatehouse/internal/password/hashworker"
)

// hashCommand is what the server starts this program with, for the process that hashes passwords.
const hashCommand = "hash"

// thisProgram is the program that runs, on Linux even when another has been installed in its place.
const thisProgram = "/proc/self/exe"

// hashWorker is the command of the process that hashes passwords. It is told nothing of the environment, where
// secrets are, but how many processors it may take.
func hashWorker(maxConcurrent int, stderr io.Writer) *exec.Cmd {
	program, err := os.Executable()
	if _, absent := os.Stat(thisProgram); absent == nil {
		program, err = thisProgram, nil
	}
	return &exec.Cmd{
		Path:   program,
		Args:   []string{os.Args[0], hashCommand},
		Env:    []string{fmt.Sprint("GOMAXPROCS=", maxConcurrent)},
		Stderr: stderr,
		Err:    err,
	}
}

// hash hashes what the server asks for until it ends. Signals are the server's business: one to both is to let running
// requests finish, which may need a hash.
func hash(p Process) error {
	signal.Ignore(os.Interrupt, syscall.SIGTERM)
	out, ok := p.Stdout.(*os.File)
	if !ok {
		return fmt.Errorf("%s is started by gatehouse serve, and by nobody else", hashCommand)
	}
	return hashworker.Serve(hashworker.Input(), out)
}
