// Package graph is the door: GraphQL over HTTP, the bounds of an operation, and the words of errors. It knows field
// names, error codes and limits, and refuses to know tables, passwords and keys. What a field does is one expression
// that calls accounts; whether it may run is decided by authz before it is called.
package graph

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/vektah/gqlparser/v2/ast"
)

// HandlerConfig is what a handler needs.
type HandlerConfig struct {
	Schema        graphql.ExecutableSchema          // required: the schema with its resolvers
	Extensions    []graphql.HandlerExtension        // run in this order; the guard is one
	Queries       graphql.Cache[*ast.QueryDocument] // parsed documents, as the guard keeps them; default: a cache of its own
	Limits        Limits                            // default: DefaultLimits
	Timeout       time.Duration                     // of one operation; default: 10 s
	Issuer        *url.URL                          // the address that clients know: it decides how cookies are kept; default: none are
	Origins       []string                          // of the pages that may use the cookie, the issuer's own among them
	Introspection bool                              // whether the schema may be read, and messages may suggest parts of it
	Log           *slog.Logger                      // default: slog.Default()
	Observe       Observer                          // is told what becomes of each request; default: nobody is
	Unavailable   func(error) bool                  // whether an error says that the database does not answer; default: none does
}

// NewHandler returns the handler of /graphql. It panics when an extension refuses the schema.
func NewHandler(c HandlerConfig) http.Handler {
	c.Limits = c.Limits.withDefaults()
	presenter := Presenter{Log: cmp.Or(c.Log, slog.Default()), Unavailable: c.Unavailable}
	if !c.Introspection {
		presenter.hidden = namesOf(c.Schema.Schema())
	}
	if c.Queries == nil {
		c.Queries = lru.New[*ast.QueryDocument](CachedQueries)
	}
	queries := shortQueries{c.Queries}

	server := handler.New(c.Schema)
	server.SetErrorPresenter(presenter.Present)
	server.SetRecoverFunc(presenter.Recover)
	server.SetQueryCache(queries)
	server.SetParserTokenLimit(c.Limits.Tokens)
	server.SetDisableSuggestion(!c.Introspection)
	server.SetValidationRulesFn(validation(c.Introspection))
	server.AddTransport(&transport{
		limits:    c.Limits,
		turns:     newTurns(),
		lane:      newLane(),
		timeout:   cmp.Or(c.Timeout, 10*time.Second),
		cookies:   newCookieRules(c.Issuer, c.Origins),
		presenter: presenter,
		observe:   c.Observe,
	})
	server.Use(bouncer{limits: c.Limits, introspection: c.Introspection, signIns: signIns(c.Schema.Schema()), passed: queries})
	server.Use(variables{})
	server.Use(enums{c.Schema.Schema()})
	if c.Introspection {
		server.Use(extension.Introspection{})
	}
	for _, e := range c.Extensions {
		server.Use(e)
	}
	return server
}

// A parsed document of 1000 tokens holds up to 200 KiB, however short its text: 160 of them are 32 MiB at worst. Those
// that clients send hold about 3 KiB.
const (
	CachedQueries  = 160     // documents
	longestQueries = 4 << 10 // bytes of text
)

// shortQueries is a cache that keeps short documents only, so that it is bounded in bytes and not just in entries.
type shortQueries struct {
	graphql.Cache[*ast.QueryDocument]
}

// Add keeps a document unless it is long.
func (c shortQueries) Add(ctx context.Context, text string, doc *ast.QueryDocument) {
	if len(text) <= longestQueries {
		c.Cache.Add(ctx, text, doc)
	}
}
