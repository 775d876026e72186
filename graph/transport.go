package graph

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/requestid"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

var errNoResponse = errors.New("the schema returned no response")

// transport is GraphQL over HTTP: POST of one JSON request, and GET for queries. It answers every request, also those
// with an Upgrade header that it does not know: Java's client sends one with each POST. A transport for WebSockets
// stands before it.
type transport struct {
	limits    Limits
	turns     *turns
	lane      lane
	timeout   time.Duration
	cookies   cookieRules
	presenter Presenter
	observe   Observer // or nil
}

var _ graphql.Transport = (*transport)(nil)

// Supports reports that nothing comes after this transport.
func (*transport) Supports(*http.Request) bool { return true }

// Do answers one request.
func (t *transport) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	q := &requestInfo{}
	ctx := withRequestInfo(requestid.Ensure(r.Context()), q)
	if t.observe != nil {
		watched, done := t.observe(ctx)
		ctx = watched
		defer func() { done(q.observed()) }() // last, also after a panic
	}
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Request-Id", requestid.From(ctx))
	h.Add("Vary", "Accept")
	mediaType := negotiate(r.Header.Values("Accept"))
	defer t.recover(ctx, w, mediaType)

	op, cookie, errs, refused := t.create(ctx, w, r, mediaType, exec)
	ctx = withCookie(ctx, cookie)
	q.op = op
	switch {
	case refused != nil:
		refuseRequest(ctx, w, mediaType, refused)
		return
	case len(errs) > 0:
		t.answer(ctx, w, mediaType, exec.DispatchError(graphql.WithOperationContext(ctx, op), reasons(op, errs)))
		return
	case op.Operation.Operation == ast.Subscription:
		refuseRequest(ctx, w, mediaType, malformed(http.StatusBadRequest, "subscriptions are not answered over plain HTTP"))
		return
	case r.Method == http.MethodGet && op.Operation.Operation != ast.Query:
		refuseRequest(ctx, w, mediaType, malformed(http.StatusMethodNotAllowed, "GET is for queries; use POST").with("Allow", "POST"))
		return
	}
	leave, late := t.lane.enter(ctx, op.Operation, t.limits.Page)
	if late != nil {
		t.answer(ctx, w, mediaType, exec.DispatchError(graphql.WithOperationContext(ctx, op), gqlerror.List{late}))
		return
	}
	response, ctx := execute(ctx, exec, op, leave)
	cookie.write(w)
	t.answer(ctx, w, mediaType, response)
}

// execute runs an operation to its whole answer, and leaves the lane whatever comes of it.
func execute(ctx context.Context, exec graphql.GraphExecutor, op *graphql.OperationContext, leave func()) (*graphql.Response, context.Context) {
	defer leave()
	responses, ctx := exec.DispatchOperation(ctx, op)
	return responses(ctx), ctx
}

// create reads a request into an operation, in its turn where that is dear.
func (t *transport) create(ctx context.Context, w http.ResponseWriter, r *http.Request, mediaType string, exec graphql.GraphExecutor) (*graphql.OperationContext, *refreshCookie, gqlerror.List, *refusal) {
	ctx, end := t.turns.begin(ctx)
	defer end()
	params, cookie, refused := t.read(ctx, w, r, mediaType)
	if refused != nil {
		return nil, nil, nil, refused
	}
	op, errs := exec.CreateOperationContext(ctx, params)
	if len(errs) > 0 {
		op.RawQuery, op.Variables = params.Query, params.Variables // for the presenter, who must know what was sent
	}
	return op, cookie, errs, nil
}

// read returns the parameters and the cookie of a request that this transport can answer.
func (t *transport) read(ctx context.Context, w http.ResponseWriter, r *http.Request, mediaType string) (*graphql.RawParams, *refreshCookie, *refusal) {
	start := graphql.Now()
	switch {
	case viewer.From(ctx).DuplicateAuthorization:
		return nil, nil, malformed(http.StatusBadRequest, "there are two Authorization headers; send one").
			with("WWW-Authenticate", `Bearer error="invalid_request"`)
	case r.Method != http.MethodPost && r.Method != http.MethodGet:
		return nil, nil, malformed(http.StatusMethodNotAllowed, "use POST, or GET for queries").with("Allow", "GET, POST")
	case mediaType == "":
		return nil, nil, malformed(http.StatusNotAcceptable, "answers are "+typeGraphQL+" or "+typeJSON)
	}
	cookie, refused := t.cookies.read(r.Header)
	if refused != nil {
		return nil, nil, refused
	}
	params, refused := readRequest(ctx, w, r, t.limits)
	if refused != nil {
		return nil, nil, refused
	}
	params.ReadTime = graphql.TraceTiming{Start: start, End: graphql.Now()}
	return params, cookie, nil
}

// reasons returns why an operation will not run, in our own words when the document does not have it: gqlgen's would
// repeat a name as long as a request.
func reasons(op *graphql.OperationContext, errs gqlerror.List) gqlerror.List {
	if op.Doc != nil && op.Operation == nil {
		message := "the document has no operation of that operationName"
		if op.OperationName == "" {
			message = "the document has several operations: operationName must say which one to run"
		}
		return gqlerror.List{refuse(problem.ValidationFailed, message)}
	}
	return errs
}

// recover answers when something else than a resolver has panicked; nothing has been written then.
func (t *transport) recover(ctx context.Context, w http.ResponseWriter, mediaType string) {
	if cause := recover(); cause != nil {
		t.presenter.apologize(ctx, w, mediaType, cause)
	}
}

func (p Presenter) apologize(ctx context.Context, w http.ResponseWriter, mediaType string, cause any) {
	if cause == http.ErrAbortHandler {
		panic(cause)
	}
	e := p.Present(ctx, p.Recover(ctx, cause))
	refuseRequest(ctx, w, mediaType, &refusal{status: http.StatusInternalServerError, err: e})
}

// Within bounds a request from before it is known who is asking: that may ask the database, too.
func Within(timeout time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), timeout)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// Recover answers INTERNAL when whatever stands before the transport, or beside it, has panicked. net/http would cut the
// connection, and tell nobody but its own log; that is what remains when a part of the answer is written. Panicked is
// called for each.
func Recover(log *slog.Logger, panicked func(), next http.Handler) http.Handler {
	p := Presenter{Log: log}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := requestid.Ensure(r.Context())
		begun := &begun{ResponseWriter: w}
		defer func() {
			cause := recover()
			if cause != nil && cause != http.ErrAbortHandler {
				panicked()
			}
			switch {
			case cause == nil:
			case begun.is && cause != http.ErrAbortHandler:
				p.Recover(ctx, cause)
				panic(http.ErrAbortHandler)
			default:
				p.apologize(ctx, w, negotiate(r.Header.Values("Accept")), cause)
			}
		}()
		next.ServeHTTP(begun, r)
	})
}

// begun knows whether something was written.
type begun struct {
	http.ResponseWriter
	is bool
}

func (b *begun) WriteHeader(status int) {
	b.is = true
	b.ResponseWriter.WriteHeader(status)
}

func (b *begun) Write(p []byte) (int, error) {
	b.is = true
	return b.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (b *begun) Unwrap() http.ResponseWriter { return b.ResponseWriter }
