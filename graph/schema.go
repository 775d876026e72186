package graph

import (
	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"

	"github.com/gatehouse/gatehouse/graph/model"
	"github.com/gatehouse/gatehouse/internal/accounts"
)

// NewSchema returns the product's schema with its resolvers.
func NewSchema(service *accounts.Service) graphql.ExecutableSchema {
	return NewExecutableSchema(Config{
		Schema:    gqlparser.MustLoadSchema(sources...), // a copy of its own, whose descriptions the guard completes
		Resolvers: &resolver{accounts: service},
	})
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

// defaultFirst is the page size of a client that says null, where schema.graphql's default does not count.
const defaultFirst = 20

// userPage puts the arguments of users together.
func userPage(first *int32, after, search *string, filter *model.UserFilter) accounts.UserPage {
	page := accounts.UserPage{First: defaultFirst, After: after, Search: search}
	if first != nil {
		page.First = int(*first)
	}
	if filter != nil {
		page.Status, page.Role = filter.Status.Value(), filter.Role.Value()
	}
	return page
}
