package server

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/graphqlhttp"
	"github.com/gatehouse/gatehouse/internal/httpserver"
	"github.com/gatehouse/gatehouse/internal/logging"
	"github.com/gatehouse/gatehouse/internal/metrics"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/tracing"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// observer reports what happens to metrics and traces, beside the log.
type observer struct {
	metrics *metrics.Metrics // nil: nothing is counted
	traces  *tracing.Traces  // nil: nothing is traced
}

type eventFunc = func(context.Context, accounts.Event)

// register lets the metrics read the server's numbers.
func (b observer) register(s *Server) {
	if b.metrics != nil {
		b.metrics.Register(metrics.Sources{
			Accounts: s.accounts.Stats, Pool: s.db.Stats, Statements: s.db.Turns, Tokens: s.tokens.Stats,
			Plans: s.guard.PlanStats, State: s.state, Log: s.options.LogStats, GraphQL: s.graphql.Stats, Clients: s.clients,
			Jobs: s.jobStats,
		})
		for _, j := range append(s.jobs(), s.readKeys(), s.writeUses(), s.writeRefusals()) {
			b.metrics.Task(j.name)
		}
	}
}

// clients says how busy the public listener is, which is not there before the server serves.
func (s *Server) clients() httpserver.Stats {
	if s.public == nil {
		return httpserver.Stats{}
	}
	return s.public.Stats()
}

// state is what the metrics say of the server at this moment. It takes two seconds at most, as /readyz does.
func (s *Server) state() metrics.State {
	now := time.Now()
	state := metrics.State{Ready: s.ready(context.Background()) == nil}
	state.SchemaVersion = s.db.Version()
	current := s.keys.Keys.Signing(now)
	for _, k := range s.keys.Keys.Schedule() {
		if k.Key == current && !k.SignsAt.IsZero() {
			state.SigningKeyAge = now.Sub(k.SignsAt)
		}
	}
	return state
}

// drivers decorate the driver of the database.
func (b observer) drivers() []database.Decorator {
	if b.traces == nil {
		return nil
	}
	return []database.Decorator{b.traces.Driver}
}

// trace is middleware that traces requests where that is configured.
func (b observer) trace(h http.Handler) http.Handler {
	if b.traces == nil {
		return h
	}
	return b.traces.Handler(h)
}

// onPanic counts a panic outside of operations; observe counts those within.
func (b observer) onPanic() {
	if b.metrics != nil {
		b.metrics.Panicked()
	}
}

// onSwept counts what background tasks delete.
func (b observer) onSwept(log *slog.Logger) func(table string, rows int) {
	return func(table string, rows int) {
		if b.metrics != nil {
			b.metrics.Swept(table, rows)
		}
		log.Debug("deleted rows that had expired", "table", table, "rows", rows)
	}
}

func (b observer) taskRan(name string, err error) {
	if b.metrics != nil {
		b.metrics.TaskRan(name, err)
	}
}

// observe reports each request to /graphql.
func (b observer) observe(log *slog.Logger, onDenied func(ctx context.Context, fields string)) graphqlhttp.Observer {
	return func(ctx context.Context) (context.Context, func(graphqlhttp.RequestStats)) {
		start, endSpan, caller := time.Now(), func(tracing.Operation) {}, viewer.From(ctx)
		if b.traces != nil {
			ctx, endSpan = b.traces.StartOperation(ctx)
		}
		return ctx, func(o graphqlhttp.RequestStats) {
			duration := time.Since(start)
			endSpan(tracing.Operation{Name: o.Name, Type: o.Type, Field: o.Field, Codes: errorCodes(o)})
			if b.metrics != nil {
				b.metrics.Answered(o, duration)
			}
			logDenied(ctx, log, caller, o)
			if fields := forbidden(o); fields != "" {
				onDenied(ctx, fields)
			}
			if log.Enabled(ctx, slog.LevelDebug) {
				logAnswered(ctx, log, answered{o, caller, duration})
			}
		}
	}
}

