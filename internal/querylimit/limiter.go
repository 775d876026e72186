package querylimit

import (
	"context"
	"runtime"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/gatehouse/gatehouse/internal/problem"
)

// LimiterConfig says what a limiter allows.
type LimiterConfig struct {
	Slots int  // requests at a time; default: half of the processors, at least one
	Queue int  // requests that may wait for a slot; default: 128
	Rest  bool // a slot that was used for some time then stays unused for the same time
	// Message is what a refused client reads. Required.
	Message string
}

// Limiter bounds how many requests do something expensive at a time. More requests wait in a bounded queue; those that
// find it full, or whose context ends while they wait, are refused with UNAVAILABLE.
type Limiter struct {
	slots, queue chan struct{}
	rest         bool
	message      string
}

// NewLimiter returns a limiter with all slots free.
func NewLimiter(c LimiterConfig) *Limiter {
	if c.Slots == 0 {
		c.Slots = max(1, runtime.GOMAXPROCS(0)/2)
	}
	if c.Queue == 0 {
		c.Queue = 128
	}
	return &Limiter{
		slots:   make(chan struct{}, c.Slots),
		queue:   make(chan struct{}, c.Queue),
		rest:    c.Rest,
		message: c.Message,
	}
}

// Slot is what one request holds of a limiter. It is not safe for concurrent use.
type Slot struct {
	limiter *Limiter
	since   time.Time // zero: not acquired
}

// Slot returns a slot that is yet to be acquired.
func (l *Limiter) Slot() *Slot { return &Slot{limiter: l} }

// Acquire waits for a slot, or returns why there is none. A slot that the request holds already is not acquired again.
func (s *Slot) Acquire(ctx context.Context) *gqlerror.Error {
	if !s.since.IsZero() {
		return nil
	}
	l := s.limiter
	select {
	case l.queue <- struct{}{}:
		defer func() { <-l.queue }()
	default:
		return l.refuse()
	}
	return s.wait(ctx)
}

// AcquireLate is Acquire for a request that has done its work and needs the slot for its answer alone: a full queue does
// not refuse it.
func (s *Slot) AcquireLate(ctx context.Context) *gqlerror.Error {
	if !s.since.IsZero() {
		return nil
	}
	return s.wait(ctx)
}

func (s *Slot) wait(ctx context.Context) *gqlerror.Error {
	select {
	case s.limiter.slots <- struct{}{}:
		s.since = time.Now()
		return nil
	case <-ctx.Done():
		return s.limiter.refuse()
	}
}

// Release gives the slot back, if it is acquired. It can be acquired again.
func (s *Slot) Release() {
	free, since := func() { <-s.limiter.slots }, s.since
	s.since = time.Time{}
	switch {
	case since.IsZero():
	case s.limiter.rest:
		time.AfterFunc(time.Since(since), free)
	default:
		free()
	}
}

func (l *Limiter) refuse() *gqlerror.Error {
	e := newError(problem.Unavailable, l.message)
	e.Extensions["retryAfter"] = 1 // second
	return e
}
