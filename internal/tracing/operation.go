package tracing

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/requestid"
)

// Operation is what a span says of a GraphQL operation.
type Operation struct {
	Name  string         // "": it has none
	Type  string         // query or mutation; "": the request had no valid operation
	Field string         // the first field of the root
	Codes []problem.Code // of the errors in the response
}

// StartOperation starts the span of a request's operation; end ends it.
func (t *Traces) StartOperation(ctx context.Context) (_ context.Context, end func(Operation)) {
	ctx, span := t.tracer.Start(ctx, "GraphQL Operation")
	return ctx, func(o Operation) {
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
		for _, code := range o.Codes {
			all = append(all, string(code))
			if code == problem.Internal || code == problem.Unavailable {
				span.SetStatus(codes.Error, string(code))
			}
		}
		if all != nil {
			span.SetAttributes(attribute.StringSlice("gatehouse.errors", all))
		}
	}
}
