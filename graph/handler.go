// Package graph is the product's GraphQL: the binding of schema.graphql, resolvers of one expression each, the words of
// errors, the guard's wiring and the cookie. It knows field names and error codes, and refuses to know tables,
// passwords and keys. What a field does is one call of accounts; whether it may run is decided by authz before.
package graph

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"

	"github.com/gatehouse/gatehouse/internal/graphqlhttp"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// HandlerConfig is what the handler of /graphql needs.
type HandlerConfig struct {
	graphqlhttp.Config // NewHandler sets PresentError, Before, After and Caller

	Issuer      *url.URL          // the public address, which decides how cookies are stored; default: no cookies
	AllowCookie func(string) bool // whether pages of an origin may use the cookie; default: none may
	Unavailable func(error) bool  // whether an error says that the database does not answer; default: none does
	Closed      func() bool       // whether every request is UNAVAILABLE at this moment; default: never
}

// NewHandler returns the handler of /graphql. It panics when an extension refuses the schema.
func NewHandler(c HandlerConfig) *graphqlhttp.Handler {
	c.PresentError = ErrorPresenter{
		Log:           cmp.Or(c.Log, slog.Default()),
		Unavailable:   c.Unavailable,
		Introspection: c.Introspection,
		Schema:        c.Schema.Schema(),
	}.Present
	cookies := newCookieRules(c.Issuer, c.AllowCookie)
	c.Before = func(ctx context.Context, r *http.Request) (context.Context, *graphqlhttp.RequestError) {
		if c.Closed != nil && c.Closed() {
			return nil, closed()
		}
		return cookies.admit(ctx, r)
	}
	c.After = func(ctx context.Context, h http.Header) { cookieFrom(ctx).write(h) }
	c.Caller = func(ctx context.Context) graphqlhttp.Caller {
		v := viewer.From(ctx)
		return graphqlhttp.Caller{Names: v.Caller(), SignedIn: v.SignedIn()}
	}
	return graphqlhttp.NewHandler(c.Config)
}

// closedFor is when a client asks again, in seconds: so often the secret is read.
const closedFor = 5

func closed() *graphqlhttp.RequestError {
	err := graphqlhttp.NewError(problem.Unavailable, "This instance must not answer now; try again.")
	err.Extensions["retryAfter"] = closedFor
	return (&graphqlhttp.RequestError{Status: http.StatusServiceUnavailable, Err: err}).
		With("Retry-After", strconv.Itoa(closedFor))
}

// admit refuses requests whose credentials are ambiguous or not theirs to use, and puts the cookie into the context.
func (c *cookieRules) admit(
	ctx context.Context, r *http.Request,
) (context.Context, *graphqlhttp.RequestError) {
	if viewer.From(ctx).DuplicateAuthorization {
		return nil, graphqlhttp.BadRequest(http.StatusBadRequest, "there are two Authorization headers; send one").
			With("WWW-Authenticate", `Bearer error="invalid_request"`)
	}
	cookie, refused := c.read(r.Header)
	if refused != nil {
		return nil, refused
	}
	return withCookie(ctx, cookie), nil
}
