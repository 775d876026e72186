package tracing

import (
	"context"
	"log/slog"
	"sync/atomic"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// exporter logs a failure once until it is over. The SDK would log it for each batch.
type exporter struct {
	sdk.SpanExporter
	log     *slog.Logger
	failing atomic.Bool
}

// ExportSpans sends one batch.
func (e *exporter) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := e.SpanExporter.ExportSpans(ctx, spans)
	switch failed := e.failing.Swap(err != nil); {
	case err != nil && !failed:
		e.log.WarnContext(ctx, "traces cannot be sent; they are dropped until they can", "error", err)
	case err == nil && failed:
		e.log.InfoContext(ctx, "traces are sent again")
	}
	return nil
}

// logDiagnostics writes what OpenTelemetry reports about itself to the log. It has one logger for the whole process.
func logDiagnostics(log *slog.Logger) {
	otel.SetLogger(logr.FromSlogHandler(diagnostics{log.Handler()}))
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		log.Warn("OpenTelemetry reports an error", "error", err)
	}))
}

// diagnostics passes warnings and errors on without their details, which quote the values of variables: a header's may
// be a key.
type diagnostics struct{ slog.Handler }

// Enabled is slog.Handler's. OpenTelemetry's warnings are logr's verbosity 1, which is level -1.
func (d diagnostics) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= -1 && d.Handler.Enabled(ctx, slog.LevelWarn)
}

// Handle is slog.Handler's.
func (d diagnostics) Handle(ctx context.Context, r slog.Record) error {
	const message = "OpenTelemetry reports a problem; check the values of the OTEL_ variables"
	r2 := slog.NewRecord(r.Time, slog.LevelWarn, message, r.PC)
	r2.AddAttrs(slog.String("problem", r.Message))
	return d.Handler.Handle(ctx, r2)
}

// WithAttrs is slog.Handler's.
func (d diagnostics) WithAttrs([]slog.Attr) slog.Handler { return d }

// WithGroup is slog.Handler's.
func (d diagnostics) WithGroup(string) slog.Handler { return d }
