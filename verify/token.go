package verify

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// Token is a valid access token. It is the caller's own copy. A nil Token is nobody's, so that it can be asked without
// a check. It has the methods that package authz asks a viewer.
type Token struct {
	UserID    uuid.UUID // sub
	SessionID uuid.UUID // sid; uuid.Nil of a personal access token
	ID        string    // jti
	AuthTime  time.Time // auth_time: when the user last proved who they are
	AMR       []string  // amr: what they have proved, such as "pwd"; only values of RFC 8176 that Gatehouse has
	IssuedAt  time.Time // iat; of a personal access token, when the issuer said that it can be used
	ExpiresAt time.Time // exp
	Roles     []string  // roles; with the feed, the current ones of the user
	Scopes    []string  // scope; none: the token is a user's, with all that they may do

	PersonalID uuid.UUID // of a personal access token; uuid.Nil of a session's. It has no AuthTime
}

// SignedIn reports whether there is a token.
func (t *Token) SignedIn() bool { return t != nil }

// HasRole reports whether the token has a role.
func (t *Token) HasRole(role string) bool { return t != nil && slices.Contains(t.Roles, role) }

// HasScope reports whether the token has a scope; one that no scopes restrict has every.
func (t *Token) HasScope(scope string) bool {
	return t != nil && (!t.Restricted() || slices.Contains(t.Scopes, scope))
}

// Restricted reports whether the token has scopes: then it is good only for what asks for them.
func (t *Token) Restricted() bool { return t != nil && (t.PersonalID != uuid.Nil || len(t.Scopes) > 0) }

// MFA reports whether the user has proved more than one factor.
func (t *Token) MFA() bool { return t != nil && slices.Contains(t.AMR, "mfa") }

// AuthenticatedAt returns AuthTime; the zero time is never.
func (t *Token) AuthenticatedAt() time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AuthTime
}
