package graph

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/gatehouse/gatehouse/internal/graphqlhttp"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/querylimit"
)

// retrySoon is the wait for what should pass at once: a database that comes back, an operation that was cut off.
const retrySoon = time.Second

// ErrorPresenter turns every error into what the caller may read: a sentence and extensions.code. What it does not know
// becomes INTERNAL, and its cause goes to the log only. It never logs documents or variables.
type ErrorPresenter struct {
	Log         *slog.Logger     // required
	Unavailable func(error) bool // whether an error says that the database does not answer; default: none does

	hidden map[string]bool // names of the schema that are told only to who sent them; nil: none
}

// Present is the one place where errors become answers.
func (p ErrorPresenter) Present(ctx context.Context, err error) *gqlerror.Error {
	if e, ok := errors.AsType[*gqlerror.Error](err); ok && graphqlhttp.CodeOf(e) != "" {
		return p.translateCoded(ctx, e)
	}
	face := p.translate(ctx, err)
	setLocation(ctx, face, err)
	return face
}

// coded returns an error that has its code: gqlgen's and gqlparser's in plainer words, and those of the guard and of
// the limits as they are.
func (p ErrorPresenter) translateCoded(ctx context.Context, e *gqlerror.Error) *gqlerror.Error {
	switch graphqlhttp.CodeOf(e) {
	case problem.ParseFailed:
		return &gqlerror.Error{Message: "syntax error: " + trimQuoted(e.Message), Locations: e.Locations, Extensions: e.Extensions}
	case problem.ValidationFailed:
		return &gqlerror.Error{Message: p.conceal(ctx, querylimit.Truncate(validationMessage(e))), Locations: e.Locations, Extensions: e.Extensions}
	}
	return e
}

// face presents an error that has no code yet.
func (p ErrorPresenter) translate(ctx context.Context, err error) *gqlerror.Error {
	if known, ok := errors.AsType[*problem.Problem](err); ok {
		return p.problem(ctx, known)
	}
	if argument, ok := wrongArgument(ctx, err); ok {
		e := graphqlhttp.NewError(problem.BadUserInput, fmt.Sprintf("the value of %s is refused; an ID is a UUID", argument))
		e.Extensions["field"] = argument
		return e
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(ctx.Err(), context.DeadlineExceeded):
		return p.problem(ctx, problem.RetryAfter(problem.Unavailable, "the operation took too long", retrySoon).WithCause(err))
	case errors.Is(err, context.Canceled) || ctx.Err() != nil: // nobody waits for the answer
		return p.problem(ctx, problem.RetryAfter(problem.Unavailable, "the request was cancelled", retrySoon))
	case p.Unavailable != nil && p.Unavailable(err):
		return p.problem(ctx, problem.RetryAfter(problem.Unavailable, "the database does not answer", retrySoon).WithCause(err))
	}
	return p.internal(ctx, err)
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
	if known.Field != "" {
		e.Extensions["field"] = known.Field
	}
	if known.Reason != "" {
		e.Extensions["reason"] = known.Reason
	}
	if known.Limit != "" {
		e.Extensions["limit"] = known.Limit
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

// place says where in the operation an error arose.
func setLocation(ctx context.Context, face *gqlerror.Error, cause error) {
	if e, ok := errors.AsType[*gqlerror.Error](cause); ok {
		face.Path, face.Locations = e.Path, e.Locations
	}
	fc := graphql.GetFieldContext(ctx)
	if fc == nil {
		return
	}
	face.Path = fc.Path() // without the names of arguments, which gqlgen adds when one is wrong
	if at := position(fc); face.Locations == nil && at != nil {
		face.Locations = []gqlerror.Location{{Line: at.Line, Column: at.Column}}
	}
}

func position(fc *graphql.FieldContext) *ast.Position {
	if fc.Field.Field == nil {
		return nil
	}
	return fc.Field.Position
}

// wrongArgument returns the argument whose value gqlgen could not turn into its Go type, for instance an ID that is no
// UUID. Only then is a field presented without the arguments that it has; the error's path goes on into the argument.
func wrongArgument(ctx context.Context, err error) (string, bool) {
	fc := graphql.GetFieldContext(ctx)
	e, ok := errors.AsType[*gqlerror.Error](err)
	if !ok || fc == nil || fc.Args != nil || fc.Field.Field == nil || len(fc.Field.Arguments) == 0 || len(e.Path) <= len(fc.Path()) {
		return "", false
	}
	return e.Path[len(fc.Path()):].String(), true
}

// unquoted returns gqlparser's reason why a document does not parse, without what it quotes of the document.
func trimQuoted(message string) string {
	if i := strings.IndexAny(message, `"\`); i >= 0 {
		message = strings.TrimRight(message[:i], " :,.")
	}
	if message == "Expected" {
		return "unexpected word"
	}
	return message
}

// invalid returns gqlparser's reason why a document or a variable does not fit the schema. It puts a variable's name
// into the message: an error's path is for fields of the answer.
func validationMessage(e *gqlerror.Error) string {
	message := e.Message
	if before, after, ok := strings.Cut(message, " is not a valid "); ok && before != "" {
		message = "is not a valid " + after // an enum, preceded by the value
	}
	if len(e.Path) > 1 && e.Path[0] == ast.PathName("variable") {
		return "$" + e.Path[1:].String() + " " + message
	}
	return message
}
