package authz

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// execution enforces a decision while its operation executes. It exists only when something is not simply granted, or
// with Config.VerifyExecution.
type execution struct {
	guard     *Guard
	request   *graphql.OperationContext
	variables map[string]any
	decision  *decision // but for what stands below a @signsIn field
	plan      *plan
	operation *ast.OperationDefinition
	stream    string       // the subscription type's name, when the operation is a subscription
	events    *eventStream // its events
	batches   sync.Map     // batchKey → *visibleBatch

	mu          sync.Mutex                          // of the maps, which are made when the first enters
	afterSignIn map[*graphql.FieldContext]*decision // below a @signsIn field that has succeeded
	denied      map[string]*violation               // by coordinate
	nulls       map[string]bool                     // paths where this package put null; gqlgen's error there is dropped
	unplanned   []string                            // fields that executed outside of the plan
}

// enforce makes an execution the outermost resolver middleware of an operation.
func (g *Guard) enforce(op *graphql.OperationContext, p *plan, d *decision) *execution {
	e := &execution{
		guard: g, request: op, variables: op.Variables, decision: d, plan: p, operation: op.Operation,
	}
	inner := op.ResolverMiddleware
	op.ResolverMiddleware = func(ctx context.Context, resolve graphql.Resolver) (any, error) {
		return e.field(ctx, func(ctx context.Context) (any, error) { return inner(ctx, resolve) })
	}
	if op.Operation.Operation == ast.Subscription {
		e.stream = g.table.schema.Subscription.Name
	}
	return e
}

// execute runs an operation that is not granted in full, field by field.
func (e *execution) execute(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	responses := next(ctx)
	return func(ctx context.Context) *graphql.Response {
		if e.events != nil {
			if denials := e.forwardEvent(ctx); denials != nil {
				return &graphql.Response{Errors: denials}
			}
		}
		response := responses(ctx)
		if response == nil {
			return nil
		}
		if e.events != nil {
			response = e.events.response(response)
		}
		return e.finish(ctx, response)
	}
}

func (e *execution) finish(ctx context.Context, response *graphql.Response) *graphql.Response {
	e.replaceNotFound(ctx, response)
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.unplanned) > 0 {
		e.guard.config.Log.ErrorContext(ctx, "fields ran that the plan did not allow", "fields", e.unplanned)
		err := fmt.Errorf("fields ran that the plan did not allow: %v", e.unplanned)
		return &graphql.Response{Errors: gqlerror.List{e.guard.config.ErrorPresenter(ctx, err)}}
	}
	response.Errors = slices.DeleteFunc(response.Errors, func(err *gqlerror.Error) bool {
		return e.nulls[err.Path.String()]
	})
	response.Errors = append(response.Errors, e.guard.present(ctx, e.takeDenials())...)
	if e.stream != "" { // the next event has its own
		clear(e.nulls)
		e.batches.Clear()
	}
	return response
}

// field is the resolver middleware of the operation.
func (e *execution) field(ctx context.Context, next graphql.Resolver) (any, error) {
	fc := graphql.GetFieldContext(ctx)
	d := e.decisionFor(fc)
	if e.isUnplanned(fc) {
		return e.refuseUnplanned(fc), nil
	}
	check := d.checks[fieldKey{fc.Object, fc.Field.Name}]
	if forbidden := e.forbidden(ctx, d, check, fc, e.parentObject(fc)); len(forbidden) > 0 {
		e.deny(fc, e.path(fc), forbidden...)
		return e.null(fc), nil
	}
	if e.guard.config.VerifyExecution && !e.allows(ctx, d, fc) {
		return e.refuseUnplanned(fc), nil
	}
	result, err := next(e.withVisibleParents(ctx, d, check, fc))
	switch {
	case err != nil && e.guard.config.IsNotFound(err) && e.denyMissing(ctx, d, fc, e.path(fc)):
		return e.null(fc), nil
	case err != nil:
	case fc.Object == e.stream:
		return e.listen(fc, result), nil
	case len(d.signIns) > 0 && d.signIns[responseKeyOf(fc)] != nil:
		return e.signIn(ctx, fc, d.signIns[responseKeyOf(fc)], result)
	case check != nil && check.mayHide:
		return e.filter(ctx, d, check.rule, result, fc)
	}
	return result, err
}

// forbidden returns why the field of an object may not be resolved: what the viewer lacks or, when they lack nothing,
// the verdict on the object.
func (e *execution) forbidden(
	ctx context.Context, d *decision, check *fieldCheck, fc *graphql.FieldContext, object any,
) []*violation {
	arguments := d.arguments[argumentKey{fc.Object, fc.Field.Field}]
	switch {
	case check != nil && check.denied != nil:
		return []*violation{check.denied}
	case arguments != nil && len(arguments.denied) > 0:
		return arguments.denied
	case check != nil && check.owner != nil && !e.guard.holdsFor(ctx, d, check.owner, object):
		return []*violation{notFound(check.rule.coordinate)}
	case arguments == nil:
		return nil
	}
	for _, in := range arguments.owners {
		if !e.guard.holdsFor(ctx, d, in.require, object) {
			return []*violation{notFound(in.coordinate)}
		}
	}
	return nil
}

