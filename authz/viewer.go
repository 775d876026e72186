package authz

import (
	"context"
	"time"
)

// Viewer is the caller of one operation, as far as rules ask. A nil Viewer is anonymous.
type Viewer interface {
	// SignedIn reports whether the caller is known.
	SignedIn() bool
	// HasRole and HasScope report whether the caller is signed in and has the role (of enum Role) or token scope.
	HasRole(role string) bool
	HasScope(scope string) bool
	// AuthenticatedAt is when the caller last presented their credentials; the zero time is never.
	AuthenticatedAt() time.Time
	// Reason says why the caller is anonymous: missing, expired, revoked or invalid.
	Reason() string
	// Err is the error that kept the credential from being checked, if any; then every rule denies.
	Err() error
}

// Anonymous is a caller without a usable credential. Embed it in a Viewer of your own, which then needs only the
// methods that its schema's rules ask for.
type Anonymous struct{}

// SignedIn, HasRole, HasScope, AuthenticatedAt, Reason and Err answer for an anonymous caller.
func (Anonymous) SignedIn() bool             { return false }
func (Anonymous) HasRole(string) bool        { return false }
func (Anonymous) HasScope(string) bool       { return false }
func (Anonymous) AuthenticatedAt() time.Time { return time.Time{} }
func (Anonymous) Reason() string             { return "missing" }
func (Anonymous) Err() error                 { return nil }

// Owner reports whether the viewer stands in a relation to an object: the value that a resolver returned for the type
// that the rule is written on. It is only asked of signed-in viewers. It must return false for ids that are not set,
// and for types that it does not know; an error or a panic denies.
type Owner func(ctx context.Context, viewer Viewer, object any) (bool, error)
