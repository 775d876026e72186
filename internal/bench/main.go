// Bench measures the built program against targets that a change must not miss. Every figure of speed is a ratio to
// something measured in the same run, in rounds that alternate, so that a slow or busy machine slows both: a plain
// net/http server that answers JSON, a gqlgen server that checks nothing and reads nothing, a loop that only hashes, a
// database of a thousand users. It starts what it needs, on loopback, and leaves nothing behind.
//
// It knows the program only from outside: its command line, its environment and GraphQL. So it measures older builds
// too, alone (-binary) or in turn with this one (-against).
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"syscall"
	"time"
)

func main() {
	becomeYardstick()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// options are those of the command line.
type options struct {
	binary  string         // the program; "" builds it
	against string         // another build of it to compare with; "" for none
	only    *regexp.Regexp // which groups of figures
	quick   bool
	size    size
}

// size is how much is measured.
type size struct {
	rounds, starts, requests, users int
	callers                         int // signed-in users, in turn
	sessions                        int // of as many users: more than any cache holds
	round                           time.Duration
	speedRounds                     int // many short ones: each is close to those that it is compared with
	speedRound                      time.Duration
	deadline                        time.Duration // of each build that is measured
}

var (
	full = size{rounds: 5, starts: 7, requests: 100_000, users: 1_000_000, callers: 64, sessions: 20_000,
		round: 1500 * time.Millisecond, speedRounds: 15, speedRound: 500 * time.Millisecond, deadline: 40 * time.Minute}
	quick = size{rounds: 2, starts: 2, requests: 2_000, users: 20_000, callers: 16, sessions: 500,
		round: 200 * time.Millisecond, speedRounds: 2, speedRound: 200 * time.Millisecond, deadline: 10 * time.Minute}
)

// run measures and returns the exit code: 1 when something failed or a figure misses its target. A quick run checks no
// target.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 2
	}
	began := time.Now()
	t := &table{}
	err = measureBuilds(ctx, o, t, stderr)
	t.print(stdout)
	fmt.Fprintf(stdout, "\n%s, %d processors, which load generator, servers and database share; %s in all.\n",
		runtime.Version(), runtime.NumCPU(), time.Since(began).Round(time.Second))
	switch {
	case err != nil:
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	case t.failed() && !o.quick:
		return 1
	}
	return 0
}

// measureBuilds builds the program if need be, which no deadline limits, and measures.
func measureBuilds(ctx context.Context, o *options, t *table, progress io.Writer) error {
	if o.binary == "" {
		fmt.Fprintln(progress, "building the program")
		folder, err := os.MkdirTemp("", "gatehouse-bench-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(folder)
		if o.binary, err = build(ctx, folder); err != nil {
			return err
		}
	}
	deadline := o.size.deadline
	if o.against != "" {
		deadline *= 2
	}
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	return measure(ctx, o, t, progress)
}

func parse(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Func("binary", "the `program` to measure (default: built from this folder)", setPath(&o.binary))
	flags.Func("against", "another build of the `program`, an older one for example, measured in turn with the first",
		setPath(&o.against))
	flags.BoolVar(&o.quick, "quick", false, "less of everything, in a minute: shows that it works, checks no target")
	only := flags.String("only", "", "`pattern` of the groups to measure: "+groupNames())
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("%q is not an option", flags.Arg(0))
	}
	var err error
	if o.only, err = regexp.Compile(*only); err != nil {
		return nil, fmt.Errorf("-only: %w", err)
	}
	o.size = full
	if o.quick {
		o.size = quick
	}
	return o, nil
}

// setPath makes the path of a program absolute: programs are started in a folder of their own.
func setPath(to *string) func(string) error {
	return func(path string) (err error) {
		*to, err = filepath.Abs(path)
		return err
	}
}
