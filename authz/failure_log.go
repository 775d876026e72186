package authz

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"
)

// failureLog logs why rules could not be decided, at most one line a second: while a database is away, each request and
// each object of a list fails in the same way.
type failureLog struct {
	log     *slog.Logger
	mu      sync.Mutex
	next    time.Time
	skipped int
}

func (l *failureLog) error(ctx context.Context, message string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if now.Before(l.next) {
		l.skipped++
		return
	}
	l.log.ErrorContext(ctx, message, append(args, "skipped", l.skipped)...)
	l.next, l.skipped = now.Add(time.Second), 0
}

// internalError is the default of Config.ErrorPresenter.
func (g *Guard) internalError(ctx context.Context, err error) *gqlerror.Error {
	g.failures.error(ctx, "a rule cannot be decided, denied", "error", err)
	return &gqlerror.Error{Message: "internal error", Extensions: map[string]any{"code": "INTERNAL"}}
}
