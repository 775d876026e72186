// Package viewer authenticates requests: it turns the Authorization header into a Viewer. It never writes a response
// and never decides what the caller may do. A credential that cannot be used makes the viewer anonymous, with the
// reason.
package viewer

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/token"
)

// Reason says why a viewer is anonymous. Clients get it as extensions.reason of UNAUTHENTICATED.
type Reason string

// The reasons. Expired and Revoked are given only for tokens whose signature is valid.
const (
	Missing Reason = "missing"
	Expired Reason = "expired"
	Revoked Reason = "revoked"
	Invalid Reason = "invalid"
)

// Viewer is the caller of one request. With a zero UserID it is anonymous.
type Viewer struct {
	UserID    uuid.UUID
	SessionID uuid.UUID // uuid.Nil with a personal access token
	TokenID   uuid.UUID // of the personal access token; uuid.Nil with a session
	Roles     []string
	Scopes    []string
	AuthTime  time.Time // when the user last authenticated
	AMR       token.AMR // what they have proved since the session began
	Origin    Origin    // where the request comes from, also of anonymous ones

	AnonymousReason        Reason
	DuplicateAuthorization bool  // several Authorization headers: the request is malformed (RFC 6750, section 2)
	CheckErr               error // the credential could not be checked, for instance without a database
}

// Anonymous returns the viewer of a request without a usable credential.
func Anonymous(reason Reason) *Viewer { return &Viewer{AnonymousReason: reason} }

// SignedIn reports whether the viewer is a user with a session or a personal access token. A nil viewer is anonymous.
func (v *Viewer) SignedIn() bool {
	return v != nil && v.UserID != uuid.Nil && v.CredentialID() != uuid.Nil
}

// CredentialID returns the id of the session, or of the personal access token, that the viewer acts with.
func (v *Viewer) CredentialID() uuid.UUID {
	if v.TokenID != uuid.Nil {
		return v.TokenID
	}
	return v.SessionID
}

// HasRole reports whether the viewer is signed in with this role.
func (v *Viewer) HasRole(role string) bool { return v.SignedIn() && slices.Contains(v.Roles, role) }

// HasScope reports whether the viewer is signed in with a token of this scope, or with one that no scopes restrict.
func (v *Viewer) HasScope(scope string) bool {
	return v.SignedIn() && (!v.Restricted() || slices.Contains(v.Scopes, scope))
}

// Restricted reports whether scopes restrict the viewer: those of a personal access token, also when it has none, or of
// another token that has some. Then it opens only what names them.
func (v *Viewer) Restricted() bool {
	return v.SignedIn() && (v.TokenID != uuid.Nil || len(v.Scopes) > 0)
}

// AuthenticatedAt returns when the viewer last authenticated (auth_time); the zero time is never.
func (v *Viewer) AuthenticatedAt() time.Time {
	if !v.SignedIn() {
		return time.Time{}
	}
	return v.AuthTime
}

// MFA reports whether the viewer is signed in with more than one factor.
func (v *Viewer) MFA() bool { return v.SignedIn() && v.AMR.MFA() }

// Reason returns why the viewer is anonymous, and "" when it is not.
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

// Caller names who shares in what is scarce, for package fairqueue: the networks of the request's address, the widest
// first, and then the user, or "" for all who are anonymous. Networks come first since anybody can register accounts.
func (v *Viewer) Caller() []string {
	if v == nil {
		return []string{""}
	}
	names := v.Origin.Names()
	if !v.SignedIn() {
		return append(names, "")
	}
	return append(names, v.UserID.String())
}

type key struct{}

// With returns a context that carries the viewer from the middleware to the resolver.
func With(ctx context.Context, v *Viewer) context.Context { return context.WithValue(ctx, key{}, v) }

// From returns the viewer that With put there, or an anonymous one. Resolvers, the guard, the log and the audit log
// read it; what decides takes the viewer as a parameter.
func From(ctx context.Context) *Viewer {
	if v, ok := ctx.Value(key{}).(*Viewer); ok && v != nil {
		return v
	}
	return Anonymous(Missing)
}
