package graph

import (
	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"

	"github.com/gatehouse/gatehouse/graph/model"
	"github.com/gatehouse/gatehouse/internal/accounts"
)

// NewSchema returns the product's schema with its resolvers.
func NewSchema(service *accounts.Service) graphql.ExecutableSchema {
	schema := gqlparser.MustLoadSchema(sources...) // a copy of its own, whose descriptions the guard completes
	delete(schema.Directives, "defer")             // gqlparser adds it; package querylimit refuses it
	return NewExecutableSchema(Config{
		Schema:    schema,
		Resolvers: &resolver{accounts: service},
	})
}

// SDL returns the text of schema.graphql.
func SDL() string { return sources[0].Input }

// omittable returns a pointer to an input's value, null included, or nil when the client left it out.
func omittable[T any](input graphql.Omittable[T]) *T {
	if value, ok := input.ValueOK(); ok {
		return &value
	}
	return nil
}

// defaultFirst is the page size when a client sends null; the default in schema.graphql is for an absent argument.
const defaultFirst = 20

// userPage combines the arguments of the field users.
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
