// Package tracing sends what a request did, and for how long, to an OpenTelemetry collector: the HTTP request, the
// operation, its statements. It alone knows OpenTelemetry. A span has names, and statements with placeholders. It has
// no document, variable, argument or address, and no error's text, because that may quote any of them.
package tracing

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// Config is what Traces are made of.
type Config struct {
	Endpoint string         // required: the URL to which spans are posted by OTLP/HTTP
	Version  string         // of the program
	Proxies  []netip.Prefix // trusted proxies, whose traceparent is used; default none
	Log      *slog.Logger   // required
}

// Traces makes spans and sends them in batches. It may be used concurrently.
type Traces struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
	parent   propagation.TraceContext
	proxies  []netip.Prefix
}

// New starts sending spans. Everything but the endpoint is read from OpenTelemetry's own variables in the environment
// of the process; values that it cannot use are logged and ignored. New does not wait for the collector: while that
// cannot be reached, spans are dropped.
func New(ctx context.Context, c Config) (*Traces, error) {
	logDiagnostics(c.Log)
	otlp, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(c.Endpoint))
	if err != nil {
		return nil, fmt.Errorf("starting OpenTelemetry's exporter: %w", err)
	}
	batches := sdk.WithBatcher(&exporter{SpanExporter: otlp, log: c.Log})
	p := sdk.NewTracerProvider(batches, sdk.WithResource(describe(ctx, c)))
	return &Traces{provider: p, tracer: p.Tracer("github.com/gatehouse/gatehouse"), proxies: c.Proxies}, nil
}

// describe returns the attributes of this program, which OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES override.
func describe(ctx context.Context, c Config) *resource.Resource {
	r, err := resource.New(ctx,
		resource.WithAttributes(semconv.ServiceName("gatehouse"), semconv.ServiceVersion(c.Version)),
		resource.WithTelemetrySDK(),
		resource.WithFromEnv(),
	)
	if err != nil { // and r is what could be used
		c.Log.WarnContext(ctx, "a part of OTEL_RESOURCE_ATTRIBUTES cannot be used; it is ignored", "error", err)
	}
	return r
}

// Close sends the last spans, until the context ends.
func (t *Traces) Close(ctx context.Context) error { return t.provider.Shutdown(ctx) }
