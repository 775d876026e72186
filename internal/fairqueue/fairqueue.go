// Package fairqueue shares out what is scarce: slots, of which a few are used at a time, and a bounded queue in which
// callers take turns. A caller with a thousand requests gets no more turns than one with a single request, and is the
// first to be refused. It knows no users, networks or errors of clients.
package fairqueue

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"
)

// ErrBusy says that there was no slot in time, or that the queue was full and no other caller had more requests in it.
var ErrBusy = errors.New("fairqueue: too many requests wait")

// Config says what a limiter allows.
type Config struct {
	Slots     int           // requests at a time; required
	PerCaller int           // of one caller; default: as many as there are slots
	Queue     int           // requests that may wait for a slot; required
	Timeout   time.Duration // how long a request waits; default: until its context ends
	Rest      bool          // a slot that was used for some time then stays unused for the same time
}

// Limiter bounds how many requests do something at a time. It may be used concurrently.
type Limiter struct {
	config Config

	mu      sync.Mutex
	taken   int            // slots that are used or rest
	running map[string]int // of them, by caller; used with Config.PerCaller
	waiting group          // nobody waits while a slot is free for them
	refused uint64
}

// New returns a limiter with all slots free.
func New(c Config) *Limiter { return &Limiter{config: c, running: map[string]int{}} }

// waiter is a request that waits. It is sent nil with a slot, and ErrBusy when it has lost its place.
type waiter struct {
	caller string // all names of its path
	result chan error
}

// Acquire waits for a slot. The caller is named from the widest group that it belongs to down to itself, as networks
// are: the groups take turns, and within a group its members do. Release must be called, once. Errors are ErrBusy and
// the context's.
func (l *Limiter) Acquire(ctx context.Context, caller []string) (release func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := l.wait(ctx, caller); err != nil {
		return nil, err
	}
	since := time.Now()
	return func() { l.release(since, caller) }, nil
}

func (l *Limiter) wait(ctx context.Context, caller []string) error {
	w := l.enter(caller)
	select {
	case err := <-w.result:
		return err
	default:
	}
	var timeout <-chan time.Time
	if l.config.Timeout > 0 {
		timeout = time.After(l.config.Timeout)
	}
	reason := ErrBusy
	select {
	case err := <-w.result:
		return err
	case <-timeout:
	case <-ctx.Done():
		reason = ctx.Err()
	}
	if l.leave(caller, w, reason) {
		return reason
	}
	return <-w.result // at the same moment
}

// enter gives a request a slot or a place in the queue. When that is full, the newest request of the caller with the
// most loses its place, which may be this one.
func (l *Limiter) enter(caller []string) *waiter {
	w := &waiter{l.key(caller), make(chan error, 1)}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.taken < l.config.Slots && l.mayRun(w) {
		l.start(w)
		return w
	}
	l.waiting.push(caller, w)
	if l.waiting.size > l.config.Queue {
		l.refused++
		l.waiting.dropNewest().result <- ErrBusy
	}
	return w
}

// key names a caller for Config.PerCaller.
func (l *Limiter) key(caller []string) string {
	if l.config.PerCaller == 0 {
		return ""
	}
	return strings.Join(caller, " ")
}

// mayRun reports whether a request may have a free slot.
func (l *Limiter) mayRun(w *waiter) bool {
	return l.config.PerCaller == 0 || l.running[w.caller] < l.config.PerCaller
}

func (l *Limiter) start(w *waiter) {
	l.taken++
	if l.config.PerCaller > 0 {
		l.running[w.caller]++
	}
	w.result <- nil
}

// leave reports whether a request was still waiting.
func (l *Limiter) leave(caller []string, w *waiter, reason error) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.waiting.remove(caller, w) {
		return false
	}
	if reason == ErrBusy {
		l.refused++
	}
	return true
}

func (l *Limiter) release(since time.Time, caller []string) {
	if l.config.Rest {
		time.AfterFunc(time.Since(since), func() { l.pass(caller) })
		return
	}
	l.pass(caller)
}

// pass passes a caller's slot on to the next request that may have it.
func (l *Limiter) pass(caller []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.taken--
	if key := l.key(caller); l.running[key] > 1 {
		l.running[key]--
	} else {
		delete(l.running, key)
	}
	if w := l.waiting.pop(l.mayRun); w != nil {
		l.start(w)
	}
}

// Stats says how busy a limiter is.
type Stats struct {
	Slots   int    // how many requests may run simultaneously
	Running int    // how many do, resting slots included
	Waiting int    // requests without a slot
	Refused uint64 // requests that got ErrBusy since the start
}

// WaitingIn returns how many requests wait of one of the widest groups that callers name.
func (l *Limiter) WaitingIn(group string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := l.waiting.index(group); i >= 0 {
		return l.waiting.members[i].size
	}
	return 0
}

// Stats returns the numbers of this moment.
func (l *Limiter) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Stats{Slots: l.config.Slots, Running: l.taken, Waiting: l.waiting.size, Refused: l.refused}
}