// deny adds one error a coordinate, at the first of its paths: fields execute in no order.
func (e *execution) deny(fc *graphql.FieldContext, path ast.Path, all ...*violation) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, v := range all {
		if before := e.denied[v.coordinate]; before == nil || comparePaths(path, before.path) < 0 {
			at := *v
			at.path, at.at = slices.Clone(path), &pathElement{field: fc.Field.Field}
			set(&e.denied, v.coordinate, &at)
		}
	}
}

// set puts a value into a map, which it makes if it is the first.
func set[K comparable, V any](m *map[K]V, key K, value V) {
	if *m == nil {
		*m = map[K]V{}
	}
	(*m)[key] = value
}

// takeDenials returns the denials since the last response, in the order of their paths.
func (e *execution) takeDenials() []*violation {
	if len(e.denied) == 0 {
		return nil
	}
	all := slices.SortedFunc(maps.Values(e.denied), func(a, b *violation) int {
		return cmp.Or(comparePaths(a.path, b.path), strings.Compare(a.coordinate, b.coordinate))
	})
	clear(e.denied)
	return all
}

func comparePaths(a, b ast.Path) int {
	return slices.CompareFunc(a, b, func(x, y ast.PathElement) int {
		i, isIndex := x.(ast.PathIndex)
		j, isIndexToo := y.(ast.PathIndex)
		if isIndex && isIndexToo {
			return cmp.Compare(i, j)
		}
		return strings.Compare(fmt.Sprint(x), fmt.Sprint(y))
	})
}

// null returns what makes gqlgen answer a field with null, which bubbles up as the specification says. For a non-null
// field, nil would make gqlgen add an error of its own; graphql.Null does not. A scalar whose Go type is any takes
// graphql.Null for a value, so there gqlgen's error is dropped afterwards.
func (e *execution) null(fc *graphql.FieldContext) any {
	typ := fc.Field.Definition.Type
	if !typ.NonNull {
		return nil
	}
	if def := e.guard.table.schema.Types[typ.NamedType]; def == nil || def.Kind != ast.Scalar || def.BuiltIn {
		return graphql.Null
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	set(&e.nulls, fc.Path().String(), true)
	return nil
}

// signIn decides what is selected below a @signsIn field for the user that the field returned. A null result signs
// nobody in.
func (e *execution) signIn(ctx context.Context, fc *graphql.FieldContext, below []*node, result any) (any, error) {
	if isNil(reflect.ValueOf(result)) {
		return result, nil
	}
	v, have := e.guard.identify(ctx, "Config.SignedIn", func() (Viewer, error) {
		return e.guard.config.SignedIn(ctx, result)
	})
	d := e.guard.decide(ctx, below, false, v, have, e.variables)
	e.mu.Lock()
	set(&e.afterSignIn, fc, d)
	e.mu.Unlock()
	return e.filter(ctx, d, e.guard.table.types[fc.Object].fields[fc.Field.Name], result, fc)
}

func responseKeyOf(fc *graphql.FieldContext) responseKey {
	return responseKey{fc.Object, fc.Field.Alias}
}

// decisionFor returns the decision for a field: that of the nearest @signsIn field above it, or else the operation's.
func (e *execution) decisionFor(fc *graphql.FieldContext) *decision {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.afterSignIn) == 0 {
		return e.decision
	}
	for above := fc.Parent; above != nil; above = above.Parent {
		if d := e.afterSignIn[above]; d != nil {
			return d
		}
	}
	return e.decision
}

// holdsFor decides a requirement on an object by asking the predicates that it mentions.
func (g *Guard) holdsFor(ctx context.Context, d *decision, need *requirement, object any) bool {
	have := d.have
	for _, i := range need.owners {
		if g.isOwner(ctx, g.table.atoms[i].name, d.caller, object) {
			have.add(i)
		}
	}
	return need.holds(have)
}

// isOwner asks one predicate; an error or a panic denies.
func (g *Guard) isOwner(ctx context.Context, name string, c caller, object any) (yes bool) {
	defer func() {
		if p := recover(); p != nil {
			g.failures.error(ctx, "owner predicate panicked, denied", "owner", name, "panic", p)
			yes = false
		}
	}()
	if c.isAnonymous() || object == nil {
		return false
	}
	yes, err := g.owns(ctx, name, c.viewer, object)
	if err != nil {
		g.failures.error(ctx, "owner predicate failed, denied", "owner", name, "error", err)
		return false
	}
	return yes
}
