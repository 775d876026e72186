package graph

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"runtime/debug"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/requestid"
)

// retrySoon is the wait for what should pass at once: a database that comes back, an operation that was cut off.
const retrySoon = time.Second

// Presenter turns every error into what the caller may read: a sentence and extensions.code. What it does not know
// becomes INTERNAL, and its cause goes to the log only. It never logs documents or variables.
type Presenter struct {
	Log         *slog.Logger     // required
	Unavailable func(error) bool // whether an error says that the database does not answer; default: none does

	hidden map[string]bool // names of the schema that are told only to who sent them; nil: none
}

// Present is the one place where errors become answers.
func (p Presenter) Present(ctx context.Context, err error) *gqlerror.Error {
	if e, ok := errors.AsType[*gqlerror.Error](err); ok && codeOf(e) != "" {
		return p.coded(ctx, e)
	}
	face := p.face(ctx, err)
	place(ctx, face, err)
	return face
}

// coded returns an error that has its code: gqlgen's and gqlparser's in plainer words, and those of the guard and of
// the limits as they are.
func (p Presenter) coded(ctx context.Context, e *gqlerror.Error) *gqlerror.Error {
	switch codeOf(e) {
	case problem.ParseFailed:
		return &gqlerror.Error{Message: "syntax error: " + unquoted(e.Message), Locations: e.Locations, Extensions: e.Extensions}
	case problem.ValidationFailed:
		return &gqlerror.Error{Message: p.conceal(ctx, shorten(invalid(e))), Locations: e.Locations, Extensions: e.Extensions}
	}
	return e
}

// face presents an error that has no code yet.
func (p Presenter) face(ctx context.Context, err error) *gqlerror.Error {
	if known, ok := errors.AsType[*problem.Problem](err); ok {
		return p.problem(ctx, known)
	}
	if argument, ok := wrongArgument(ctx, err); ok {
		e := refuse(problem.BadUserInput, fmt.Sprintf("the value of %s is refused; an ID is a UUID", argument))
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

func (p Presenter) problem(ctx context.Context, known *problem.Problem) *gqlerror.Error {
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
	e := refuse(known.Code, known.Message)
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

func (p Presenter) internal(ctx context.Context, cause error) *gqlerror.Error {
	if !errors.Is(cause, errLogged) {
		p.Log.ErrorContext(ctx, "internal error", "path", graphql.GetPath(ctx).String(), "cause", cause)
	}
	e := refuse(problem.Internal, "internal error")
	e.Extensions["requestId"] = requestid.From(ctx)
	return e
}

// errLogged stands for a panic, whose cause and stack are in the log already.
var errLogged = errors.New("panic")

// Recover turns a panic into an error. The stack is in the log, once.
func (p Presenter) Recover(ctx context.Context, panicked any) error {
	if q := requestInfoFrom(ctx); q != nil {
		q.panics.Add(1)
	}
	p.Log.ErrorContext(ctx, "panic", "path", graphql.GetPath(ctx).String(),
		"cause", panicked, "stack", string(debug.Stack()))
	return errLogged
}

func refuse(code problem.Code, message string) *gqlerror.Error {
	return &gqlerror.Error{Message: message, Extensions: map[string]any{"code": string(code)}}
}

func seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }

// place says where in the operation an error arose.
func place(ctx context.Context, face *gqlerror.Error, cause error) {
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
func unquoted(message string) string {
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
func invalid(e *gqlerror.Error) string {
	message := e.Message
	if before, after, ok := strings.Cut(message, " is not a valid "); ok && before != "" {
		message = "is not a valid " + after // an enum, preceded by the value
	}
	if len(e.Path) > 1 && e.Path[0] == ast.PathName("variable") {
		return "$" + e.Path[1:].String() + " " + message
	}
	return message
}

// longest bounds a message: gqlparser repeats names, and a name may be as long as a request.
const longest = 300

func shorten(message string) string {
	if len(message) <= longest {
		return message
	}
	return strings.ToValidUTF8(message[:longest], "") + "…"
}
