package graph

import (
	"github.com/99designs/gqlgen/graphql"

	"github.com/gatehouse/gatehouse/internal/accounts"
)

// NewSchema returns the product's schema with its resolvers.
func NewSchema(service *accounts.Service) graphql.ExecutableSchema {
	return NewExecutableSchema(Config{Resolvers: &resolver{accounts: service}})
}

// SDL returns the text of schema.graphql, with every rule on it.
func SDL() string { return sources[0].Input }

// given returns a pointer to an input's value, null included, or nil when the client left it out.
func given[T any](input graphql.Omittable[T]) *T {
	if value, set := input.ValueOK(); set {
		return &value
	}
	return nil
}
