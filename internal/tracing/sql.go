package tracing

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"entgo.io/ent/dialect"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// Driver decorates a driver: each statement that Ent sends for a traced request becomes a span. It stands above
// database/sql, so a span shows what Ent wrote, with a placeholder for each value. The span of a query ends when its
// first rows arrive.
func (t *Traces) Driver(d dialect.Driver) dialect.Driver {
	system := semconv.DBSystemNamePostgreSQL
	if d.Dialect() == dialect.SQLite {
		system = semconv.DBSystemNameSQLite
	}
	start := func(ctx context.Context, statement string) (context.Context, trace.Span) {
		if !trace.SpanFromContext(ctx).IsRecording() {
			return ctx, nil
		}
		verb, _, _ := strings.Cut(statement, " ")
		return t.tracer.Start(ctx, verb, trace.WithSpanKind(trace.SpanKindClient),
			trace.WithAttributes(system, semconv.DBQueryText(statement)))
	}
	return driver{spans{d, start}, d}
}

// spans runs statements in spans.
type spans struct {
	dialect.ExecQuerier
	start func(ctx context.Context, statement string) (context.Context, trace.Span)
}

func (s spans) trace(ctx context.Context, statement string, run func(context.Context) error) error {
	ctx, span := s.start(ctx, statement)
	if span == nil {
		return run(ctx)
	}
	defer span.End()
	err := run(ctx)
	if err != nil {
		span.SetStatus(codes.Error, "") // its text may quote values
	}
	return err
}

// Exec is dialect.ExecQuerier's.
func (s spans) Exec(ctx context.Context, query string, args, v any) error {
	return s.trace(ctx, query, func(ctx context.Context) error { return s.ExecQuerier.Exec(ctx, query, args, v) })
}

// Query is dialect.ExecQuerier's.
func (s spans) Query(ctx context.Context, query string, args, v any) error {
	return s.trace(ctx, query, func(ctx context.Context) error { return s.ExecQuerier.Query(ctx, query, args, v) })
}

// execer runs statements that Ent does not write.
type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// ExecContext is execer's.
func (s spans) ExecContext(ctx context.Context, query string, args ...any) (result sql.Result, err error) {
	inner, ok := s.ExecQuerier.(execer)
	if !ok {
		return nil, fmt.Errorf("a %T runs no statements but Ent's", s.ExecQuerier)
	}
	err = s.trace(ctx, query, func(ctx context.Context) error {
		result, err = inner.ExecContext(ctx, query, args...)
		return err
	})
	return result, err
}

type driver struct {
	spans
	inner dialect.Driver
}

// Dialect is dialect.Driver's.
func (d driver) Dialect() string { return d.inner.Dialect() }

// Close is dialect.Driver's.
func (d driver) Close() error { return d.inner.Close() }

// Tx begins a transaction whose statements, and end, are spans too.
func (d driver) Tx(ctx context.Context) (dialect.Tx, error) {
	var inner dialect.Tx
	err := d.trace(ctx, "BEGIN", func(context.Context) (err error) {
		inner, err = d.inner.Tx(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	return tx{spans{inner, d.start}, inner, ctx}, nil
}

type tx struct {
	spans
	inner dialect.Tx
	ctx   context.Context // of Tx, as database/sql keeps it
}

func (t tx) Commit() error {
	return t.trace(t.ctx, "COMMIT", func(context.Context) error { return t.inner.Commit() })
}

func (t tx) Rollback() error {
	return t.trace(t.ctx, "ROLLBACK", func(context.Context) error { return t.inner.Rollback() })
}
