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

// Handler makes a span of each request that next answers, named after the pattern under which a ServeMux found it.
// Probes of the server's health are left out: they are most of the requests and tell nothing.
//
// A traceparent is believed only of a trusted proxy. Anybody else could have every request sampled by sending one, at
// our cost, and put spans into other people's traces.
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
		ctx, span := t.tracer.Start(t.above(r), method, trace.WithSpanKind(trace.SpanKindServer),
			trace.WithAttributes(semconv.HTTPRequestMethodKey.String(method)))
		defer span.End()
		seen := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		r = r.WithContext(ctx)
		next.ServeHTTP(seen, r)
		span.SetAttributes(semconv.HTTPResponseStatusCode(seen.status))
		if i := strings.Index(r.Pattern, "/"); i >= 0 { // "GET /path" or "/path"
			span.SetName(method + " " + r.Pattern[i:])
			span.SetAttributes(semconv.HTTPRoute(r.Pattern[i:]))
		}
		if seen.status >= 500 {
			span.SetStatus(codes.Error, "")
		}
	})
}

// above returns the context of a request, below the span of a proxy that is trusted.
func (t *Traces) above(r *http.Request) context.Context {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	address := peer.Addr().Unmap().WithZone("")
	if err != nil || !slices.ContainsFunc(t.proxies, func(p netip.Prefix) bool { return p.Contains(address) }) {
		return r.Context()
	}
	return t.parent.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
}

// statusWriter remembers the status.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach what is below.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
