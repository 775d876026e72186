package server

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/authz"
	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/graphqlhttp"
	"github.com/gatehouse/gatehouse/internal/metrics"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/tracing"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// watch is who is told what happens, beside the log.
type watch struct {
	metrics *metrics.Metrics // nil: nothing is counted
	traces  *tracing.Traces  // nil: nothing is traced
}

// rooms lets the metrics ask the rooms for their numbers.
func (w watch) rooms(service *accounts.Service, db *database.Database, access *token.Issuer, guard *authz.Guard) {
	if w.metrics != nil {
		w.metrics.Watch(metrics.Rooms{Accounts: service.Stats, Pool: db.Stats, Tokens: access.Stats, Plans: guard.PlanStats})
	}
}

// drivers decorate the driver of the database.
func (w watch) drivers() []database.Decorator {
	if w.traces == nil {
		return nil
	}
	return []database.Decorator{w.traces.Driver}
}

// handler is the public one, traced where that is configured.
func (w watch) handler(h http.Handler, log *slog.Logger) http.Handler {
	h = graphqlhttp.Recover(log, w.panicked, h)
	if w.traces == nil {
		return h
	}
	return w.traces.Handler(h)
}

// panicked counts a panic that is not an operation's; the observer counts those.
func (w watch) panicked() {
	if w.metrics != nil {
		w.metrics.Panicked()
	}
}

// observer tells of each request to /graphql.
func (w watch) observer(log *slog.Logger) graphqlhttp.Observer {
	return func(ctx context.Context) (context.Context, func(graphqlhttp.RequestStats)) {
		start, traced := time.Now(), func(graphqlhttp.RequestStats) {}
		if w.traces != nil {
			ctx, traced = w.traces.Operation(ctx)
		}
		return ctx, func(o graphqlhttp.RequestStats) {
			took := time.Since(start)
			traced(o)
			if w.metrics != nil {
				w.metrics.Answered(o, took)
			}
			logDenied(ctx, log, o)
			logAnswered(ctx, log, o, took)
		}
	}
}

// logAnswered writes a line for each request, at level debug: at info it would cost each of them more than the look at
// its session does, and keep a record of what every user does. Metrics and traces answer what an access log is asked.
func logAnswered(ctx context.Context, log *slog.Logger, o graphqlhttp.RequestStats, took time.Duration) {
	if !log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	codes := make([]string, len(o.Errors))
	for i, e := range o.Errors {
		codes[i] = string(e.Code)
	}
	log.LogAttrs(ctx, slog.LevelDebug, "answered",
		slog.String("operation", short(o.Name)), slog.String("type", o.Type), slog.String("field", o.Field),
		slog.Int("status", o.Status), slog.Duration("took", took), userID("user", viewer.From(ctx).UserID),
		slog.String("errors", strings.Join(codes, " ")))
}

// logDenied writes a line about an operation of which something was denied. That a caller has no credential, or one
// that has expired, is what every client meets; that is at level debug, so that nobody can fill a disk by asking.
func logDenied(ctx context.Context, log *slog.Logger, o graphqlhttp.RequestStats) {
	level := slog.LevelDebug
	var denied []string
	for _, e := range o.Errors {
		if e.Coordinate == "" {
			continue
		}
		denied = append(denied, string(e.Code)+" "+e.Coordinate)
		if e.Reason != string(viewer.Missing) && e.Reason != string(viewer.Expired) {
			level = slog.LevelInfo
		}
	}
	if len(denied) == 0 || !log.Enabled(ctx, level) {
		return
	}
	v := viewer.From(ctx)
	log.LogAttrs(ctx, level, "denied", slog.String("operation", short(o.Name)), slog.String("denied", strings.Join(denied, ", ")),
		slog.String("reason", v.Reason()), userID("user", v.UserID), slog.String("ip", v.Origin.Address()))
}

// happened writes a line about each event: what, to whom, by whom and from where.
func (w watch) happened(log *slog.Logger) func(context.Context, accounts.Event) {
	return func(ctx context.Context, e accounts.Event) {
		if w.metrics != nil {
			w.metrics.Happened(e.Kind)
		}
		level := slog.LevelInfo
		if e.Kind == accounts.RefreshReused || e.Kind == accounts.KeysRevoked {
			level = slog.LevelWarn
		}
		by := viewer.From(ctx)
		attrs := []slog.Attr{slog.String("event", string(e.Kind)), userID("user", e.UserID), userID("session", e.SessionID),
			userID("by", by.UserID), slog.String("ip", by.Origin.Address()), slog.String("agent", by.Origin.Agent)}
		if e.Roles != nil {
			attrs = append(attrs, slog.String("roles", strings.Join(e.Roles, " ")))
		}
		log.LogAttrs(ctx, level, "security event", attrs...)
	}
}

// userID leaves an id out that is nobody's.
func userID(name string, id uuid.UUID) slog.Attr {
	if id == uuid.Nil {
		return slog.Attr{}
	}
	return slog.String(name, id.String())
}

// short bounds a client's text in a line.
func short(text string) string {
	const longest = 100
	if len(text) <= longest {
		return text
	}
	return strings.ToValidUTF8(text[:longest], "") + "…"
}
