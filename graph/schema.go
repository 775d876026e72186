package graph

import (
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/authz"
	"github.com/gatehouse/gatehouse/internal/accounts"
)

// LoadSchema returns the product's schema: a copy of its own, whose descriptions the guard completes.
func LoadSchema() *ast.Schema {
	schema := gqlparser.MustLoadSchema(sources...)
	delete(schema.Directives, "defer") // gqlparser adds it; package querylimit refuses it
	return schema
}

// NewSchema returns a schema that LoadSchema has loaded, with its resolvers. The guard is of the same schema.
func NewSchema(schema *ast.Schema, service *accounts.Service, guard *authz.Guard) graphql.ExecutableSchema {
	return NewExecutableSchema(Config{
		Schema:    schema,
		Resolvers: &resolver{accounts: service, guard: guard},
	})
}

// SDL returns the text of the whole schema: that of schema.graphql, and of every other file that gqlgen.yml lists.
func SDL() string {
	var all strings.Builder
	for _, source := range sources {
		if !source.BuiltIn {
			all.WriteString(source.Input)
		}
	}
	return all.String()
}

// omittable returns a pointer to an input's value, null included, or nil when the client left it out.
func omittable[T any](input graphql.Omittable[T]) *T {
	if value, ok := input.ValueOK(); ok {
		return &value
	}
	return nil
}

// valueOrZero returns an argument's value, and the zero value when it is not given.
func valueOrZero[T any](argument *T) (value T) {
	if argument != nil {
		value = *argument
	}
	return value
}
