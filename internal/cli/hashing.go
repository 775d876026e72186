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

// hashCommand is the argument with which the server starts this program as a process that hashes passwords.
const hashCommand = "hash"

// procSelf is the running program on Linux, even when another has been installed in its place.
const procSelf = "/proc/self/exe"

// hashWorker returns the command of a process that hashes passwords. It gets nothing of the environment, which has
// secrets, but how many processors it may use.
func hashWorker(processors int, stderr io.Writer) *exec.Cmd {
	program, err := os.Executable()
	if _, absent := os.Stat(procSelf); absent == nil {
		program, err = procSelf, nil
	}
	return &exec.Cmd{
		Path:   program,
		Args:   []string{os.Args[0], hashCommand},
		Env:    []string{fmt.Sprint("GOMAXPROCS=", processors)},
		Stderr: stderr,
		Err:    err,
	}
}

// hash serves hashes to the server until that ends. It ignores the signals to stop, which a terminal sends to all: the
// server still finishes running requests, which may need a hash.
func hash(p Process) error {
	signal.Ignore(os.Interrupt, syscall.SIGTERM)
	out, ok := p.Stdout.(*os.File)
	if !ok {
		return fmt.Errorf("%s is started by gatehouse serve only", hashCommand)
	}
	return hashworker.Serve(os.Stdin, out)
}
