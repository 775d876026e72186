package graphqlhttp

import (
	"context"
	"runtime"
	"sync/atomic"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/gatehouse/gatehouse/internal/fairqueue"
	"github.com/gatehouse/gatehouse/internal/problem"
)

// maxQueue is how many requests may wait for a slot of one limiter.
const maxQueue = 128

// limiter bounds how many requests do something expensive at a time: on half of the processors, shared out by caller.
type limiter struct {
	*fairqueue.Limiter
	caller  func(context.Context) Caller
	message string // what a refused client reads

	signedIn, anonymous atomic.Int64 // requests that wait
}

func newLimiter(c Config, rest bool, message string) *limiter {
	slots := max(1, runtime.GOMAXPROCS(0)/2)
	queue := fairqueue.New(fairqueue.Config{Slots: slots, Queue: maxQueue, Rest: rest})
	return &limiter{Limiter: queue, caller: c.Caller, message: message}
}

// wait is fairqueue.Limiter's Acquire, and counts who waits.
func (l *limiter) wait(ctx context.Context) (release func(), err error) {
	caller, waiting := l.caller(ctx), &l.anonymous
	if caller.SignedIn {
		waiting = &l.signedIn
	}
	waiting.Add(1)
	defer waiting.Add(-1)
	return l.Acquire(ctx, caller.Names)
}

// QueueStats says how busy the places of one queue are.
type QueueStats struct {
	Slots   int            // how many requests may run simultaneously
	Running int            // how many do, resting slots included
	Waiting map[string]int // requests without a slot, by class: of callers who are signed in, and anonymous ones
	Refused uint64         // requests that were refused since the start, because too many waited
}

func (l *limiter) stats() QueueStats {
	s := l.Stats()
	waiting := map[string]int{"signed in": int(l.signedIn.Load()), "anonymous": int(l.anonymous.Load())}
	return QueueStats{s.Slots, s.Running, waiting, s.Refused}
}

// slot is what one request holds of a limiter. It is not safe for concurrent use.
type slot struct {
	limiter *limiter
	release func() // nil: not acquired
}

// acquire waits for a slot, or returns UNAVAILABLE. A slot that the request holds already is not acquired again.
func (s *slot) acquire(ctx context.Context) *gqlerror.Error {
	if s.release != nil {
		return nil
	}
	release, err := s.limiter.wait(ctx)
	if err != nil {
		refused := NewError(problem.Unavailable, s.limiter.message)
		refused.Extensions["retryAfter"] = 1 // second
		return refused
	}
	s.release = release
	return nil
}

// giveBack gives the slot back, if it is acquired. It can be acquired again.
func (s *slot) giveBack() {
	if s.release != nil {
		s.release()
		s.release = nil
	}
}
