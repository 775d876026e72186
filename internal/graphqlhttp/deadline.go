package graphqlhttp

import (
	"context"
	"sync"
	"time"
)

// deadline is context.WithTimeout for requests that mostly wait for nothing: the timer, and the parent's list of those
// to cancel, are made when somebody asks for Done for the first time, as all do who wait.
type deadline struct {
	context.Context
	at time.Time

	mu     sync.Mutex
	over   bool            // end was called before anything else ended it
	timed  context.Context // nil until somebody waits, or it has ended otherwise
	cancel context.CancelFunc
}

func withDeadline(parent context.Context, timeout time.Duration) *deadline {
	at := time.Now().Add(timeout)
	if earlier, ok := parent.Deadline(); ok && earlier.Before(at) {
		at = earlier
	}
	return &deadline{Context: parent, at: at}
}

// Deadline is when the time is over.
func (d *deadline) Deadline() (time.Time, bool) { return d.at, true }

// Done makes the timer, so that the channel is closed when the time is over.
func (d *deadline) Done() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.wait().Done()
}

// Err says the same as Done, by the clock alone as long as nobody waits.
func (d *deadline) Err() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.runs() {
		return nil
	}
	return d.wait().Err()
}

// Value also answers package context, which looks for the context whose Done this is, to have it cancel its children.
func (d *deadline) Value(key any) any {
	d.mu.Lock()
	timed := d.timed
	d.mu.Unlock()
	if timed != nil {
		return timed.Value(key)
	}
	return d.Context.Value(key)
}

// end cancels the context: its request is answered.
func (d *deadline) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.over = d.over || d.runs(); !d.over {
		d.wait()
		d.cancel()
	}
}

// runs reports that nobody waits, and nothing has ended it. It is called under the lock.
func (d *deadline) runs() bool {
	return d.timed == nil && !d.over && d.Context.Err() == nil && time.Now().Before(d.at)
}

// wait returns the context of package context behind this one. It is called under the lock.
func (d *deadline) wait() context.Context {
	switch {
	case d.timed != nil:
	case d.over: // whatever happened since
		d.timed, d.cancel = context.WithCancel(context.WithoutCancel(d.Context))
		d.cancel()
	default:
		d.timed, d.cancel = context.WithDeadline(d.Context, d.at)
	}
	return d.timed
}
