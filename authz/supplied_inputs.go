package authz

import (
	"reflect"

	"github.com/vektah/gqlparser/v2/ast"
)

// supplied lists the guarded arguments and input fields that the client gave a value in one selection, by literal or
// by variable; null is a value too.
func (w *walker) supplied(u *use) []guardedUse {
	var all []guardedUse
	for _, g := range u.arguments {
		if !w.given(g.value) {
			continue
		}
		if g.require != nil {
			all = append(all, g)
		}
		all = w.literal(all, g.typ, g.value)
	}
	return all
}

// given reports whether the executor will find a value. For a variable that the operation left out, it takes the default
// that validation bound to the place; in a fragment that several operations share, that may be another operation's.
func (w *walker) given(v *ast.Value) bool {
	if v.Kind != ast.Variable {
		return true
	}
	_, given := w.variables[v.Raw]
	return given || defaultOf(v) != nil
}

func defaultOf(v *ast.Value) *ast.Value {
	if v.VariableDefinition == nil {
		return nil
	}
	return v.VariableDefinition.DefaultValue
}

// literal adds the guarded input fields inside a value of the document.
func (w *walker) literal(all []guardedUse, typ *ast.Type, v *ast.Value) []guardedUse {
	if typ.Elem != nil && v.Kind == ast.ListValue {
		for _, item := range v.Children {
			all = w.literal(all, typ.Elem, item.Value)
		}
		return all
	}
	t := w.guard.table.inputs[typ.Name()]
	if t == nil || !t.guarded {
		return all
	}
	if v.Kind == ast.Variable {
		if value, given := w.variables[v.Raw]; given {
			return w.value(all, t, value)
		}
		if otherwise := defaultOf(v); otherwise != nil {
			return w.literal(all, typ, otherwise)
		}
		return all
	}
	for _, f := range v.Children {
		if !w.given(f.Value) {
			continue
		}
		all = w.inputField(all, t, f.Name)
		if def := t.definition.Fields.ForName(f.Name); def != nil {
			all = w.literal(all, def.Type, f.Value)
		}
	}
	return all
}

// value adds the guarded input fields inside a variable's coerced value. A value that is no object, list or null
// cannot be looked into; it counts as supplying every guarded field.
func (w *walker) value(all []guardedUse, t *inputType, value any) []guardedUse {
	v := reflect.ValueOf(value)
	for v.IsValid() && (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface) {
		v = v.Elem()
	}
	switch {
	case !v.IsValid():
		return all
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			all = w.value(all, t, v.Index(i).Interface())
		}
		return all
	case v.Kind() != reflect.Map || v.Type().Key().Kind() != reflect.String:
		for _, name := range sortedNames(t.fields) {
			all = w.inputField(all, t, name)
		}
		return all
	}
	for _, def := range t.definition.Fields {
		given := v.MapIndex(reflect.ValueOf(def.Name).Convert(v.Type().Key()))
		if !given.IsValid() {
			continue
		}
		all = w.inputField(all, t, def.Name)
		if inner := w.guard.table.inputs[def.Type.Name()]; inner != nil && inner.guarded {
			all = w.value(all, inner, given.Interface())
		}
	}
	return all
}

func (w *walker) inputField(all []guardedUse, t *inputType, name string) []guardedUse {
	if r := t.fields[name]; r != nil {
		all = append(all, guardedUse{coordinate: t.definition.Name + "." + name, require: r})
	}
	return all
}
