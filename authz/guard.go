package authz

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Config tells a guard about the server that it guards.
type Config struct {
	// Viewer returns the caller of an operation. Required.
	Viewer func(ctx context.Context) Viewer
	// Owners binds each value of enum Owner that the schema uses to a predicate. Required when it uses any.
	Owners map[string]Owner
	// SignedIn returns the user that a @signsIn field's result signed in. Required when the schema has such a field.
	SignedIn func(ctx context.Context, result any) Viewer
	// TypeName returns the GraphQL type of an object that stands behind an interface or union; it must name the type
	// that gqlgen takes the Go type for, or the operation fails. Default: the name of its Go type.
	TypeName func(object any) string
	// Labels names roles and owners in the plain words of the access table: ADMIN: "administrators". Default: their
	// names.
	Labels map[string]string
	// Introspection lets __schema and __type through. Default: they are forbidden.
	Introspection bool
	// ErrorPresenter turns an error that kept a rule from being decided into the answer's error. Default: the code
	// INTERNAL, without the cause.
	ErrorPresenter func(ctx context.Context, err error) *gqlerror.Error
	// Clock tells the time for maxAge. Default: time.Now.
	Clock func() time.Time
	// VerifyExecution holds every field that executes against the plan, and fails an operation that runs one that is not in
	// it. For tests, and where a mistake of this package must show.
	VerifyExecution bool
	// Log receives what an answer does not say. Default: slog.Default().
	Log *slog.Logger
}

func (c *Config) setDefaults() error {
	if c.Viewer == nil {
		return errors.New("authz: Config.Viewer is required: it says who is calling")
	}
	if c.TypeName == nil {
		c.TypeName = goTypeName
	}
	if c.ErrorPresenter == nil {
		c.ErrorPresenter = func(context.Context, error) *gqlerror.Error {
			return &gqlerror.Error{Message: "internal error", Extensions: map[string]any{"code": "INTERNAL"}}
		}
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return nil
}

// Guard decides each operation of one schema before it runs. It is a gqlgen handler extension.
type Guard struct {
	table  *table
	config Config
	cache  *queryCache
	hits   atomic.Uint64 // plans that were there
	misses atomic.Uint64
}

var (
	_ graphql.HandlerExtension     = (*Guard)(nil)
	_ graphql.OperationInterceptor = (*Guard)(nil)
)

// New compiles a schema into a guard. It returns a *SchemaError when the schema leaves open who may use a part of it.
func New(schema *ast.Schema, config Config) (*Guard, error) {
	if err := config.setDefaults(); err != nil {
		return nil, err
	}
	t, err := compile(schema, config)
	if err != nil {
		return nil, err
	}
	return &Guard{table: t, config: config}, nil
}

// ExtensionName names the extension in gqlgen's messages.
func (g *Guard) ExtensionName() string { return "authz" }

// Validate refuses a server of another schema than the one that was compiled.
func (g *Guard) Validate(server graphql.ExecutableSchema) error {
	if server.Schema() != g.table.schema {
		return errors.New("authz: the guard was made for another schema than the server's; pass New the server's own Schema()")
	}
	return nil
}

// InterceptOperation decides the operation and runs it, runs what is left of it, or refuses it.
func (g *Guard) InterceptOperation(ctx context.Context, next graphql.OperationHandler) (handler graphql.ResponseHandler) {
	op := graphql.GetOperationContext(ctx)
	op.DisableIntrospection = !g.config.Introspection
	p := g.planOf(op)
	v, have := g.viewer(ctx)
	if p.grants(have) && !g.config.VerifyExecution {
		return next(ctx)
	}
	strict := op.Operation.Operation != ast.Query
	d := g.decide([]*node{p.root}, strict, v, have, op.Variables)
	if len(d.violations) > 0 && (strict || !d.runnable) {
		return graphql.OneShot(&graphql.Response{Errors: g.present(ctx, d.violations)})
	}
	if d.needsNothing() && !g.config.VerifyExecution {
		return next(ctx)
	}
	return g.watch(ctx, op, p, d, next)
}

// watch runs an operation that is not granted in full, field by field.
func (g *Guard) watch(ctx context.Context, op *graphql.OperationContext, p *plan, d *decision, next graphql.OperationHandler) graphql.ResponseHandler {
	r := &run{
		guard:     g,
		variables: op.Variables,
		first:     d,
		plan:      p,
		signed:    map[*graphql.FieldContext]*decision{},
		met:       map[string]*violation{},
		nulls:     map[string]bool{},
	}
	inner := op.ResolverMiddleware
	op.ResolverMiddleware = func(ctx context.Context, resolve graphql.Resolver) (any, error) {
		return r.field(ctx, func(ctx context.Context) (any, error) { return inner(ctx, resolve) })
	}
	if op.Operation.Operation == ast.Subscription {
		r.stream = g.table.schema.Subscription.Name
	}
	responses := next(ctx)
	return func(ctx context.Context) *graphql.Response {
		if r.events == nil {
			return r.finish(ctx, responses(ctx))
		}
		r.next(ctx)
		answer := responses(ctx)
		if answer != nil {
			answer = r.events.response(answer)
		}
		return r.finish(ctx, answer)
	}
}

// finish adds the denials that were met to an answer.
func (r *run) finish(ctx context.Context, response *graphql.Response) *graphql.Response {
	r.mu.Lock()
	defer r.mu.Unlock()
	if response == nil {
		return nil
	}
	if len(r.strays) > 0 {
		r.guard.config.Log.ErrorContext(ctx, "fields ran that the plan did not allow", "fields", r.strays)
		err := fmt.Errorf("fields ran that the plan did not allow: %v", r.strays)
		return &graphql.Response{Errors: gqlerror.List{r.guard.config.ErrorPresenter(ctx, err)}}
	}
	response.Errors = slices.DeleteFunc(response.Errors, func(e *gqlerror.Error) bool { return r.nulls[e.Path.String()] })
	response.Errors = append(response.Errors, r.guard.present(ctx, r.denials())...)
	return response
}

// viewer asks who is calling and what they have; a panic makes nobody.
func (g *Guard) viewer(ctx context.Context) (Viewer, bits) {
	return g.known(ctx, "Config.Viewer", func() Viewer { return g.config.Viewer(ctx) })
}

func (g *Guard) known(ctx context.Context, what string, who func() Viewer) (v Viewer, have bits) {
	defer func() {
		if p := recover(); p != nil {
			g.config.Log.ErrorContext(ctx, what+" panicked; the caller is nobody", "panic", p)
			v, have = nil, bits{}
		}
	}()
	v = who()
	return v, g.ask(v)
}
