package authz

import (
	"context"
	"fmt"
	"reflect"
)

// maxNamedObjects bounds the objects that one operation may name: each is loaded before the operation runs.
const maxNamedObjects = 100

// namedObjects are the objects that a supplied ID names.
type namedObjects struct {
	in guardedInput
	at *pathElement
}

// decideNamed decides the objects that a mutation names. Only then is anything read for it: one that is refused for
// another reason reads nothing.
func (w *walker) decideNamed() {
	for _, n := range w.named {
		if v := w.foreign(n.in); v != nil {
			v.at = n.at
			w.violations = append(w.violations, v)
		}
	}
}

// foreign returns a violation unless each object that a supplied ID names is there and satisfies the ID's rule. It is
// asked before anything runs, and its answer to a missing object is the one to a foreign object.
func (w *walker) foreign(in guardedInput) *violation {
	names, readable := idsOf(in.supplied)
	if !readable {
		return notFound(in.coordinate)
	}
	for _, id := range names {
		if w.loaded++; w.loaded > maxNamedObjects {
			return &violation{
				code:       Forbidden,
				coordinate: in.coordinate,
				message: fmt.Sprintf("%s: one operation may name at most %d objects.", in.coordinate,
					maxNamedObjects),
			}
		}
		object, err := w.guard.load(w.ctx, in.coordinate, id)
		if err != nil {
			return &violation{code: NotFound, coordinate: in.coordinate, err: err}
		}
		if object == nil || !w.guard.holdsFor(w.ctx, w.decision, in.require, object) {
			return notFound(in.coordinate)
		}
	}
	return nil
}

// load asks Config.Objects for an object; nil is none. A panic is an error.
func (g *Guard) load(ctx context.Context, coordinate, id string) (object any, err error) {
	defer func() {
		if p := recover(); p != nil {
			object, err = nil, fmt.Errorf("Config.Objects[%q] panicked: %v", coordinate, p)
		}
	}()
	found, err := g.config.Objects[coordinate](ctx, id)
	if v := reflect.ValueOf(found); err != nil || isNil(v) {
		return nil, err
	}
	return pointerTo(reflect.ValueOf(found)), nil
}

// idsOf returns the ids in a supplied value, and whether it could be read. Null names no object.
func idsOf(supplied any) (ids []string, readable bool) {
	v := reflect.ValueOf(supplied)
	for v.IsValid() && (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface) {
		v = v.Elem()
	}
	switch {
	case !v.IsValid():
		return nil, true
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			more, ok := idsOf(v.Index(i).Interface())
			if !ok {
				return nil, false
			}
			ids = append(ids, more...)
		}
		return ids, true
	case v.Kind() == reflect.String || v.CanInt():
		return []string{fmt.Sprint(v.Interface())}, true
	}
	return nil, false
}
