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
)

// run holds one executing operation against its decision. It exists only when something is not simply granted, or
// when the guard audits itself.
type run struct {
	guard     *Guard
	variables map[string]any
	first     *decision
	plan      *plan
	stream    string  // the subscription type, when the operation is a subscription
	events    *events // what it sends

	mu     sync.Mutex
	signed map[*graphql.FieldContext]*decision // below a @signsIn field that has succeeded
	met    map[string]*violation               // by coordinate
	nulls  map[string]bool                     // places at which gqlgen complains of a null that is ours
	strays []string                            // fields that ran without being in the plan
}

// field is the resolver middleware of the operation.
func (r *run) field(ctx context.Context, next graphql.Resolver) (any, error) {
	fc := graphql.GetFieldContext(ctx)
	d := r.decisionFor(fc)
	if r.strayed(fc) {
		return r.null(fc), nil
	}
	check := d.checks[fieldKey{fc.Object, fc.Field.Name}]
	if forbidden := r.forbidden(ctx, d, check, fc); len(forbidden) > 0 {
		r.deny(r.path(fc), forbidden...)
		return r.null(fc), nil
	}
	result, err := next(ctx)
	switch {
	case err != nil:
		return result, err
	case fc.Object == r.stream:
		return r.listen(d, check, fc, result), nil
	case check == nil:
		return result, nil
	case check.signs != nil:
		return r.signIn(ctx, fc, check, result)
	case check.gate:
		return r.gate(ctx, d, check.rule, result, fc)
	default:
		return result, nil
	}
}

// forbidden returns why the field may not be resolved: what the viewer lacks or, when they lack nothing, what the object
// that the field belongs to says.
func (r *run) forbidden(ctx context.Context, d *decision, check *fieldCheck, fc *graphql.FieldContext) []*violation {
	arguments := d.arguments[argumentKey{fc.Object, fc.Field.Field}]
	switch {
	case check != nil && check.denied != nil:
		return []*violation{check.denied}
	case arguments != nil && len(arguments.denied) > 0:
		return arguments.denied
	case check != nil && check.owner != nil && !r.owns(ctx, d, check.owner, r.parentObject(fc)):
		return []*violation{notFound(check.rule.coordinate)}
	case arguments == nil:
		return nil
	}
	for _, g := range arguments.owners {
		if !r.owns(ctx, d, g.require, r.parentObject(fc)) {
			return []*violation{notFound(g.coordinate)}
		}
	}
	return nil
}

// deny notes one error a coordinate, at the first of the places where it is met: fields run in no order.
func (r *run) deny(path ast.Path, all ...*violation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, v := range all {
		if before := r.met[v.coordinate]; before == nil || comparePaths(path, before.path) < 0 {
			met := *v
			met.path = slices.Clone(path)
			r.met[v.coordinate] = &met
		}
	}
}

// denials returns what was met since the last answer, in the order of the places.
func (r *run) denials() []*violation {
	all := slices.SortedFunc(maps.Values(r.met), func(a, b *violation) int {
		return cmp.Or(comparePaths(a.path, b.path), strings.Compare(a.coordinate, b.coordinate))
	})
	clear(r.met)
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

// null is what to give gqlgen in the place of a field's value, so that null bubbles as the specification says. In a place
// that must not be null, nil would make gqlgen add an error of its own, which graphql.Null does not; but a scalar whose
// Go type is any takes graphql.Null for a value, so there the error is taken away afterwards.
func (r *run) null(fc *graphql.FieldContext) any {
	typ := fc.Field.Definition.Type
	if !typ.NonNull {
		return nil
	}
	if def := r.guard.table.schema.Types[typ.NamedType]; def == nil || def.Kind != ast.Scalar || def.BuiltIn {
		return graphql.Null
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.nulls[fc.Path().String()] = true
	return nil
}

// signIn decides what is selected below a @signsIn field for the user that the field returned. A null result is no
// success and signs nobody in.
func (r *run) signIn(ctx context.Context, fc *graphql.FieldContext, check *fieldCheck, result any) (any, error) {
	if isNil(reflect.ValueOf(result)) {
		return result, nil
	}
	v, have := r.guard.known(ctx, "Config.SignedIn", func() Viewer { return r.guard.config.SignedIn(ctx, result) })
	d := r.guard.decide(check.signs, false, v, have, r.variables)
	r.mu.Lock()
	r.signed[fc] = d
	r.mu.Unlock()
	return r.gate(ctx, d, check.rule, result, fc)
}

// decisionFor finds the decision that governs a field: that of the nearest @signsIn field above it, or the first.
func (r *run) decisionFor(fc *graphql.FieldContext) *decision {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.signed) == 0 {
		return r.first
	}
	for at := fc.Parent; at != nil; at = at.Parent {
		if d := r.signed[at]; d != nil {
			return d
		}
	}
	return r.first
}

// owns decides a requirement on an object by asking the predicates that it mentions.
func (r *run) owns(ctx context.Context, d *decision, need *requirement, object any) bool {
	have := d.have
	for _, i := range need.owners {
		if r.guard.isOwner(ctx, r.guard.table.atoms[i].name, d.viewer, object) {
			have.add(i)
		}
	}
	return need.holds(have)
}

// isOwner asks one predicate; an error or a panic denies.
func (g *Guard) isOwner(ctx context.Context, name string, v Viewer, object any) (yes bool) {
	defer func() {
		if p := recover(); p != nil {
			g.config.Log.ErrorContext(ctx, "owner predicate panicked, denied", "owner", name, "panic", p)
			yes = false
		}
	}()
	if isNobody(v) || object == nil {
		return false
	}
	yes, err := g.config.Owners[name](ctx, v, object)
	if err != nil {
		g.config.Log.ErrorContext(ctx, "owner predicate failed, denied", "owner", name, "error", err)
		return false
	}
	return yes
}

// strayed reports whether a field runs that must not: one of an object that Config.TypeName names otherwise than
// gqlgen does, so that it was not decided, or, when the guard audits itself, one that is not in the plan.
func (r *run) strayed(fc *graphql.FieldContext) bool {
	known := !r.guard.config.VerifyExecution || r.plan.selects(fc.Object, fc.Field.Name)
	if known && !r.misnamed(fc) {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.strays = append(r.strays, fmt.Sprintf("%s.%s", fc.Object, fc.Field.Name))
	return true
}

// misnamed reports whether an object behind an interface or union was taken for one of another type.
func (r *run) misnamed(fc *graphql.FieldContext) bool {
	above := fc.Parent
	for above != nil && above.Field.Field == nil && above.Index != nil {
		above = above.Parent
	}
	if above == nil || above.Field.Field == nil {
		return false
	}
	def := r.guard.table.schema.Types[above.Field.Definition.Type.Name()]
	return def.IsAbstractType() && r.guard.config.TypeName(r.parentObject(fc)) != fc.Object
}
