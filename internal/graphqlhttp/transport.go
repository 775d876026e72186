package graphqlhttp

import (
	"context"
	"net/http"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/querylimit"
	"github.com/gatehouse/gatehouse/internal/requestid"
)

// transport is GraphQL over HTTP: POST of one JSON request, and GET for queries. It answers every request, also those
// with an unknown Upgrade header: Java's HTTP client sends one with each POST. A handler of WebSockets would stand
// before it.
type transport struct {
	Config
	exec      graphql.GraphExecutor
	documents *querylimit.DocumentLimits

	// parsing bounds what requests cost before anything is known of them. A request whose body is longer than any
	// cached document, or whose document is not cached, is read with a slot. Slots rest after use, so that parsing
	// takes at most half of the time of half of the processors, however many clients send new documents. The worst
	// document found takes 2 ms, so the last request in the queue waits half a second. With two processors, some
	// thousand new documents are read a second. Callers take turns.
	parsing *limiter
	// execution lets expensive operations run on half of the processors. Without it, 100 of them would share the
	// processors equally with cheap ones. It is released before the response is sent, as a client may read slowly.
	execution *limiter
}

func newTransport(c Config, exec graphql.GraphExecutor) *transport {
	return &transport{
		Config:    c,
		exec:      exec,
		documents: querylimit.NewDocumentLimits(c.Schema.Schema(), c.Limits, c.Introspection),
		parsing:   newLimiter(c, true, "too many long or new documents are being read; try again"),
		execution: newLimiter(c, false, "too many large answers are being made; try again"),
	}
}

// Headers of every answer, which nobody changes: Set and Add make new lists.
var noStore, noSniff = []string{"no-store"}, []string{"nosniff"}

// ServeHTTP answers one request. What belongs to it goes from here by a context of its own: a copy of the request for
// each value would be most of what the values cost.
func (t *transport) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	info := &requestInfo{Context: requestid.Ensure(r.Context())}
	ctx := context.Context(info)
	if t.Observe != nil {
		observed, done := t.Observe(ctx)
		ctx = observed
		defer func() { done(info.stats()) }() // last, also after a panic
	}
	h := w.Header()
	h["Cache-Control"], h["X-Content-Type-Options"] = noStore, noSniff
	h.Set("X-Request-Id", requestid.From(ctx))
	h.Add("Vary", "Accept")
	out := responder{w, negotiate(r.Header.Values("Accept"))}
	defer func() {
		if cause := recover(); cause != nil {
			out.writeInternalError(ctx, t.Log, cause)
		}
	}()
	t.serve(ctx, out, r)
}

func (t *transport) serve(ctx context.Context, out responder, r *http.Request) {
	ctx, refused := t.admit(ctx, out, r)
	if refused != nil {
		out.refuse(ctx, refused)
		return
	}
	op, refused := t.createOperation(ctx, out, r)
	if refused == nil && op.errs == nil {
		refused = checkMethod(r.Method, op.Operation.Operation)
	}
	if refused != nil {
		out.refuse(ctx, refused)
		return
	}
	var response *graphql.Response
	if op.errs != nil {
		response = t.exec.DispatchError(graphql.WithOperationContext(ctx, op.OperationContext), op.errs)
	} else {
		response, ctx = t.execute(ctx, op.OperationContext)
		if t.After != nil {
			t.After(ctx, out.Header())
		}
	}
	t.respond(ctx, out, response)
}

// admit checks what needs no reading of the request, and calls the hook. It always returns a context.
func (t *transport) admit(
	ctx context.Context, out responder, r *http.Request,
) (context.Context, *RequestError) {
	switch {
	case r.Method != http.MethodPost && !isRead(r.Method):
		return ctx, BadRequest(http.StatusMethodNotAllowed, "use POST, or GET for queries").With("Allow",
			"GET, HEAD, POST")
	case out.mediaType == "":
		return ctx, BadRequest(http.StatusNotAcceptable, "answers are "+typeGraphQL+" or "+typeJSON)
	case t.Before == nil:
		return ctx, nil
	}
	admitted, refused := t.Before(ctx, r)
	if refused != nil {
		return ctx, refused
	}
	return admitted, nil
}

// isRead reports whether a method asks without changing anything. net/http leaves the body out of an answer to HEAD.
func isRead(method string) bool { return method == http.MethodGet || method == http.MethodHead }

// checkMethod refuses operations that must not run by this method.
func checkMethod(method string, op ast.Operation) *RequestError {
	switch {
	case op == ast.Subscription:
		return BadRequest(http.StatusBadRequest, "subscriptions are not answered over plain HTTP")
	case isRead(method) && op != ast.Query:
		return BadRequest(http.StatusMethodNotAllowed, "GET is for queries; use POST").With("Allow", "POST")
	}
	return nil
}

