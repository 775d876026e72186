package authz

import (
	"context"
	"fmt"
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

	mu     sync.Mutex
	signed map[*graphql.FieldContext]*decision // below a @signsIn field that has succeeded
	found  []*violation
	seen   map[string]bool
	strays []string // fields that ran without being in the plan
}

// field is the resolver middleware of the operation. A forbidden field returns graphql.Null, which gqlgen takes for a
// value that is null, so that null bubbles as the specification says and gqlgen adds no error of its own.
func (r *run) field(ctx context.Context, next graphql.Resolver) (any, error) {
	fc := graphql.GetFieldContext(ctx)
	d := r.decisionFor(fc)
	if r.guard.config.Audit && !r.audited(d, fc) {
		return graphql.Null, nil
	}
	if forbidden := r.arguments(ctx, d, fc); forbidden != nil {
		return r.deny(forbidden, fc.Path())
	}
	check := d.checks[fieldKey{fc.Object, fc.Field.Name}]
	if check == nil {
		return next(ctx)
	}
	if check.denied != nil {
		return r.deny(check.denied, fc.Path())
	}
	if check.owner != nil && !r.owns(ctx, d, check.owner, parentObject(fc)) {
		return r.deny(notFound(check.rule.coordinate, nil), fc.Path())
	}
	result, err := next(ctx)
	if err != nil {
		return result, err
	}
	if check.signs != nil {
		return r.signIn(ctx, fc, check, result)
	}
	if check.gate {
		return r.gate(ctx, d, check.rule, result, fc.Path())
	}
	return result, nil
}

// arguments returns why the supplied arguments forbid the field, or nil.
func (r *run) arguments(ctx context.Context, d *decision, fc *graphql.FieldContext) *violation {
	check := d.arguments[fc.Field.Field]
	if check == nil {
		return nil
	}
	for _, g := range check.owners {
		if !r.owns(ctx, d, g.require, parentObject(fc)) {
			return notFound(g.coordinate, nil)
		}
	}
	return check.denied
}

// deny notes one error a coordinate, at the place where it was first met.
func (r *run) deny(v *violation, path ast.Path) (any, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.seen[v.coordinate] {
		r.seen[v.coordinate] = true
		met := *v
		met.path = path
		r.found = append(r.found, &met)
	}
	return graphql.Null, nil
}

// signIn decides what is selected below a @signsIn field for the user that the field returned.
func (r *run) signIn(ctx context.Context, fc *graphql.FieldContext, check *fieldCheck, result any) (any, error) {
	v := r.guard.config.SignedIn(ctx, result)
	d := r.guard.decide(check.signs, false, v, r.guard.ask(v), r.variables)
	r.mu.Lock()
	r.signed[fc] = d
	r.mu.Unlock()
	return r.gate(ctx, d, check.rule, result, fc.Path())
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
	if v == nil || !v.SignedIn() || object == nil {
		return false
	}
	yes, err := g.config.Owners[name](ctx, v, object)
	if err != nil {
		g.config.Log.ErrorContext(ctx, "owner predicate failed, denied", "owner", name, "error", err)
		return false
	}
	return yes
}

// audited reports whether the plan knows the field; a field that it does not know must never have run.
func (r *run) audited(d *decision, fc *graphql.FieldContext) bool {
	if r.plan.selects(fc.Object, fc.Field.Name) {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.strays = append(r.strays, fmt.Sprintf("%s.%s", fc.Object, fc.Field.Name))
	return false
}
