// Package graphqlhttp answers GraphQL over HTTP: it reads a request, negotiates the media type, has gqlgen run the
// operation within its limits, and writes the response with its status. It knows no accounts and no cookies; a program
// adds those with the hooks of Config.
package graphqlhttp

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/internal/querylimit"
)

// Config is what a handler needs.
type Config struct {
	Schema        graphql.ExecutableSchema          // required: the schema with its resolvers
	PresentError  graphql.ErrorPresenterFunc        // required: turns every error into one with extensions.code
	Extensions    []graphql.HandlerExtension        // run in this order
	Documents     graphql.Cache[*ast.QueryDocument] // validated documents; default: a cache of CachedDocuments
	Limits        querylimit.Limits                 // default: querylimit.DefaultLimits
	Introspection bool                              // whether a client may read the schema
	Log           *slog.Logger                      // default: slog.Default()
	Observe       Observer                          // called for each request; default: none

	// Before is called for each request before it is read. It returns the context of the resolvers, or why the request
	// is refused. Default: the context as it is.
	Before func(context.Context, *http.Request) (context.Context, *RequestError)
	// Caller says who asks: callers take turns for what is scarce. Default: all requests are one caller's.
	Caller func(context.Context) Caller
	// After is called when an operation has run, with the context of its resolvers and the headers of the response.
	After func(context.Context, http.Header)
}

// Caller is who asks.
type Caller struct {
	Names    []string // from the widest network to the narrowest, or a user's: see fairqueue.Limiter
	SignedIn bool
}

// Handler answers GraphQL over HTTP.
type Handler struct{ *transport }

// Stats says how busy a handler is.
type Stats struct {
	Parsing   QueueStats // of long requests and new documents
	Execution QueueStats // of expensive operations
}

// Stats returns the numbers of this moment.
func (h *Handler) Stats() Stats { return Stats{h.parsing.stats(), h.execution.stats()} }

// NewHandler returns a handler of GraphQL over HTTP, behind which nothing takes longer than the context of a request: see
// Begin. It panics when an extension refuses the schema.
func NewHandler(c Config) *Handler {
	c.Limits = c.Limits.WithDefaults()
	c.Log = cmp.Or(c.Log, slog.Default())
	if c.Documents == nil {
		c.Documents = lru.New[*ast.QueryDocument](CachedDocuments)
	}
	if c.Caller == nil {
		c.Caller = func(context.Context) Caller { return Caller{} }
	}
	c.Documents = newRepeatedDocuments(c)

	exec := executor.New(c.Schema)
	exec.SetErrorPresenter(c.PresentError)
	exec.SetRecoverFunc(func(ctx context.Context, cause any) error { return logPanic(ctx, c.Log, cause) })
	exec.SetQueryCache(c.Documents)
	exec.SetParserTokenLimit(c.Limits.Tokens)
	exec.SetDisableSuggestion(!c.Introspection)
	exec.SetDefaultRulesFn(querylimit.ValidationRules(c.Introspection))
	exec.Use(querylimit.VariableChecks{Schema: c.Schema.Schema()})
	if c.Introspection {
		exec.Use(extension.Introspection{})
	}
	for _, e := range c.Extensions {
		exec.Use(e)
	}
	return &Handler{newTransport(c, exec)}
}
