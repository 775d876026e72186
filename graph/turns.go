package graph

import (
	"context"
	"runtime"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/gatehouse/gatehouse/internal/problem"
)

// turns bounds what requests cost before anything is known of them. Those that are dear to read, because their body is
// longer than any document that the cache keeps or because their document is not in it, are read on half of the
// processors, for half of the time: as long as one took, nobody takes its turn after it. The rest is left to requests of
// known documents and to what runs, however many clients send new ones. What it costs: with two processors, some
// thousand new documents a second are read, and no more.
type turns struct {
	free chan struct{}
	line chan struct{} // who waits, with a body each
}

// longestLine bounds who waits for a turn. At 2 ms a turn, the worst that was found, the last one waits half a second.
const longestLine = 128

func newTurns() *turns {
	return &turns{free: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)), line: make(chan struct{}, longestLine)}
}

const newDocuments = "too many long or new documents are being read; try again"

type turnKey struct{}

// turn is that of one request.
type turn struct {
	*turns
	taken time.Time // zero: not yet
}

// begin returns a context that a request is read in, and what must be called when it has been.
func (t *turns) begin(ctx context.Context) (_ context.Context, end func()) {
	mine := &turn{turns: t}
	return context.WithValue(ctx, turnKey{}, mine), func() {
		if !mine.taken.IsZero() {
			time.AfterFunc(time.Since(mine.taken), func() { <-t.free })
		}
	}
}

// takeTurn waits until a request may be read that is dear to read. It returns why it may not.
func takeTurn(ctx context.Context) *gqlerror.Error {
	mine, ok := ctx.Value(turnKey{}).(*turn)
	if !ok || !mine.taken.IsZero() {
		return nil
	}
	select {
	case mine.line <- struct{}{}:
		defer func() { <-mine.line }()
	default:
		return busy(newDocuments)
	}
	select {
	case mine.free <- struct{}{}:
		mine.taken = time.Now()
		return nil
	case <-ctx.Done():
		return busy(newDocuments)
	}
}

func busy(why string) *gqlerror.Error {
	e := refuse(problem.Unavailable, why)
	e.Extensions["retryAfter"] = seconds(retrySoon)
	return e
}
