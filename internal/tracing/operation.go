package tracing

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/gatehouse/gatehouse/internal/graphqlhttp"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/requestid"
)

var _ graphqlhttp.Observer = (*Traces)(nil).Operation

// Operation makes a span of a request's operation.
func (t *Traces) Operation(ctx context.Context) (context.Context, func(graphqlhttp.RequestStats)) {
	ctx, span := t.tracer.Start(ctx, "GraphQL Operation")
	return ctx, func(o graphqlhttp.RequestStats) {
		defer span.End()
		if !span.IsRecording() {
			return
		}
		span.SetAttributes(attribute.String("gatehouse.request_id", requestid.From(ctx)))
		if o.Type != "" {
			span.SetName(o.Type)
			span.SetAttributes(semconv.GraphQLOperationTypeKey.String(o.Type), attribute.String("gatehouse.field", o.Field))
		}
		if o.Name != "" {
			span.SetName(o.Type + " " + o.Name)
			span.SetAttributes(semconv.GraphQLOperationName(o.Name))
		}
		var all []string
		for _, e := range o.Errors {
			all = append(all, string(e.Code))
			if e.Code == problem.Internal || e.Code == problem.Unavailable {
				span.SetStatus(codes.Error, string(e.Code))
			}
		}
		if all != nil {
			span.SetAttributes(attribute.StringSlice("gatehouse.errors", all))
		}
	}
}
