package graphqlhttp

import (
	"context"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/gatehouse/gatehouse/internal/problem"
)

// Observer is called as each request begins. It returns the context in which the request is answered, and a function
// that is called once it has been.
type Observer func(ctx context.Context) (context.Context, func(RequestStats))

// RequestStats is the outcome of a request. Of its text it holds the operation's name alone, and that only from a valid
// document: the parameter operationName may be anything, even a password.
type RequestStats struct {
	Name   string // of the operation: letters, digits and _, of any length; "" when it has none
	Type   string // query, mutation or subscription; "" when there is no valid operation
	Field  string // the first field of the root that is selected, by its name in the schema; "" with Type
	Status int    // of HTTP
	Errors []ErrorStats
	Panics int // while the operation was read and run
}

// ErrorStats is one error of a response.
type ErrorStats struct {
	Code       problem.Code
	Coordinate string // of the schema, when authorization denied it
	Reason     string // of UNAUTHENTICATED
}

type requestInfoKey struct{}

// requestInfo collects the stats of a request while it is answered. It is the context that has it.
type requestInfo struct {
	context.Context
	text     string // of the document that was found in the cache
	document *ast.QueryDocument

	op     *graphql.OperationContext
	status int
	errs   gqlerror.List
	panics atomic.Int32 // fields run concurrently

	mutated atomic.Bool // a field of a mutation has returned without an error
}

// Value finds the info itself too.
func (info *requestInfo) Value(key any) any {
	if key == (requestInfoKey{}) {
		return info
	}
	return info.Context.Value(key)
}

// requestInfoFrom returns nil outside of a request to the transport.
func requestInfoFrom(ctx context.Context) *requestInfo {
	info, _ := ctx.Value(requestInfoKey{}).(*requestInfo)
	return info
}

func (info *requestInfo) stats() RequestStats {
	s := RequestStats{Status: info.status, Panics: int(info.panics.Load())}
	if info.op != nil && info.op.Operation != nil {
		op := info.op.Operation
		s.Name, s.Type, s.Field = op.Name, string(op.Operation), firstField(op.SelectionSet)
	}
	for _, e := range info.errs {
		coordinate, _ := e.Extensions["coordinate"].(string)
		reason, _ := e.Extensions["reason"].(string)
		s.Errors = append(s.Errors, ErrorStats{CodeOf(e), coordinate, reason})
	}
	return s
}

// firstField returns the name of the first field of a valid selection set, which always has one.
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
