package graphqlhttp

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/requestid"
)

// ErrPanic stands for a panic in a resolver. Its cause and stack are in the log already.
var ErrPanic = errors.New("panic")

// logPanic logs a panic with its stack, counts it for the observer, and returns ErrPanic.
func logPanic(ctx context.Context, log *slog.Logger, cause any) error {
	if info := requestInfoFrom(ctx); info != nil {
		info.panics.Add(1)
	}
	log.ErrorContext(ctx, "panic", "path", graphql.GetPath(ctx).String(), "cause", cause, "stack",
		string(debug.Stack()))
	return ErrPanic
}

// InternalError returns the error that hides a cause, with the request id under which the log has the cause.
func InternalError(ctx context.Context) *gqlerror.Error {
	e := NewError(problem.Internal, "internal error")
	e.Extensions["requestId"] = requestid.From(ctx)
	return e
}

// Recover answers INTERNAL when a handler has panicked, and calls onPanic. net/http would cut the connection and write
// to a log of its own. Once a part of the response is written, the connection is cut all the same.
func Recover(log *slog.Logger, onPanic func(), next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := &startedWriter{ResponseWriter: w}
		defer func() {
			cause := recover()
			if cause == nil {
				return
			}
			if cause != http.ErrAbortHandler {
				onPanic()
			}
			ctx := requestid.Ensure(r.Context())
			if started.started && cause != http.ErrAbortHandler {
				logPanic(ctx, log, cause)
				panic(http.ErrAbortHandler)
			}
			responder{w, negotiate(r.Header.Values("Accept"))}.writeInternalError(ctx, log, cause)
		}()
		next.ServeHTTP(started, r)
	})
}

// writeInternalError answers when something else than a resolver has panicked and nothing has been written.
func (out responder) writeInternalError(ctx context.Context, log *slog.Logger, cause any) {
	if cause == http.ErrAbortHandler {
		panic(cause)
	}
	_ = logPanic(ctx, log, cause)
	out.refuse(ctx, &RequestError{Status: http.StatusInternalServerError, Err: InternalError(ctx)})
}

// startedWriter knows whether something was written.
type startedWriter struct {
	http.ResponseWriter
	started bool
}

func (w *startedWriter) WriteHeader(status int) {
	w.started = true
	w.ResponseWriter.WriteHeader(status)
}

func (w *startedWriter) Write(p []byte) (int, error) {
	w.started = true
	return w.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (w *startedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
