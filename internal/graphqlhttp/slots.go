package graphqlhttp

import (
	"context"
	"runtime"

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
}

func newLimiter(c Config, rest bool, message string) *limiter {
	slots := max(1, runtime.GOMAXPROCS(0)/2)
	return &limiter{fairqueue.New(fairqueue.Config{Slots: slots, Queue: maxQueue, Rest: rest}), c.Caller, message}
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
	release, err := s.limiter.Acquire(ctx, s.limiter.caller(ctx).Names)
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
