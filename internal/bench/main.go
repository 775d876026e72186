// Bench measures the built program against figures that a change must not lose. Every figure of speed is a ratio to
// something measured beside it, in rounds that alternate, so that a slow or busy machine slows both: a plain net/http
// server that answers JSON, a loop that only hashes, a database of a thousand users. It starts what it needs, on
// loopback, and leaves nothing behind.
//
// It knows the program only from outside: its command line, its environment and GraphQL. It refuses to judge with
// figures from elsewhere: what it prints was measured in that run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == plainCommand {
		fmt.Fprintln(os.Stderr, servePlain(os.Args[2]))
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// options are what the command line says.
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
	round                           time.Duration
	deadline                        time.Duration
}

var (
	full  = size{rounds: 7, starts: 7, requests: 100_000, users: 1_000_000, round: 1500 * time.Millisecond, deadline: 10 * time.Minute}
	quick = size{rounds: 2, starts: 2, requests: 2_000, users: 20_000, round: 200 * time.Millisecond, deadline: 2 * time.Minute}
)

// run measures and returns the exit code: 1 when something failed, or a figure is not what it must be at least. A
// quick run judges no figure.
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
	ctx, cancel := context.WithTimeout(ctx, o.size.deadline)
	defer cancel()
	t := &table{}
	err = measure(ctx, o, t, stderr)
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

func parse(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.binary, "binary", "", "the `program` to measure (default: built from this folder)")
	flags.StringVar(&o.against, "against", "", "another build of the `program`, measured in turn with the first")
	flags.BoolVar(&o.quick, "quick", false, "less of everything, in a minute: shows that it works, judges nothing")
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
