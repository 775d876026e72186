package authz

import (
	"context"
	"reflect"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// filter decides the objects that a field returned before any of their fields resolves. Null takes the place of those
// that the viewer may not see.
func (e *execution) filter(
	ctx context.Context, d *decision, f *fieldRule, result any, fc *graphql.FieldContext,
) (any, error) {
	of := &objectFilter{execution: e, ctx: ctx, fc: fc, decision: d, field: f}
	out, hidden := of.value(reflect.ValueOf(result), f.definition.Type, e.path(fc))
	if hidden {
		return e.null(fc), nil
	}
	if !out.IsValid() {
		return nil, nil
	}
	return out.Interface(), nil
}

// objectFilter hides objects in the result of one field.
type objectFilter struct {
	execution *execution
	ctx       context.Context
	fc        *graphql.FieldContext // the field's
	decision  *decision
	field     *fieldRule
}

// value returns what is left of v, and whether null must take its place.
func (f *objectFilter) value(v reflect.Value, typ *ast.Type, path ast.Path) (reflect.Value, bool) {
	for v.IsValid() && v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	if isNil(v) {
		return f.missing(v, typ, path)
	}
	if typ.Elem != nil && v.Kind() == reflect.Slice {
		return f.list(v, typ.Elem, path)
	}
	object := pointerTo(v)
	t := f.concrete(object)
	if t == nil || !f.visible(t, object) {
		f.deny(path)
		return v, true
	}
	return v, false
}

// visible reports whether the viewer may know of an object.
func (f *objectFilter) visible(t *objectType, object any) bool {
	switch f.decision.verdict(t.require) {
	case granted:
		return true
	case byOwner:
		return f.execution.guard.holdsFor(f.ctx, f.decision, t.require, object)
	default:
		return false
	}
}

// deny adds the error for a hidden object. It is the same for another owner's object, for one of a forbidden type
// behind an interface or union, and for a missing one, so that the client cannot tell them apart.
func (f *objectFilter) deny(path ast.Path) {
	d, only := f.decision, f.field.returns[0]
	switch {
	case d.caller.isAnonymous():
		f.execution.deny(f.fc, path, denyAnonymous(f.field.coordinate, d.caller))
	case len(f.field.returns) == 1 && d.verdict(only.require) == denied:
		f.execution.deny(f.fc, path, d.deny(only.name, only.require))
	default:
		f.execution.deny(f.fc, path, notFound(f.field.coordinate))
	}
}

// missing reports a nil object exactly like a hidden one when the field can hide objects. A nil list hides nothing.
func (f *objectFilter) missing(v reflect.Value, typ *ast.Type, path ast.Path) (reflect.Value, bool) {
	mayHide := func(t *objectType) bool { return f.decision.verdict(t.require) != granted }
	if typ.Elem == nil && slices.ContainsFunc(f.field.returns, mayHide) {
		f.deny(path)
		return v, true
	}
	return v, false
}

// list filters each element. A hidden one becomes nil in a copy; where the schema or the Go type does not allow that,
// null takes the place of the list.
func (f *objectFilter) list(v reflect.Value, typ *ast.Type, path ast.Path) (reflect.Value, bool) {
	out, copied := v, false
	for i := range v.Len() {
		left, hidden := f.value(v.Index(i), typ, append(path, ast.PathIndex(i)))
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

// concrete returns the object's type, one of those that the field can return; nil when it is none of them.
func (f *objectFilter) concrete(object any) *objectType {
	if len(f.field.returns) == 1 && f.decision.table.types[f.field.definition.Type.Name()] != nil {
		return f.field.returns[0]
	}
	name := f.execution.guard.config.TypeName(object)
	i := slices.IndexFunc(f.field.returns, func(t *objectType) bool { return t.name == name })
	if i < 0 {
		f.execution.guard.failures.error(f.ctx,
			"an object is of no type that its field returns, denied; set Config.TypeName",
			"coordinate", f.field.coordinate, "goType", reflect.TypeOf(object).String(), "typeName", name)
		return nil
	}
	return f.field.returns[i]
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
	switch t.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Slice, reflect.Map:
		return true
	default:
		return false
	}
}

// pointerTo returns the object as a pointer to its value, whether gqlgen holds a value, a pointer or an interface.
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

// isNil reports whether gqlgen answers v with null.
func isNil(v reflect.Value) bool { return !v.IsValid() || nillable(v.Type()) && v.IsNil() }
