package main

import (
	"context"
	"net/http"
	"slices"

	"github.com/gatehouse/gatehouse/authz"
	"github.com/gatehouse/gatehouse/examples/guard/graph"
)

// reader is who is calling, as the guard asks for them (authz.Viewer). The zero reader is nobody.
type reader struct {
	authz.Anonymous // answers what this schema does not ask
	name            string
	roles           []string
}

func (r reader) SignedIn() bool           { return r.name != "" }
func (r reader) HasRole(role string) bool { return r.SignedIn() && slices.Contains(r.roles, role) }

// wrote is the relation AUTHOR of a reader to an object.
func wrote(_ context.Context, v authz.Viewer, object any) (bool, error) {
	draft, ok := object.(*graph.Draft)
	return ok && draft.Author != "" && draft.Author == v.(reader).name, nil
}

type readerKey struct{}

// identify notes who is calling. HERE YOUR OWN AUTHENTICATION GOES: check a session or a token, and take name and roles
// from what it proves. These two headers are for trying out; never trust a header in production, anyone can send it.
func identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller := reader{name: r.Header.Get("X-User"), roles: r.Header.Values("X-Roles")}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), readerKey{}, caller)))
	})
}

func readerFrom(ctx context.Context) reader {
	caller, _ := ctx.Value(readerKey{}).(reader)
	return caller
}
