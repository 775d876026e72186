package authz

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
)

// refuseUnplanned records a field that executes and must not, which fails the operation.
func (e *execution) refuseUnplanned(fc *graphql.FieldContext) any {
	e.mu.Lock()
	e.unplanned = append(e.unplanned, fc.Object+"."+fc.Field.Name)
	e.mu.Unlock()
	return e.null(fc)
}

// isUnplanned reports whether a field executes that must not: one of an object for which Config.TypeName and gqlgen
// disagree, so that it was not decided, or, with Config.VerifyExecution, one that is not in the plan.
func (e *execution) isUnplanned(fc *graphql.FieldContext) bool {
	return e.guard.config.VerifyExecution && !e.plan.selects(fc.Object, fc.Field.Name) || e.typeMismatch(fc)
}

// allows decides a field that is about to be resolved a second time: from the compiled table alone, by its type and
// name and the object that it belongs to, whatever the plan and the decision say. A mistake of theirs is found here.
func (e *execution) allows(ctx context.Context, d *decision, fc *graphql.FieldContext) bool {
	t := e.guard.table.types[fc.Object]
	if t == nil || t.fields[fc.Field.Name] == nil {
		return true // introspection, which was decided where it begins
	}
	rule, object := t.fields[fc.Field.Name], e.parentObject(fc)
	needs := []*requirement{t.require, rule.require}
	for _, a := range fc.Field.Arguments {
		if (&walker{variables: e.variables}).isSupplied(a.Value) && !(t.root && namesOwned(rule.arguments[a.Name])) {
			needs = append(needs, rule.arguments[a.Name])
		}
	}
	for _, need := range needs {
		switch d.verdict(need) {
		case denied:
			return false
		case byOwner:
			if !e.guard.holdsFor(ctx, d, need, object) {
				return false
			}
		}
	}
	return true
}

// namesOwned reports whether a rule is about the object that an ID names, which the decision has loaded.
func namesOwned(need *requirement) bool { return need != nil && len(need.owners) > 0 }

// typeMismatch reports whether an object behind an interface or union was decided as one of another type.
func (e *execution) typeMismatch(fc *graphql.FieldContext) bool {
	above := fc.Parent
	for above != nil && above.Field.Field == nil && above.Index != nil {
		above = above.Parent
	}
	if above == nil || above.Field.Field == nil {
		return false
	}
	def := e.guard.table.schema.Types[above.Field.Definition.Type.Name()]
	return def.IsAbstractType() && e.guard.config.TypeName(e.parentObject(fc)) != fc.Object
}
