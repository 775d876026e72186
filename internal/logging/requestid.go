package logging

import (
	"context"
	"log/slog"
	"time"

	"github.com/gatehouse/gatehouse/internal/requestid"
)

// WithRequestID returns a handler that adds to each line the id of the request that its context belongs to, and writes
// times in UTC.
func WithRequestID(h slog.Handler) slog.Handler { return requestIDHandler{h} }

type requestIDHandler struct{ slog.Handler }

func (h requestIDHandler) Handle(ctx context.Context, r slog.Record) error {
	r.Time = r.Time.In(time.UTC)
	if id := requestid.From(ctx); id != "" {
		r = r.Clone()
		r.AddAttrs(slog.String("requestId", id))
	}
	return h.Handler.Handle(ctx, r)
}

func (h requestIDHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return requestIDHandler{h.Handler.WithAttrs(attrs)}
}

func (h requestIDHandler) WithGroup(name string) slog.Handler {
	return requestIDHandler{h.Handler.WithGroup(name)}
}
