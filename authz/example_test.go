package authz_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/authz"
)

// New rejects a schema with a place that does not say who may use it, and names the place. With the missing rule added,
// the schema is its own access table.
func ExampleNew() {
	sdl := authz.Directives + `
		enum Role { EDITOR }
		enum Owner { AUTHOR }

		type Query {
		  titles: [String!]! @public
		  draft(id: ID!): Draft
		}
		type Draft @auth(any: [{ roles: [EDITOR] }, { owner: AUTHOR }]) { text: String! }
	`
	config := authz.Config{
		// From your authentication; nil is anonymous.
		Viewer: func(context.Context) (authz.Viewer, error) { return nil, nil },
		Owners: map[string][]authz.Owner{"AUTHOR": {authz.OwnerOf(isAuthorOf)}},
		Labels: map[string]string{"EDITOR": "editors", "AUTHOR": "its author"},
	}

	_, err := authz.New(gqlparser.MustLoadSchema(&ast.Source{Input: sdl}), config)
	fmt.Println(err)

	complete := strings.Replace(sdl, "draft(id: ID!): Draft", "draft(id: ID!): Draft @auth", 1)
	guard, err := authz.New(gqlparser.MustLoadSchema(&ast.Source{Input: complete}), config)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, place := range guard.Access() {
		fmt.Printf("%-16s  %s\n", place.Coordinate, place.Who)
	}
	// Output:
	// the schema is not a complete access policy: Query.draft: does not say who may use it; write @auth(…) or @public behind it
	// Query.titles      everyone
	// Query.draft       signed-in users
	// Query.draft(id:)  signed-in users
	// Draft             editors, or its author
	// Draft.text        editors, or its author
}

// Draft is the Go type of the objects of GraphQL type Draft.
type Draft struct{ Author string }

// isAuthorOf decides owner: AUTHOR on drafts.
func isAuthorOf(_ context.Context, v authz.Viewer, d *Draft) (bool, error) { return false, nil }
