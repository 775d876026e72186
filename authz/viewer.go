package authz

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"
)

// Viewer is the caller of one operation, as far as rules ask.
type Viewer interface {
	// SignedIn reports whether the caller is known.
	SignedIn() bool
	// HasRole and HasScope report whether the caller has the role (of enum Role) or token scope. A caller whom no
	// scopes restrict has every scope.
	HasRole(role string) bool
	HasScope(scope string) bool
	// AuthenticatedAt is when the caller last presented their credentials; the zero time is never.
	AuthenticatedAt() time.Time
}

// RestrictedViewer is a Viewer that a credential may restrict to scopes, such as a token made for one program. When
// Restricted reports true, it satisfies only alternatives that name scopes, all of which it has; what is @public stays
// open to it. A Viewer without the method is not restricted.
type RestrictedViewer interface {
	Viewer
	Restricted() bool
}

// MultiFactorViewer is a Viewer of whom it is known whether they proved two factors: a one-time code beside a password,
// for instance, or a passkey that is both in one. Rules with mfa: true ask it. A Viewer without the method has not.
type MultiFactorViewer interface {
	Viewer
	MFA() bool
}

// AnonymousError is the error of Config.Viewer that says why the caller is not signed in. Clients get it as
// extensions.reason of UNAUTHENTICATED. An error of another package counts as one, too, if errors.As finds the method
// Reason() string in it.
type AnonymousError string

// The reasons for which a denial says how to sign in. A server may add its own.
const (
	ErrMissing AnonymousError = "missing" // no credential was sent
	ErrExpired AnonymousError = "expired" // the access token has expired
	ErrRevoked AnonymousError = "revoked" // the session has ended
	ErrInvalid AnonymousError = "invalid" // the credential is not a valid one
)

// Error and Reason return the reason.
func (e AnonymousError) Error() string  { return "not signed in: " + string(e) }
func (e AnonymousError) Reason() string { return string(e) }

// caller is what Config.Viewer or Config.SignedIn returned.
type caller struct {
	viewer Viewer // nil: anonymous, or unknown
	reason string // why the caller is anonymous
	err    error  // why it is unknown who calls: then each rule denies
}

// identify returns the caller whom a hook of the configuration names, and the atoms that hold for them. When the hook
// panics, it is unknown who calls.
func (g *Guard) identify(ctx context.Context, hook string, call func() (Viewer, error)) (c caller, have bits) {
	defer func() {
		if p := recover(); p != nil {
			g.failures.error(ctx, hook+" panicked; every rule denies", "panic", p)
			c, have = caller{err: fmt.Errorf("%s panicked: %v", hook, p)}, bits{}
		}
	}()
	c = callerOf(call())
	return c, g.atomsOf(c)
}

func callerOf(v Viewer, err error) caller {
	switch {
	case err != nil:
		return withoutViewer(err)
	case v == nil || !v.SignedIn():
		return caller{reason: ErrMissing.Reason()}
	}
	return caller{viewer: v}
}

func withoutViewer(err error) caller {
	var why interface{ Reason() string }
	if errors.As(err, &why) {
		return caller{reason: cmp.Or(why.Reason(), ErrMissing.Reason())}
	}
	return caller{err: err}
}

func (c caller) isRestricted() bool {
	r, ok := c.viewer.(RestrictedViewer)
	return ok && r.Restricted()
}

func (c caller) hasSecondFactor() bool {
	v, ok := c.viewer.(MultiFactorViewer)
	return ok && v.MFA()
}

func (c caller) isAnonymous() bool { return c.viewer == nil }
