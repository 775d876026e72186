package authz

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Config describes the server that a guard protects.
type Config struct {
	// Viewer returns the caller of an operation, and that of a subscription again before each event; nil is anonymous.
	// An AnonymousError says why the caller is. With any other error it is unknown who calls: every rule denies, and
	// ErrorPresenter shows the error. Required.
	Viewer func(ctx context.Context) (Viewer, error)
	// Owners binds each value of enum Owner that the schema uses to predicates made by OwnerOf, one for each Go type
	// whose objects it decides. Required when it uses any.
	Owners map[string][]Owner
	// Rules gives fields a rule that have no place for a directive, because they are generated, by coordinate:
	// federation's "Query._entities", "Query._service" and "_Service.sdl". A nil Rule opens the field to everyone. What
	// _entities finds is decided by each object's own rules, as behind every union; a rule for _service lets it through
	// without Introspection.
	Rules map[string]Rule
	// Objects loads what a mutation acts on: for each ID argument of a root field, and each ID field of an input, that
	// has an owner rule, by coordinate ("Mutation.erase(id:)", "EraseInput.id"), the object of an id as the client
	// wrote it. It returns nil when there is none; an error denies, and Config.ErrorPresenter shows it. Required for
	// each of them.
	Objects map[string]func(ctx context.Context, id string) (any, error)
	// MultiFactorRoles names roles that count only for a caller who has proved a second factor: a rule that names one of
	// them holds by it as if it said mfa: true. Default: none.
	MultiFactorRoles []string
	// SignedIn returns the user that a @signsIn field's result signed in, like Viewer. Required when the schema has
	// such a field.
	SignedIn func(ctx context.Context, result any) (Viewer, error)
	// QueryCache holds the plans of parsed queries. Give the same to the server's SetQueryCache. Default: none, and
	// every request is planned again.
	QueryCache *QueryCache
	// IsNotFound reports whether a resolver's error says that an object is not there. Where the object could also be
	// another's, the answer is then the guard's own. Default: a *gqlerror.Error with extensions.code NOT_FOUND.
	IsNotFound func(error) bool
	// TypeName returns the GraphQL type of an object that stands behind an interface or union; it must be the type that
	// gqlgen picks for the Go type, or the operation fails. Default: the name of the Go type.
	TypeName func(object any) string
	// Labels names roles and owners in the plain words of the access table: ADMIN: "administrators". Default: their
	// names.
	Labels map[string]string
	// ScopesOnlyRestrict says that a caller whom no scopes restrict has every scope. Then the access table does not name
	// scopes of them.
	ScopesOnlyRestrict bool
	// Introspection lets __schema and __type through. Default: they are forbidden.
	Introspection bool
	// ErrorPresenter turns an error that kept a rule from being decided into the response's error. Default: the code
	// INTERNAL, with the cause in the log.
	ErrorPresenter func(ctx context.Context, err error) *gqlerror.Error
	// Clock returns the current time, for maxAge. Default: time.Now.
	Clock func() time.Time
	// VerifyExecution compares every field that executes with the plan, and fails an operation that runs a field
	// outside of it. For tests, and for servers where a mistake of this package must not stay hidden.
	VerifyExecution bool
	// Log receives what responses do not contain. Default: slog.Default().
	Log *slog.Logger
}

func (c *Config) setDefaults() error {
	if c.Viewer == nil {
		return errors.New("authz: Config.Viewer is required: it returns the caller of an operation")
	}
	if c.QueryCache != nil && c.QueryCache.taken.Swap(true) {
		return errors.New("authz: Config.QueryCache is another guard's; make one for each with NewQueryCache")
	}
	if c.TypeName == nil {
		c.TypeName = goTypeName
	}
	if c.IsNotFound == nil {
		c.IsNotFound = hasNotFoundCode
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
	table    *table
	config   Config
	failures *failureLog
	places   func() map[string]place // of the access table, made at the first use
	hits     atomic.Uint64           // operations whose plan was cached
	misses   atomic.Uint64
}

var (
	_ graphql.HandlerExtension     = (*Guard)(nil)
	_ graphql.OperationInterceptor = (*Guard)(nil)
)

// New compiles a schema into a guard. It returns a *SchemaError when a place of the schema does not say who may use it.
func New(schema *ast.Schema, config Config) (*Guard, error) {
	if err := config.setDefaults(); err != nil {
		return nil, err
	}
	t, err := compile(schema, config)
	if err != nil {
		return nil, err
	}
	g := &Guard{table: t, config: config, failures: &failureLog{log: config.Log}}
	g.places = sync.OnceValue(g.newPlaces)
	if config.ErrorPresenter == nil {
		g.config.ErrorPresenter = g.internalError
	}
	return g, nil
}

// ExtensionName is the extension's name in gqlgen's messages.
func (g *Guard) ExtensionName() string { return "authz" }

// Validate rejects a server of another schema than the one that was compiled.
func (g *Guard) Validate(server graphql.ExecutableSchema) error {
	if server.Schema() != g.table.schema {
		return errors.New("authz: the guard is of another schema than the server; pass New the server's own Schema()")
	}
	return nil
}

// InterceptOperation decides the operation. It runs it in full or in part, or rejects it.
func (g *Guard) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	op := graphql.GetOperationContext(ctx)
	_, hasService := g.config.Rules["Query._service"] // which gqlgen counts as introspection; its own rule decides it
	op.DisableIntrospection = !g.config.Introspection && !hasService
	p := g.planOf(op)
	v, have := g.identify(ctx, "Config.Viewer", func() (Viewer, error) { return g.config.Viewer(ctx) })
	watched := g.config.VerifyExecution || op.Operation.Operation == ast.Subscription // each event is decided again
	if p.grants(have) && !watched {
		return next(ctx)
	}
	strict := op.Operation.Operation != ast.Query
	d := p.decided(v, have)
	if d == nil {
		d = g.decide(ctx, []*node{p.root}, strict, v, have, op.Variables)
		p.remember(d)
	}
	if len(d.violations) > 0 && (strict || !d.runnable) {
		return graphql.OneShot(&graphql.Response{Errors: g.present(ctx, d.violations)})
	}
	if d.grantsAll() && !watched {
		return next(ctx)
	}
	return g.enforce(op, p, d).execute(ctx, next)
}
