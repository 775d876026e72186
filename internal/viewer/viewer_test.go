package viewer_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/authz"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

func TestViewer_OnlySignedInOnesHaveRights(t *testing.T) {
	complete := viewer.Viewer{
		UserID: theUser, SessionID: theSession, Roles: []string{"USER"}, Scopes: []string{"read"}, AuthTime: theTime,
		AMR: token.Password.With(token.OneTimeCode),
	}
	with := func(change func(*viewer.Viewer)) *viewer.Viewer { v := complete; change(&v); return &v }
	noUser := func(v *viewer.Viewer) { v.UserID, v.AnonymousReason = uuid.Nil, viewer.Expired }
	for _, c := range []struct {
		name   string
		v      *viewer.Viewer
		reason string // "" is signed in
	}{
		{"complete", &complete, ""},
		{"nil", nil, "missing"},
		{"zero", &viewer.Viewer{}, "missing"},
		{"no user", with(func(v *viewer.Viewer) { v.UserID = uuid.Nil }), "missing"},
		{"no session", with(func(v *viewer.Viewer) { v.SessionID = uuid.Nil }), "missing"},
		{"no user, with a reason", with(noUser), "expired"},
		{"signed in, with a reason", with(func(v *viewer.Viewer) { v.AnonymousReason = viewer.Expired }), ""},
		{"missing", viewer.Anonymous(viewer.Missing), "missing"},
		{"expired", viewer.Anonymous(viewer.Expired), "expired"},
		{"revoked", viewer.Anonymous(viewer.Revoked), "revoked"},
		{"invalid", viewer.Anonymous(viewer.Invalid), "invalid"},
	} {
		in := c.reason == ""
		if c.v.SignedIn() != in || c.v.Reason() != c.reason || c.v.Err() != nil {
			t.Errorf("%s: signed in %v, reason %q, error %v", c.name, c.v.SignedIn(), c.v.Reason(), c.v.Err())
		}
		at := c.v.AuthenticatedAt()
		if c.v.MFA() != in {
			t.Errorf("%s: with two factors: %v", c.name, c.v.MFA())
		}
		if c.v.HasRole("USER") != in || c.v.HasScope("read") != in || at.Equal(theTime) != in || at.IsZero() == in {
			t.Errorf("%s: role %v, scope %v, authenticated at %v", c.name, c.v.HasRole("USER"), c.v.HasScope("read"), at)
		}
		for _, other := range []string{"", "user", "ADMIN", "USE", "USER "} {
			if c.v.HasRole(other) || c.v.HasScope(other) {
				t.Errorf("%s has %q", c.name, other)
			}
		}
	}
	away := errors.New("away")
	if v := (&viewer.Viewer{CheckErr: away}); v.SignedIn() || !errors.Is(v.Err(), away) {
		t.Errorf("error: %v", v.Err())
	}
}

func TestViewer_ScopesRestrictAndTheirAbsenceDoesNot(t *testing.T) {
	v := viewer.Viewer{UserID: theUser, SessionID: theSession}
	if v.Restricted() || !v.HasScope("read") {
		t.Error("a token without scopes lacks one")
	}
	if v.Scopes = []string{"write"}; !v.Restricted() || v.HasScope("read") || !v.HasScope("write") {
		t.Error("a token with scopes has others")
	}
	if v.UserID = uuid.Nil; v.Restricted() {
		t.Error("an anonymous viewer is restricted")
	}
}

func TestViewer_OneFactorIsNotTwo(t *testing.T) {
	v := viewer.Viewer{UserID: theUser, SessionID: theSession, AMR: token.Password}
	if v.MFA() {
		t.Error("a password alone is two factors")
	}
	if v.AMR = v.AMR.With(token.OneTimeCode); !v.MFA() { // the control
		t.Error("a password and a code are one factor")
	}
}

func TestViewer_PersonalAccessTokenIsAlwaysRestricted(t *testing.T) {
	v := viewer.Viewer{UserID: theUser, TokenID: theSession, Roles: []string{"ADMIN"}}
	if !v.SignedIn() || !v.Restricted() || v.HasScope("read") || !v.HasRole("ADMIN") || !v.AuthenticatedAt().IsZero() {
		t.Error("one without scopes is not restricted, or lacks what it has")
	}
	if v.MFA() {
		t.Error("it is two factors")
	}
	testenv.Equal(t, theSession, v.CredentialID(), "the credential")
	if v.Scopes = []string{"write"}; v.HasScope("read") || !v.HasScope("write") {
		t.Error("one with scopes has others")
	}
	v.TokenID, v.SessionID = uuid.Nil, theUser
	testenv.Equal(t, theUser, v.CredentialID(), "the credential with a session")
}

func TestViewer_SharesByNetworkAndThenByUser(t *testing.T) {
	v := &viewer.Viewer{UserID: theUser, SessionID: theSession}
	v.Origin.IP = netip.MustParseAddr("2001:db8::1")
	networks := []string{"2001:db8::/48", "2001:db8::/56", "2001:db8::/64"}
	testenv.Equal(t, append(networks, theUser.String()), v.Caller(), "signed in")
	v.UserID = uuid.Nil
	testenv.Equal(t, append(networks, ""), v.Caller(), "anonymous")
	testenv.Equal(t, []string{""}, (*viewer.Viewer)(nil).Caller(), "nobody")
}

// The guard of package authz takes a Viewer.
var _ authz.Viewer = (*viewer.Viewer)(nil)

type otherKey struct{}

func TestFrom_ContextWithoutViewerIsAnonymous(t *testing.T) {
	ctx := t.Context()
	for name, c := range map[string]context.Context{
		"none":        ctx,
		"nil viewer":  viewer.With(ctx, nil),
		"another key": context.WithValue(ctx, otherKey{}, &viewer.Viewer{UserID: theUser, SessionID: theSession}),
	} {
		if v := viewer.From(c); v == nil || v.SignedIn() || v.Reason() != "missing" {
			t.Errorf("%s: %+v", name, v)
		}
	}
	want := &viewer.Viewer{UserID: theUser, SessionID: theSession, AuthTime: time.Now()}
	if got := viewer.From(viewer.With(ctx, want)); got != want {
		t.Errorf("got %+v", got)
	}
	inner := viewer.With(viewer.With(ctx, want), viewer.Anonymous(viewer.Revoked))
	if got := viewer.From(inner); got.Reason() != "revoked" {
		t.Errorf("the inner viewer counts, got %q", got.Reason())
	}
}