// operation is what a request asks for, or why it will not run.
type operation struct {
	*graphql.OperationContext
	errs gqlerror.List
}

// createOperation reads a request into an operation, with a slot of the parsing limiter where that is expensive.
func (t *transport) createOperation(
	ctx context.Context, out responder, r *http.Request,
) (op operation, refused *RequestError) {
	slot := &slot{limiter: t.parsing}
	defer slot.giveBack()
	ctx = graphql.StartOperationTrace(ctx)
	params, refused := requestReader{t.Limits, slot}.read(ctx, out.ResponseWriter, r)
	if refused != nil {
		return op, refused
	}
	if err := t.checkDocument(ctx, params, slot); err != nil {
		op.OperationContext, op.errs = &graphql.OperationContext{}, gqlerror.List{err}
	} else {
		op.OperationContext, op.errs = t.exec.CreateOperationContext(ctx, params)
	}
	requestInfoFrom(ctx).op = op.OperationContext
	if len(op.errs) > 0 {
		op.RawQuery, op.Variables = params.Query, params.Variables // the presenter must know what was sent
		op.errs = explain(op)
	}
	return op, nil
}

// checkDocument holds a document that is not cached to the limits. It refuses a hash without a document with the
// message by which clients know that they have to send the document.
func (t *transport) checkDocument(
	ctx context.Context, params *graphql.RawParams, slot *slot,
) *gqlerror.Error {
	if isPersisted(params) {
		return NewError(problem.PersistedQueryNotSupported, "PersistedQueryNotSupported")
	}
	if _, ok := t.Documents.Get(ctx, params.Query); ok {
		return nil
	}
	if err := slot.acquire(ctx); err != nil {
		return err
	}
	return t.documents.Check(params.Query)
}

// explain returns why an operation will not run, in our own words when the document does not have it: gqlgen's would
// repeat a name as long as a request.
func explain(op operation) gqlerror.List {
	switch {
	case op.Doc == nil || op.Operation != nil:
		return op.errs
	case op.OperationName == "":
		return gqlerror.List{NewError(problem.ValidationFailed,
			"the document has several operations: operationName must say which one to run")}
	}
	return gqlerror.List{NewError(problem.ValidationFailed, "the document has no operation of that operationName")}
}

// execute runs an operation to its complete response. It returns the context of its resolvers.
func (t *transport) execute(
	ctx context.Context, op *graphql.OperationContext,
) (*graphql.Response, context.Context) {
	slot := &slot{limiter: t.execution}
	defer slot.giveBack()
	expensive := querylimit.AnswerFields(op.Operation, t.Limits.Page) >= querylimit.ExpensiveFields
	switch {
	case op.Operation.Operation == ast.Mutation:
		t.watchMutations(op, slot, expensive)
	case expensive:
		if err := slot.acquire(ctx); err != nil {
			return t.exec.DispatchError(graphql.WithOperationContext(ctx, op), gqlerror.List{err}), ctx
		}
	}
	responses, ctx := t.exec.DispatchOperation(ctx, op)
	return responses(ctx), ctx
}

// watchMutations remembers that a mutation was done, and has an expensive operation hold the slot only while it makes
// lists, not while a mutation waits for a hash or a lock. The mutations of an operation run one after the other, each
// with its part of the answer; without a slot only the lists of it are left out.
func (t *transport) watchMutations(op *graphql.OperationContext, slot *slot, expensive bool) {
	root, inner := t.Schema.Schema().Mutation.Name, op.ResolverMiddleware
	var mu sync.Mutex // fields below a mutation run concurrently
	op.ResolverMiddleware = func(ctx context.Context, resolve graphql.Resolver) (any, error) {
		field := graphql.GetFieldContext(ctx)
		if field.Object == root {
			slot.giveBack()
			return inner(ctx, remembering(resolve))
		}
		if expensive && t.isListOfObjects(field.Field.Definition) {
			mu.Lock()
			refused := slot.acquire(ctx)
			mu.Unlock()
			if refused != nil {
				return nil, refused
			}
		}
		return inner(ctx, resolve)
	}
}

// remembering notes that a mutation was done.
func remembering(resolve graphql.Resolver) graphql.Resolver {
	return func(ctx context.Context) (any, error) {
		result, err := resolve(ctx)
		if info := requestInfoFrom(ctx); err == nil && info != nil {
			info.mutated.Store(true)
		}
		return result, err
	}
}

func (t *transport) isListOfObjects(f *ast.FieldDefinition) bool {
	return f.Type.Elem != nil && !t.Schema.Schema().Types[f.Type.Name()].IsLeafType()
}
