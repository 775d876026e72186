package viewer_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/authz"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// TestOnlySomebodyHasRights asks every question of viewers that are whole and of such that lack something.
func TestOnlySomebodyHasRights(t *testing.T) {
	whole := viewer.Viewer{UserID: theUser, SessionID: theSession, Roles: []string{"USER"}, Scopes: []string{"read"}, AuthTime: theTime}
	without := func(change func(*viewer.Viewer)) *viewer.Viewer { v := whole; change(&v); return &v }
	cases := []struct {
		name   string
		v      *viewer.Viewer
		reason string // "" is somebody
	}{
		{"whole", &whole, ""},
		{"nil", nil, "missing"},
		{"zero", &viewer.Viewer{}, "missing"},
		{"no user", without(func(v *viewer.Viewer) { v.UserID = uuid.Nil }), "missing"},
		{"no session", without(func(v *viewer.Viewer) { v.SessionID = uuid.Nil }), "missing"},
		{"no user, with a reason", without(func(v *viewer.Viewer) { v.UserID, v.AnonymousReason = uuid.Nil, viewer.Expired }), "expired"},
		{"somebody with a reason", without(func(v *viewer.Viewer) { v.AnonymousReason = viewer.Expired }), ""},
		{"missing", viewer.Anonymous(viewer.Missing), "missing"},
		{"expired", viewer.Anonymous(viewer.Expired), "expired"},
		{"revoked", viewer.Anonymous(viewer.Revoked), "revoked"},
		{"invalid", viewer.Anonymous(viewer.Invalid), "invalid"},
	}
	for _, c := range cases {
		in := c.reason == ""
		if c.v.SignedIn() != in || c.v.Reason() != c.reason || c.v.Err() != nil {
			t.Errorf("%s: signed in %v, reason %q, trouble %v", c.name, c.v.SignedIn(), c.v.Reason(), c.v.Err())
		}
		if c.v.HasRole("USER") != in || c.v.HasScope("read") != in || c.v.AuthenticatedAt().Equal(theTime) != in || c.v.AuthenticatedAt().IsZero() == in {
			t.Errorf("%s: role %v, scope %v, proved at %v", c.name, c.v.HasRole("USER"), c.v.HasScope("read"), c.v.AuthenticatedAt())
		}
		for _, other := range []string{"", "user", "ADMIN", "USE", "USER "} {
			if c.v.HasRole(other) || c.v.HasScope(other) {
				t.Errorf("%s has %q", c.name, other)
			}
		}
	}
	away := errors.New("away")
	if v := (&viewer.Viewer{CheckErr: away}); v.SignedIn() || !errors.Is(v.Err(), away) {
		t.Errorf("trouble: %v", v.Err())
	}
}

// A Viewer answers the questions that the guard asks.
var _ authz.Viewer = (*viewer.Viewer)(nil)

type otherKey struct{}

func TestAContextWithoutViewerIsNobody(t *testing.T) {
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
