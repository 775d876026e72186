// Package baregqlgen is what a gqlgen server does that checks nothing and reads nothing: the benchmark's second
// yardstick. It answers `me` and a page of users from memory.
package baregqlgen

import (
	"context"
	"net/http"

	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/vektah/gqlparser/v2/ast"
)

//go:generate go tool gqlgen generate

// NewHandler returns the server, with its cache of parsed documents. The first user is `me`; a page has all of them.
func NewHandler(users []*User) http.Handler {
	page := &UserConnection{PageInfo: &PageInfo{HasNextPage: true}}
	for _, u := range users {
		page.Edges = append(page.Edges, &UserEdge{Cursor: u.ID.String(), Node: u})
	}
	page.PageInfo.EndCursor = &page.Edges[len(page.Edges)-1].Cursor
	s := handler.New(NewExecutableSchema(Config{Resolvers: resolvers{page}}))
	s.AddTransport(transport.POST{})
	s.SetQueryCache(lru.New[*ast.QueryDocument](1000))
	return s
}

type resolvers struct{ page *UserConnection }

func (r resolvers) Query() QueryResolver { return r }

// Me is the resolver for the me field.
func (r resolvers) Me(context.Context) (*User, error) { return r.page.Edges[0].Node, nil }

// Users is the resolver for the users field.
func (r resolvers) Users(context.Context, *int, *string) (*UserConnection, error) { return r.page, nil }
