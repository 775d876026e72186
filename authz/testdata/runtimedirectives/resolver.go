// Package runtimedirectives serves a schema whose directives gqlgen runs itself.
package runtimedirectives

import "context"

// Resolver answers with its rows, and with one object of each other type.
type Resolver struct{ Many []*Row }

var _ ResolverRoot = Resolver{}

func (r Resolver) Query() QueryResolver                  { return r }
func (r Resolver) Rows(context.Context) ([]*Row, error)  { return r.Many, nil }
func (Resolver) Secret(context.Context) (*Secret, error) { return &Secret{ID: "s"}, nil }
func (Resolver) Thing(context.Context) (Thing, error)    { return &Secret{ID: "s"}, nil }
func (Resolver) Animal(context.Context) (Animal, error)  { return &Dog{Name: "Rex"}, nil }
func (Resolver) Again(context.Context) (*Query, error)   { return &Query{}, nil }
