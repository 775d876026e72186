package authz

import (
	"reflect"

	"github.com/vektah/gqlparser/v2/ast"
)

// supplied lists the guarded arguments and input fields that the client supplied in one selection, by literal or by
// variable; null is a value too.
func (w *walker) supplied(s *selection) []guardedInput {
	var all []guardedInput
	for _, in := range s.arguments {
		if !w.isSupplied(in.value) {
			continue
		}
		if in.require != nil {
			in.supplied = w.valueOf(in.value)
			all = append(all, in)
		}
		all = w.addLiteral(all, in.typ, in.value)
	}
	return all
}

// isSupplied reports whether the executor will find a value. For a variable that the operation left out, it takes the
// default that validation bound to the place; in a fragment that several operations share, that may be another
// operation's.
func (w *walker) isSupplied(v *ast.Value) bool {
	if v.Kind != ast.Variable {
		return true
	}
	_, ok := w.variables[v.Raw]
	return ok || defaultOf(v) != nil
}

func defaultOf(v *ast.Value) *ast.Value {
	if v.VariableDefinition == nil {
		return nil
	}
	return v.VariableDefinition.DefaultValue
}

// addLiteral adds the guarded input fields inside a value of the document.
func (w *walker) addLiteral(all []guardedInput, typ *ast.Type, v *ast.Value) []guardedInput {
	t := w.table.inputs[typ.Name()]
	switch {
	case t == nil || !t.guarded:
		return all
	case v.Kind == ast.Variable:
		return w.addVariable(all, typ, v)
	case typ.Elem != nil && v.Kind == ast.ListValue:
		for _, item := range v.Children {
			all = w.addLiteral(all, typ.Elem, item.Value)
		}
		return all
	}
	for _, f := range v.Children {
		if !w.isSupplied(f.Value) {
			continue
		}
		all = t.addField(all, f.Name, w.valueOf(f.Value))
		if def := t.definition.Fields.ForName(f.Name); def != nil {
			all = w.addLiteral(all, def.Type, f.Value)
		}
	}
	return all
}

// addVariable adds the guarded input fields inside a variable's value or else its default.
func (w *walker) addVariable(all []guardedInput, typ *ast.Type, v *ast.Value) []guardedInput {
	if value, ok := w.variables[v.Raw]; ok {
		return w.addValue(all, w.table.inputs[typ.Name()], value)
	}
	if value := defaultOf(v); value != nil {
		return w.addLiteral(all, typ, value)
	}
	return all
}

// addValue adds the guarded input fields inside a variable's coerced value. A value that is no object, list or null
// cannot be read; it counts as supplying every guarded field.
func (w *walker) addValue(all []guardedInput, t *inputType, value any) []guardedInput {
	v := reflect.ValueOf(value)
	for v.IsValid() && (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface) {
		v = v.Elem()
	}
	switch {
	case !v.IsValid():
		return all
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			all = w.addValue(all, t, v.Index(i).Interface())
		}
		return all
	case v.Kind() != reflect.Map || v.Type().Key().Kind() != reflect.String:
		for _, name := range sortedNames(t.fields) {
			all = t.addField(all, name, unreadable{})
		}
		return all
	default:
		return w.addObject(all, t, v)
	}
}

// addObject adds the guarded input fields inside a map by names.
func (w *walker) addObject(all []guardedInput, t *inputType, v reflect.Value) []guardedInput {
	for _, def := range t.definition.Fields {
		supplied := v.MapIndex(reflect.ValueOf(def.Name).Convert(v.Type().Key()))
		if !supplied.IsValid() {
			continue
		}
		all = t.addField(all, def.Name, supplied.Interface())
		if inner := w.table.inputs[def.Type.Name()]; inner != nil && inner.guarded {
			all = w.addValue(all, inner, supplied.Interface())
		}
	}
	return all
}

func (t *inputType) addField(all []guardedInput, name string, supplied any) []guardedInput {
	if r := t.fields[name]; r != nil {
		all = append(all, guardedInput{coordinate: t.definition.Name + "." + name, require: r, supplied: supplied})
	}
	return all
}

// unreadable is a supplied value of which only the resolver knows what it is.
type unreadable struct{}

// valueOf returns a value of the document with the variables in it replaced.
func (w *walker) valueOf(v *ast.Value) any {
	value, err := v.Value(w.variables)
	if err != nil {
		return unreadable{}
	}
	return value
}
