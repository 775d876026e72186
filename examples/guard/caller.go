package main

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/gatehouse/gatehouse/authz"
	"github.com/gatehouse/gatehouse/examples/guard/graph"
)

// user is a caller, as the guard and the resolvers ask for one.
type user interface {
	authz.Viewer
	Name() string
}

// isAuthor decides owner: AUTHOR on drafts.
func isAuthor(_ context.Context, u user, draft *graph.Draft) (bool, error) {
	return draft.Author != "" && draft.Author == u.Name(), nil
}

// users is where callers come from: usersByHeader or usersOf a Gatehouse.
type users struct {
	middleware func(http.Handler) http.Handler
	viewer     func(ctx context.Context) (authz.Viewer, error)
}

// name returns the caller's name, and "" for an anonymous one.
func (all users) name(ctx context.Context) string {
	v, err := all.viewer(ctx)
	if u, ok := v.(user); ok && err == nil {
		return u.Name()
	}
	return ""
}

// usersByHeader believes headers THAT ANYONE CAN SEND. They are for trying out: replace them by your own
// authentication, which checks a session or a token and takes name, roles, scopes and proofs from it.
var usersByHeader = users{
	middleware: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c := caller{
				name: r.Header.Get("X-User"), roles: r.Header.Values("X-Roles"),
				scopes: r.Header.Values("X-Scopes"), mfa: r.Header.Get("X-MFA") == "yes",
			}
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, c)))
		})
	},
	viewer: func(ctx context.Context) (authz.Viewer, error) {
		c, _ := ctx.Value(callerKey{}).(caller)
		return c, nil
	},
}

// caller is a user by header. The zero caller is anonymous.
type caller struct {
	name   string
	roles  []string
	scopes []string // with any, the caller is a program that may do no more than they say
	mfa    bool     // a second factor was proved
}

type callerKey struct{}

func (c caller) Name() string             { return c.name }
func (c caller) SignedIn() bool           { return c.name != "" }
func (c caller) HasRole(role string) bool { return slices.Contains(c.roles, role) }

// HasScope, Restricted and MFA are for callers who are more, or less, than a user with a password.
func (c caller) HasScope(scope string) bool {
	return !c.Restricted() || slices.Contains(c.scopes, scope)
}
func (c caller) Restricted() bool { return len(c.scopes) > 0 }
func (c caller) MFA() bool        { return c.mfa }

// AuthenticatedAt answers for rules with maxAge, which this schema does not use.
func (c caller) AuthenticatedAt() time.Time { return time.Time{} }
