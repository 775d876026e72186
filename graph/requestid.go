package graph

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/google/uuid"
)

type requestKey struct{}

// Identify gives each request its id before anything else sees it, so that every line that is logged about it has it.
func Identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, _ := identified(r.Context())
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// RequestID returns the id of the HTTP request that a context belongs to, or "". It is made here, never taken from
// the request: it ends up in the log.
func RequestID(ctx context.Context) string {
	if q, ok := ctx.Value(requestKey{}).(*exchange); ok {
		return q.id
	}
	return ""
}

// identified returns the exchange of a context, which gets one when it has none.
func identified(ctx context.Context) (context.Context, *exchange) {
	if q, ok := ctx.Value(requestKey{}).(*exchange); ok {
		return ctx, q
	}
	q := &exchange{id: uuid.NewString()}
	return context.WithValue(ctx, requestKey{}, q), q
}

// LogHandler adds to each line the id of the request that its context belongs to. Times are in UTC.
func LogHandler(h slog.Handler) slog.Handler { return lines{h} }

type lines struct{ slog.Handler }

func (h lines) Handle(ctx context.Context, r slog.Record) error {
	r.Time = r.Time.In(time.UTC)
	if id := RequestID(ctx); id != "" {
		r = r.Clone()
		r.AddAttrs(slog.String("requestId", id))
	}
	return h.Handler.Handle(ctx, r)
}

func (h lines) WithAttrs(attrs []slog.Attr) slog.Handler { return lines{h.Handler.WithAttrs(attrs)} }

func (h lines) WithGroup(name string) slog.Handler { return lines{h.Handler.WithGroup(name)} }
