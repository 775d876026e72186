package main

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/gatehouse/gatehouse/examples/guard/graph"
)

// caller is the user of a request, as the guard asks for it (authz.Viewer). The zero caller is anonymous.
type caller struct {
	name  string
	roles []string
}

func (c caller) SignedIn() bool           { return c.name != "" }
func (c caller) HasRole(role string) bool { return slices.Contains(c.roles, role) }

// HasScope and AuthenticatedAt answer for rules that this schema does not use.
func (c caller) HasScope(string) bool       { return false }
func (c caller) AuthenticatedAt() time.Time { return time.Time{} }

// isAuthor decides owner: AUTHOR on drafts.
func isAuthor(_ context.Context, c caller, draft *graph.Draft) (bool, error) {
	return draft.Author != "" && draft.Author == c.name, nil
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