// answered is a request and whose it was.
type answered struct {
	graphqlhttp.RequestStats
	caller   *viewer.Viewer
	duration time.Duration
}

// logAnswered writes a line for each request, at level debug. At info it would cost each request more than looking its
// session up, and record what every user does. Metrics and traces answer the questions that an access log is for.
func logAnswered(ctx context.Context, log *slog.Logger, a answered) {
	log.LogAttrs(ctx, slog.LevelDebug, "answered",
		slog.String("operation", truncate(a.Name)), slog.String("type", a.Type), slog.String("field", a.Field),
		slog.Int("status", a.Status), slog.Duration("took", a.duration), idAttr("user", a.caller.UserID),
		slog.Any("errors", errorCodes(a.RequestStats)))
}

func errorCodes(o graphqlhttp.RequestStats) (codes []problem.Code) {
	for _, e := range o.Errors {
		codes = append(codes, e.Code)
	}
	return codes
}

// logDenied writes a line about an operation of which something was denied. Requests without a credential, or with an
// expired one, are usual for every client; their lines are at level debug, so that anonymous clients cannot fill a
// disk.
func logDenied(ctx context.Context, log *slog.Logger, caller *viewer.Viewer, o graphqlhttp.RequestStats) {
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
	log.LogAttrs(ctx, level, "denied",
		slog.String("operation", truncate(o.Name)), slog.String("denied", strings.Join(denied, ", ")),
		slog.String("reason", caller.Reason()), idAttr("user", caller.UserID),
		slog.String("ip", caller.Origin.Address()))
}

// forbidden names the fields that an operation was denied because of who the caller is; "" when there are none. A client
// that has to sign in, or to prove the password again, does so.
func forbidden(o graphqlhttp.RequestStats) string {
	var fields []string
	for _, e := range o.Errors {
		if e.Coordinate != "" && (e.Code == problem.Forbidden || e.Code == problem.InsufficientScope) {
			fields = append(fields, e.Coordinate)
		}
	}
	return truncate(strings.Join(fields, " "))
}

// onEvent writes a line about each security event: what happened, to whom, by whom, and from which network address.
func (b observer) onEvent(log *slog.Logger) eventFunc {
	return func(ctx context.Context, e accounts.Event) {
		if b.metrics != nil {
			b.metrics.Event(e)
		}
		if e.Kind == accounts.OperationDenied { // which has a line of its own
			return
		}
		level := slog.LevelInfo
		if e.Kind == accounts.RefreshReused || e.Kind == accounts.KeysRevoked {
			level = slog.LevelWarn
		}
		by := viewer.From(ctx)
		attrs := []slog.Attr{
			slog.String("event", string(e.Kind)), idAttr("user", e.UserID), idAttr("session", e.SessionID),
			idAttr("by", by.UserID), slog.String("ip", by.Origin.Address()), slog.String("agent", by.Origin.Agent),
		}
		if e.Roles != nil {
			attrs = append(attrs, slog.String("roles", strings.Join(e.Roles, " ")))
		}
		if e.Limit != "" {
			attrs = append(attrs, slog.String("limit", e.Limit))
		}
		if e.Kind == accounts.AttemptThrottled { // as many as anybody likes to send: within the budget of other lines
			log.LogAttrs(ctx, level, "throttled", attrs...)
			return
		}
		log.LogAttrs(ctx, level, logging.SecurityEvent, attrs...)
	}
}

// CallerOf names who sent the request of a context, for the log's budgets: the widest network of which one client may
// have every address, or else the user.
func CallerOf(ctx context.Context) string { return viewer.From(ctx).Caller()[0] }

// idAttr returns no attribute for the zero id.
func idAttr(name string, id uuid.UUID) slog.Attr {
	if id == uuid.Nil {
		return slog.Attr{}
	}
	return slog.String(name, id.String())
}

// truncate bounds a client's text in a line.
func truncate(text string) string {
	const maxBytes = 100
	if len(text) <= maxBytes {
		return text
	}
	return strings.ToValidUTF8(text[:maxBytes], "") + "…"
}
