// Package tracing sends what a request did, and for how long, to an OpenTelemetry collector: the HTTP request, the
// operation, its statements. It alone knows OpenTelemetry. A span holds names and statements with placeholders; it
// holds no document, no variable, no argument, no address, and no error's text, which may quote any of them.
package tracing

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/gatehouse/gatehouse/internal/config"
)

// Config is what Traces are made of.
type Config struct {
	config.Traces
	Version string         // of the program
	Proxies []netip.Prefix // peers whose traceparent is believed; default none
	Log     *slog.Logger   // required: is told when traces cannot be sent
}

// Traces makes spans and sends them in batches. It may be used concurrently.
type Traces struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
	parent   propagation.TraceContext
	proxies  []netip.Prefix
}

// New reads what the configuration names. It does not wait for the collector: one that is away costs spans, and nothing
// else.
func New(ctx context.Context, c Config) (*Traces, error) {
	to, err := newCollector(c)
	if err != nil {
		return nil, err
	}
	exporter, err := otlptrace.New(ctx, to)
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	about, err := resource.New(ctx,
		resource.WithAttributes(semconv.ServiceName("gatehouse"), semconv.ServiceVersion(c.Version)),
		resource.WithTelemetrySDK(),
		resource.WithFromEnv(), // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES
	)
	if err != nil {
		return nil, fmt.Errorf("traces: OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	p := sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(about))
	return &Traces{provider: p, tracer: p.Tracer("github.com/gatehouse/gatehouse"), proxies: c.Proxies}, nil
}

// Close sends what is left, for as long as the context lasts.
func (t *Traces) Close(ctx context.Context) error { return t.provider.Shutdown(ctx) }
