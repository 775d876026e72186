package graph

import (
	"context"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/gatehouse/gatehouse/internal/problem"
)

// Observer is told of each request as it begins, and returns the context in which it is answered and what is told when
// that is done.
type Observer func(ctx context.Context) (context.Context, func(Observed))

// Observed is what became of a request. Of its text it has the operation's name alone, and that only from a valid
// document: operationName by itself may be anything, a password among it.
type Observed struct {
	Name   string // of the operation: letters, digits and _, as many as the client likes; "" when it has none
	Type   string // query, mutation or subscription; "" when there is no valid operation
	Field  string // the first field of the root that is selected, by its name in the schema; "" with Type
	Status int    // of HTTP
	Errors []ObservedError
	Panics int // in resolvers, or elsewhere while the operation was read and run
}

// ObservedError is one error of an answer.
type ObservedError struct {
	Code       problem.Code
	Coordinate string // of the schema, where a rule denied it
	Reason     string // of UNAUTHENTICATED
}

type requestInfoKey struct{}

// requestInfo collects, while a request is answered, what its observer is told.
type requestInfo struct {
	op     *graphql.OperationContext
	status int
	errs   gqlerror.List
	panics atomic.Int32 // fields run concurrently
}

func withRequestInfo(ctx context.Context, q *requestInfo) context.Context {
	return context.WithValue(ctx, requestInfoKey{}, q)
}

// requestInfoFrom returns nil outside of a request to the transport.
func requestInfoFrom(ctx context.Context) *requestInfo {
	q, _ := ctx.Value(requestInfoKey{}).(*requestInfo)
	return q
}

// answered remembers the answer that is written.
func (q *requestInfo) answered(status int, errs gqlerror.List) { q.status, q.errs = status, errs }

func (q *requestInfo) observed() Observed {
	o := Observed{Status: q.status, Panics: int(q.panics.Load())}
	if q.op != nil && q.op.Operation != nil {
		op := q.op.Operation
		o.Name, o.Type, o.Field = op.Name, string(op.Operation), firstField(op.SelectionSet)
	}
	for _, e := range q.errs {
		coordinate, _ := e.Extensions["coordinate"].(string)
		reason, _ := e.Extensions["reason"].(string)
		o.Errors = append(o.Errors, ObservedError{codeOf(e), coordinate, reason})
	}
	return o
}

// firstField returns the name of the first field of a valid selection, which never is without one.
func firstField(set ast.SelectionSet) string {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			return s.Name
		case *ast.InlineFragment:
			return firstField(s.SelectionSet)
		case *ast.FragmentSpread:
			return firstField(s.Definition.SelectionSet)
		}
	}
	return ""
}
