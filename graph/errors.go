package graph

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"math"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/gatehouse/gatehouse/internal/graphqlhttp"
	"github.com/gatehouse/gatehouse/internal/problem"
)

// retrySoon is the suggested wait after a failure that should pass soon: a database restart, an operation that took too
// long.
const retrySoon = time.Second

// ErrorPresenter turns every error into what the client may read: a sentence and extensions.code. An unknown error
// becomes INTERNAL, and its cause goes to the log only. It never logs documents or variables.
type ErrorPresenter struct {
	Log           *slog.Logger     // required
	Unavailable   func(error) bool // whether an error says that the database does not answer; default: none does
	Introspection bool             // whether messages may name parts of the schema that the request did not send
	Schema        *ast.Schema      // for the words about values that do not fit their types; default: fewer words
}

// Present is the one place where errors become answers.
func (p ErrorPresenter) Present(ctx context.Context, err error) *gqlerror.Error {
	if e, ok := errors.AsType[*gqlerror.Error](err); ok && graphqlhttp.CodeOf(e) != "" {
		return p.translateCoded(ctx, e)
	}
	presented := p.translate(ctx, err)
	setLocation(ctx, presented, err)
	return presented
}

// translateCoded returns an error that has its code: gqlgen's and gqlparser's in plainer words, and those of the guard
// and of the limits as they are.
func (p ErrorPresenter) translateCoded(ctx context.Context, e *gqlerror.Error) *gqlerror.Error {
	message := ""
	switch graphqlhttp.CodeOf(e) {
	case problem.ParseFailed:
		message = parseMessage(e.Message)
	case problem.ValidationFailed:
		message = p.validationMessage(ctx, e)
	default:
		return e
	}
	return &gqlerror.Error{Message: message, Locations: e.Locations, Extensions: e.Extensions}
}

// translate presents an error that has no code yet.
func (p ErrorPresenter) translate(ctx context.Context, err error) *gqlerror.Error {
	known := problem.All(err)
	if argument, ok := wrongArgument(ctx, err); ok {
		known = p.wrongArguments(ctx, argument)
	}
	if last := len(known) - 1; last >= 0 {
		for _, other := range known[:last] { // gqlgen takes one error a call
			graphql.AddError(ctx, other)
		}
		return p.problem(ctx, known[last])
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(ctx.Err(), context.DeadlineExceeded):
		return p.unavailable(ctx, "the operation took too long", err)
	case errors.Is(err, context.Canceled) || ctx.Err() != nil: // the client is gone
		return p.unavailable(ctx, "the request was cancelled", nil)
	case p.Unavailable != nil && p.Unavailable(err):
		return p.unavailable(ctx, "the database does not answer", err)
	}
	return p.internal(ctx, err)
}

func (p ErrorPresenter) unavailable(ctx context.Context, message string, cause error) *gqlerror.Error {
	return p.problem(ctx, problem.RetryAfter(problem.Unavailable, message, retrySoon).WithCause(cause))
}

func (p ErrorPresenter) problem(ctx context.Context, known *problem.Problem) *gqlerror.Error {
	if known.Code == problem.Internal {
		return p.internal(ctx, known)
	}
	if known.Cause != nil {
		level := slog.LevelInfo
		if known.Code == problem.Unavailable {
			level = slog.LevelWarn
		}
		p.Log.Log(ctx, level, "refused", "code", known.Code, "cause", known.Cause)
	}
	e := graphqlhttp.NewError(known.Code, known.Message)
	maps.Copy(e.Extensions, known.Extensions)
	if known.Field != "" {
		e.Extensions["field"] = known.Field
	}
	if known.Reason != "" {
		e.Extensions["reason"] = known.Reason
	}
	if known.Bounds != nil {
		e.Extensions["min"], e.Extensions["max"] = known.Bounds.Min, known.Bounds.Max
	}
	if known.RetryAfter > 0 || known.Code == problem.RateLimited || known.Code == problem.Unavailable {
		e.Extensions["retryAfter"] = seconds(max(known.RetryAfter, retrySoon))
	}
	return e
}

func (p ErrorPresenter) internal(ctx context.Context, cause error) *gqlerror.Error {
	if !errors.Is(cause, graphqlhttp.ErrPanic) {
		p.Log.ErrorContext(ctx, "internal error", "path", graphql.GetPath(ctx).String(), "cause", cause)
	}
	return graphqlhttp.InternalError(ctx)
}

func seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }

// setLocation says where in the operation an error arose.
func setLocation(ctx context.Context, presented *gqlerror.Error, cause error) {
	if e, ok := errors.AsType[*gqlerror.Error](cause); ok {
		presented.Path, presented.Locations = e.Path, e.Locations
	}
	fc := graphql.GetFieldContext(ctx)
	if fc == nil {
		return
	}
	presented.Path = fc.Path() // without the names of arguments, which gqlgen adds when one is wrong
	if at := position(fc); presented.Locations == nil && at != nil {
		presented.Locations = []gqlerror.Location{{Line: at.Line, Column: at.Column}}
	}
}

func position(fc *graphql.FieldContext) *ast.Position {
	if fc.Field.Field == nil {
		return nil
	}
	return fc.Field.Position
}
