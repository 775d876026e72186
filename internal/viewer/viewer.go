// Package viewer says who is calling: it turns a request's Authorization header into a Viewer. It never writes an
// answer and never decides what the caller may do; a credential that cannot be used makes nobody, with the reason.
package viewer

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
)

// Reason says why a viewer is nobody; the contract, section 5, under UNAUTHENTICATED.
type Reason string

// The reasons. Expired and Revoked are said only of tokens whose signature held.
const (
	Missing Reason = "missing"
	Expired Reason = "expired"
	Revoked Reason = "revoked"
	Invalid Reason = "invalid"
)

// Viewer is the caller of one request. The zero UserID is nobody.
type Viewer struct {
	UserID    uuid.UUID
	SessionID uuid.UUID
	Roles     []string
	Scopes    []string
	AuthTime  time.Time // when the caller last proved who they are
	Origin    Origin    // where the request comes from, also of nobody's

	AnonymousReason        Reason // why nobody
	DuplicateAuthorization bool   // the request had more than one Authorization header: it is malformed (RFC 6750, section 2)
	CheckErr               error  // the credential could not be checked, for instance because the database is away
}

// Anonymous returns the viewer of a request without a usable credential.
func Anonymous(why Reason) *Viewer { return &Viewer{AnonymousReason: why} }

// SignedIn reports whether the viewer is somebody.
func (v *Viewer) SignedIn() bool {
	return v != nil && v.UserID != uuid.Nil && v.SessionID != uuid.Nil
}

// HasRole reports whether the viewer is signed in with this role.
func (v *Viewer) HasRole(role string) bool { return v.SignedIn() && slices.Contains(v.Roles, role) }

// HasScope reports whether the viewer is signed in with a token of this scope.
func (v *Viewer) HasScope(scope string) bool { return v.SignedIn() && slices.Contains(v.Scopes, scope) }

// AuthenticatedAt returns when the viewer last proved who they are; the zero time is never.
func (v *Viewer) AuthenticatedAt() time.Time {
	if !v.SignedIn() {
		return time.Time{}
	}
	return v.AuthTime
}

// Reason returns why the viewer is nobody, and "" for somebody.
func (v *Viewer) Reason() string {
	switch {
	case v.SignedIn():
		return ""
	case v == nil || v.AnonymousReason == "":
		return string(Missing)
	default:
		return string(v.AnonymousReason)
	}
}

// Err returns the error that kept the credential from being checked.
func (v *Viewer) Err() error {
	if v == nil {
		return nil
	}
	return v.CheckErr
}

type key struct{}

// With returns a context that carries the viewer from the middleware to the resolver.
func With(ctx context.Context, v *Viewer) context.Context { return context.WithValue(ctx, key{}, v) }

// From returns the viewer that With put there, or nobody.
func From(ctx context.Context) *Viewer {
	if v, ok := ctx.Value(key{}).(*Viewer); ok && v != nil {
		return v
	}
	return Anonymous(Missing)
}
