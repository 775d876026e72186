package main

import (
	"context"
	"net/http"
	"slices"

	"github.com/gatehouse/gatehouse/authz"
	"github.com/gatehouse/gatehouse/examples/guard/graph"
)

// caller is the user of a request, as the guard asks for it (authz.Viewer). The zero caller is anonymous.
type caller struct {
	authz.Anonymous // the methods that this schema's rules do not use
	name            string
	roles           []string
}

func (c caller) SignedIn() bool           { return c.name != "" }
func (c caller) HasRole(role string) bool { return c.SignedIn() && slices.Contains(c.roles, role) }

// isAuthor decides owner: AUTHOR.
func isAuthor(_ context.Context, v authz.Viewer, object any) (bool, error) {
	draft, ok := object.(*graph.Draft)
	return ok && draft.Author != "" && draft.Author == v.(caller).name, nil
}

type callerKey struct{}

// authenticate adds the caller to the request's context. REPLACE IT BY YOUR OWN AUTHENTICATION: check a session or a
// token, and take name and roles from it. These two headers are for trying out; in production anyone can send them.
func authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := caller{name: r.Header.Get("X-User"), roles: r.Header.Values("X-Roles")}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, c)))
	})
}

func callerFrom(ctx context.Context) caller {
	c, _ := ctx.Value(callerKey{}).(caller)
	return c
}
