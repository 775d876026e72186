package authz

import (
	"context"
	"fmt"
	"reflect"
	"slices"
)

// Owner is the predicate of a relation for the objects of one Go type. OwnerOf makes it.
type Owner struct {
	goType reflect.Type
	types  []string // the GraphQL types whose objects it decides; nil: the one that Config.TypeName says
	is     func(ctx context.Context, viewer Viewer, object any) (bool, error)
}

// OwnerOf makes a predicate of a function that reports whether a viewer stands in the relation to an object. T is the
// Go type, or a pointer to it, that gqlgen uses for a GraphQL type; V is the type of Config.Viewer's viewers. The
// function is asked of signed-in viewers only. It must return false for ids that are not set; an error or a panic
// denies.
func OwnerOf[T any, V Viewer](is func(ctx context.Context, viewer V, object T) (bool, error)) Owner {
	return Owner{
		goType: reflect.TypeFor[T](),
		is: func(ctx context.Context, viewer Viewer, object any) (bool, error) {
			v, ok := viewer.(V)
			if !ok {
				return false, fmt.Errorf("the viewer is %T, and the predicate takes %v", viewer, reflect.TypeFor[V]())
			}
			return is(ctx, v, object.(T))
		},
	}
}

// On names the GraphQL types whose objects have the predicate's Go type, where Config.TypeName does not: several share
// the Go type, and then the predicate.
func (o Owner) On(types ...string) Owner {
	o.types = types
	return o
}

// value returns the object as the predicate takes it.
func (o Owner) value(object any) (any, bool) {
	v := reflect.ValueOf(object)
	switch {
	case v.Type() == o.goType:
		return object, true
	case v.Kind() == reflect.Pointer && v.Type().Elem() == o.goType:
		return v.Elem().Interface(), true
	}
	return nil, false
}

// knows reports whether the predicate decides objects of a GraphQL type. Config.TypeName is asked about an empty
// object, which it may not expect.
func (o Owner) knows(typeName func(object any) string, name string) (known bool) {
	if o.types != nil {
		return slices.Contains(o.types, name)
	}
	defer func() {
		if recover() != nil {
			known = false
		}
	}()
	return typeName(reflect.New(o.base()).Interface()) == name
}

// base is the Go type without the pointer; nil for one that OwnerOf did not make.
func (o Owner) base() reflect.Type {
	if o.goType != nil && o.goType.Kind() == reflect.Pointer {
		return o.goType.Elem()
	}
	return o.goType
}

// owns asks the predicate of a relation for the object's Go type.
func (g *Guard) owns(ctx context.Context, relation string, v Viewer, object any) (bool, error) {
	for _, o := range g.config.Owners[relation] {
		if value, ok := o.value(object); ok {
			return o.is(ctx, v, value)
		}
	}
	return false, fmt.Errorf("no predicate takes a %T; add one to Config.Owners with authz.OwnerOf", object)
}
