package authz

import (
	"context"
	"reflect"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// gate looks at the objects that a field returned before any of their fields resolve, and puts null in the place of
// those that are not for the viewer.
func (r *run) gate(ctx context.Context, d *decision, f *fieldRule, result any, fc *graphql.FieldContext) (any, error) {
	g := &gatekeeper{run: r, ctx: ctx, decision: d, field: f}
	out, hidden := g.value(reflect.ValueOf(result), f.definition.Type, r.path(fc))
	if hidden {
		return r.null(fc), nil
	}
	if !out.IsValid() {
		return nil, nil
	}
	return out.Interface(), nil
}

type gatekeeper struct {
	run      *run
	ctx      context.Context
	decision *decision
	field    *fieldRule
}

// value returns what is left of v, and whether null must take its place.
func (g *gatekeeper) value(v reflect.Value, typ *ast.Type, path ast.Path) (reflect.Value, bool) {
	for v.IsValid() && v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	if isNil(v) {
		return g.missing(v, typ, path)
	}
	if typ.Elem != nil && v.Kind() == reflect.Slice {
		return g.list(v, typ.Elem, path)
	}
	object := pointerTo(v)
	t := g.concrete(object)
	if t == nil || !g.shows(t, object) {
		g.withhold(path)
		return v, true
	}
	return v, false
}

// shows reports whether the viewer may know of an object.
func (g *gatekeeper) shows(t *objectType, object any) bool {
	switch g.verdict(t) {
	case granted:
		return true
	case byOwner:
		return g.run.owns(g.ctx, g.decision, t.require, object)
	default:
		return false
	}
}

func (g *gatekeeper) verdict(t *objectType) verdict {
	return t.require.verdict(g.decision.have, g.run.guard.table.owners)
}

// withhold answers for what is not shown, without a word of what it is or whether it is there: the same for an object
// of another, for one of a forbidden type behind an interface or union, and for none.
func (g *gatekeeper) withhold(path ast.Path) {
	d, table := g.decision, g.run.guard.table
	only := g.field.returns[0]
	switch {
	case isNobody(d.viewer):
		g.run.deny(path, denyNobody(g.field.coordinate, d.viewer))
	case len(g.field.returns) == 1 && g.verdict(only) == denied:
		g.run.deny(path, table.deny(only.name, only.require, d.have, d.viewer))
	default:
		g.run.deny(path, notFound(g.field.coordinate))
	}
}

// missing answers for an object that is not there: as for a hidden one, when one could have been hidden. A missing list
// hides nothing.
func (g *gatekeeper) missing(v reflect.Value, typ *ast.Type, path ast.Path) (reflect.Value, bool) {
	hides := func(t *objectType) bool { return g.verdict(t) != granted }
	if typ.Elem == nil && slices.ContainsFunc(g.field.returns, hides) {
		g.withhold(path)
		return v, true
	}
	return v, false
}

// list looks at each element. A hidden one becomes nil in a copy; where the schema or the Go type has no room for
// null, null takes the place of the list.
func (g *gatekeeper) list(v reflect.Value, typ *ast.Type, path ast.Path) (reflect.Value, bool) {
	out, copied := v, false
	for i := range v.Len() {
		left, hidden := g.value(v.Index(i), typ, append(path, ast.PathIndex(i)))
		if hidden && (typ.NonNull || !nillable(v.Type().Elem())) {
			return v, true
		}
		if !hidden && typ.Elem == nil {
			continue
		}
		if !copied {
			out, copied = reflect.MakeSlice(v.Type(), v.Len(), v.Len()), true
			reflect.Copy(out, v)
		}
		if hidden {
			out.Index(i).SetZero()
		} else {
			out.Index(i).Set(left)
		}
	}
	return out, false
}

// concrete tells which of the field's types an object is.
func (g *gatekeeper) concrete(object any) *objectType {
	if len(g.field.returns) == 1 && g.run.guard.table.types[g.field.definition.Type.Name()] != nil {
		return g.field.returns[0]
	}
	name := g.run.guard.config.TypeName(object)
	i := slices.IndexFunc(g.field.returns, func(t *objectType) bool { return t.name == name })
	if i < 0 {
		return nil
	}
	return g.field.returns[i]
}

// goTypeName is the default of Config.TypeName: gqlgen names its Go models after the GraphQL types.
func goTypeName(object any) string {
	t := reflect.TypeOf(object)
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil {
		return ""
	}
	return t.Name()
}

func nillable(t reflect.Type) bool {
	return t.Kind() == reflect.Pointer || t.Kind() == reflect.Interface || t.Kind() == reflect.Slice || t.Kind() == reflect.Map
}

// pointerTo returns the object as a pointer to its value, however gqlgen holds it.
func pointerTo(v reflect.Value) any {
	for v.Kind() == reflect.Interface || v.Kind() == reflect.Pointer && !v.IsNil() && nillable(v.Type().Elem()) {
		v = v.Elem()
		if !v.IsValid() {
			return nil
		}
	}
	if nillable(v.Type()) {
		if v.IsNil() {
			return nil
		}
		return v.Interface()
	}
	p := reflect.New(v.Type())
	p.Elem().Set(v)
	return p.Interface()
}

// isNil reports whether v is what gqlgen shows as null.
func isNil(v reflect.Value) bool { return !v.IsValid() || nillable(v.Type()) && v.IsNil() }
