// Package outbox works the jobs that transactions leave in the table jobs: none is lost, none is worked twice at the same
// time, and each is worked at least once. It knows leases and retries. What a job means, its handler knows.
package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
)

const (
	// pollInterval is how often the table is read without a hint: for retries, and for what others left.
	pollInterval = time.Second
	// wakeDelay is how long after a hint the table is read. The request that added the job has been answered then: what the
	// job costs, which can depend on who has an account, is not in the time of its answer.
	wakeDelay = 20 * time.Millisecond
	// statementTimeout bounds each statement.
	statementTimeout = 5 * time.Second
	// warnInterval is how often a database that does not answer is logged.
	warnInterval = time.Minute
)

// Config configures an Outbox.
type Config struct {
	Client   *ent.Client        // required
	Instance string             // required: names this instance to operators, in the rows that it leased
	Handlers map[string]Handler // by kind; jobs of another kind are left to instances that have its handler
	Workers  int                // default 4: how many jobs are worked simultaneously
	Timeout  time.Duration      // default a minute: of one attempt
	Grace    time.Duration      // default 2 s: for how long running jobs go on after a stop
	Abandon  time.Duration      // default 2 s: for how long Run then waits until they return
	Clock    func() time.Time   // default time.Now
	Log      *slog.Logger       // default slog.Default()
}

// Handler does what a job asks for. It must return soon after its context ended: a minute later another instance may
// begin the job again. It may be called again for a job that it has done. An error means a retry later, unless it is
// Permanent.
type Handler func(ctx context.Context, j Job) error

// Job is what a transaction asked for.
type Job struct {
	ID        uuid.UUID
	Kind      string
	Args      string // JSON
	Attempt   int    // 1: the first one
	CreatedAt time.Time
}

// Outbox works jobs. It may be used concurrently.
type Outbox struct {
	config Config
	kinds  []any // that have a handler
	wake   chan struct{}
}

// New checks the configuration.
func New(c Config) (*Outbox, error) {
	if c.Client == nil || c.Instance == "" {
		return nil, errors.New("outbox: Client and Instance are required")
	}
	if c.Workers <= 0 {
		c.Workers = 4
	}
	if c.Timeout <= 0 {
		c.Timeout = time.Minute
	}
	if c.Grace <= 0 {
		c.Grace = 2 * time.Second
	}
	if c.Abandon <= 0 {
		c.Abandon = 2 * time.Second
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	o := &Outbox{config: c, wake: make(chan struct{}, 1)}
	for kind := range c.Handlers {
		o.kinds = append(o.kinds, kind)
	}
	return o, nil
}

// now reads the clock with the precision of the databases: UTC, microseconds.
func (o *Outbox) now() time.Time { return o.config.Clock().UTC().Truncate(time.Microsecond) }

// Wake makes Run look for jobs soon: call it after a commit that added some.
func (o *Outbox) Wake() {
	select {
	case o.wake <- struct{}{}:
	default: // it is about to look
	}
}

// Run works jobs until the context ends. Those that run then have a few seconds to end; what does not is given back, and
// that attempt does not count.
func (o *Outbox) Run(ctx context.Context) {
	if len(o.kinds) == 0 {
		return
	}
	l := loop{Outbox: o, results: make(chan result, o.config.Workers), mayBeMore: true}
	working, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	var soon <-chan time.Time
	for ctx.Err() == nil {
		l.writeEnds(ctx)
		l.begin(ctx, working)
		select {
		case <-ctx.Done():
		case r := <-l.results:
			l.returned(r)
		case <-o.wake:
			if soon == nil {
				soon = time.After(wakeDelay)
			}
		case <-soon:
			soon, l.mayBeMore = nil, true
		case <-tick.C:
			l.mayBeMore = true
		}
	}
	time.AfterFunc(o.config.Grace, cancel)
	l.finish(context.WithoutCancel(ctx))
}

// loop is a run. It alone uses the database, with one statement at a time, however many jobs run.
type loop struct {
	*Outbox
	results   chan result // of handlers that have returned
	running   int
	again     int      // of those running, that were begun before
	unwritten []result // whose ends the database does not know yet
	mayBeMore bool     // jobs that are due
	warned    time.Time
}

// result is how an attempt ended.
type result struct {
	leased
	err     error
	stopped bool // it did not come to an end of its own
}

// begin leases as many jobs as there are free workers, and starts them. Jobs that are begun again have half of the workers
// at most: those that hang each time, as mail to a server that does not answer, leave the others to new ones. A stop meanwhile does not interrupt the claim,
// which may be done although its answer is lost.
func (l *loop) begin(ctx, working context.Context) {
	free := l.config.Workers - l.running - len(l.unwritten)
	if !l.mayBeMore || free <= 0 {
		return
	}
	ctx = context.WithoutCancel(ctx)
	again := min(free, (l.config.Workers+1)/2-l.again)
	jobs, err := l.claim(ctx, share{n: again, again: true})
	l.again += len(jobs)
	l.mayBeMore = len(jobs) == max(0, again)
	if err == nil {
		var fresh []leased
		fresh, err = l.claim(ctx, share{n: free - len(jobs)})
		jobs = append(jobs, fresh...)
		l.mayBeMore = l.mayBeMore || len(jobs) == free
	}
	if err != nil {
		l.warn(ctx, "jobs cannot be leased; they wait", err)
	}
	for _, j := range jobs {
		l.running++
		go func() { l.results <- l.attempt(working, j) }()
	}
}

func (l *loop) returned(r result) {
	l.running--
	if r.Attempt > 1 {
		l.again--
	}
	l.unwritten = append(l.unwritten, r)
}

// writeEnds writes how attempts ended. What cannot be written is tried again until the lease is over: otherwise a job
// that was done would be done again.
func (l *loop) writeEnds(ctx context.Context) {
	l.unwritten = slices.DeleteFunc(l.unwritten, func(r result) bool {
		err := l.end(ctx, r)
		if err != nil {
			l.warn(ctx, "how a job ended cannot be written; it is retried", err)
		}
		return err == nil || !l.now().Before(r.until)
	})
}

// finish waits for running jobs. One that does not return stays leased: it may still be at work.
func (l *loop) finish(ctx context.Context) {
	late := time.After(l.config.Grace + l.config.Abandon)
	for l.running > 0 {
		select {
		case r := <-l.results:
			l.returned(r)
		case <-late:
			l.running = 0
		}
	}
	l.writeEnds(ctx)
}

func (l *loop) warn(ctx context.Context, message string, err error) {
	if ctx.Err() == nil && time.Since(l.warned) >= warnInterval {
		l.warned = time.Now()
		l.config.Log.WarnContext(ctx, message, "error", err)
	}
}

// attempt works a job. A process that ends during its attempts writes no end: such a job is given up without another one.
func (o *Outbox) attempt(working context.Context, j leased) result {
	if j.Attempt > maxAttempts {
		return result{leased: j, err: Permanent(errors.New("no attempt came to an end: its process ended, or it took too long"))}
	}
	ctx, cancel := context.WithDeadline(working, j.began.Add(o.config.Timeout))
	defer cancel()
	err := o.handle(ctx, j.Job)
	return result{leased: j, err: err, stopped: err != nil && working.Err() != nil && !isPermanent(err)}
}

func (o *Outbox) handle(ctx context.Context, j Job) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v", cause)
			o.config.Log.ErrorContext(ctx, "panic in a job; it is retried",
				"job", j.ID, "kind", j.Kind, "cause", cause, "stack", string(debug.Stack()))
		}
	}()
	return o.config.Handlers[j.Kind](ctx, j)
}
