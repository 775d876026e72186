package tracing

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// Handler makes a span of each request that next answers, named after the pattern that a ServeMux matched. Health
// probes are left out: they would be most of the spans.
//
// A traceparent is used only when a trusted proxy sent it. With it, any other client could force every request to be
// sampled, at the operator's cost, and add spans to the traces of others.
func (t *Traces) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" || r.URL.Path == "/readyz" {
			next.ServeHTTP(w, r)
			return
		}
		method := r.Method
		if !slices.Contains([]string{"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"}, method) {
			method = "_OTHER" // a client's text
		}
		ctx, span := t.tracer.Start(t.parentContext(r), method, trace.WithSpanKind(trace.SpanKindServer),
			trace.WithAttributes(semconv.HTTPRequestMethodKey.String(method)))
		defer span.End()
		recorder := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		r = r.WithContext(ctx)
		next.ServeHTTP(recorder, r)
		span.SetAttributes(semconv.HTTPResponseStatusCode(recorder.status))
		if i := strings.Index(r.Pattern, "/"); i >= 0 { // "GET /path" or "/path"
			span.SetName(method + " " + r.Pattern[i:])
			span.SetAttributes(semconv.HTTPRoute(r.Pattern[i:]))
		}
		if recorder.status >= 500 {
			span.SetStatus(codes.Error, "")
		}
	})
}

// parentContext returns the context of a request, with the span of a trusted proxy as the parent.
func (t *Traces) parentContext(r *http.Request) context.Context {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	address := peer.Addr().Unmap().WithZone("")
	if err != nil || !slices.ContainsFunc(t.proxies, func(p netip.Prefix) bool { return p.Contains(address) }) {
		return r.Context()
	}
	return t.parent.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
}

// statusWriter records the status.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the methods of the connection, such as Flush.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
