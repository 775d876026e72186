package accounts_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// rename sets the caller's name.
func (h *fixture) rename(v *viewer.Viewer, name string) error {
	_, err := h.UpdateProfile(context.Background(), v, accounts.ProfileChange{Name: ptr(&name)})
	return err
}

func TestUpdateProfile_ChangesOnlyTheName(t *testing.T) {
	cases := []struct {
		what    string
		change  accounts.ProfileChange
		name    *string
		touched bool
	}{
		{"a name", accounts.ProfileChange{Name: ptr(ptr("Ada"))}, ptr("Ada"), true},
		{"nothing", accounts.ProfileChange{}, ptr("Ada"), false},
		{"another", accounts.ProfileChange{Name: ptr(ptr(" Ada\u00a0e\u0301 "))}, ptr("Ada\u00a0\u00e9"), true},
		{"null", accounts.ProfileChange{Name: ptr[*string](nil)}, nil, true},
		{"null again", accounts.ProfileChange{Name: ptr[*string](nil)}, nil, true},
		{"nothing of nothing", accounts.ProfileChange{}, nil, false},
		{"the longest", accounts.ProfileChange{Name: ptr(ptr(strings.Repeat("\U0001f511", 100)))},
			ptr(strings.Repeat("\U0001f511", 100)), true},
		{"other scripts", accounts.ProfileChange{Name: ptr(ptr("عائشة O’Brien-Ñandú '; DROP TABLE users; --"))},
			ptr("عائشة O’Brien-Ñandú '; DROP TABLE users; --"), true},
	}
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		eve := h.must(h.register("eve@example.com", goodPassword))
		want, hash := *p.User, h.hash(t, ada)
		for _, c := range cases {
			h.clock.move(time.Second)
			got := must(h.UpdateProfile(t.Context(), h.caller(p), c.change))
			want.Name = c.name
			if c.touched {
				want.UpdatedAt = h.clock.Now().Truncate(time.Microsecond)
			}
			me := must(h.Me(t.Context(), p.Viewer))
			for _, u := range []*accounts.User{got.User, me} {
				wantEqual(t, c.what, &want, u, account)
			}
		}
		testenv.Equal(t, hash, h.hash(t, ada), "the password")
		other := must(h.Me(t.Context(), eve.Viewer))
		wantEqual(t, "another user changed", eve.User, other, account)
	})
}

func TestUpdateProfile_RefusesBadNames(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		check(t, h.rename(p.Viewer, "Ada"))
		for _, bad := range []string{"", " ", "\u00a0\u2003", strings.Repeat("n", 101), strings.Repeat("n", 1<<20), "a\nb", "a\x00b", "a\x7fb", "a\u0085b", "a\u2028b", "a\u2029b", "\xff",
			"\u200b", "\u2800", "a\u202eb"} {
			wantProblem(t, bad, h.rename(p.Viewer, bad), problem.BadUserInput, "name")
		}
		me := must(h.Me(t.Context(), p.Viewer))
		testenv.Equal(t, "Ada", *me.Name, "the name")
	})
}

// TestWrites_EndedSessionIsUnauthenticated gives viewers that were somebody once, or never: the transaction sees for
// itself.
func TestWrites_EndedSessionIsUnauthenticated(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		eve := h.must(h.register("eve@example.com", goodPassword))
		out := h.must(h.login(ada, goodPassword))
		must(h.Logout(t.Context(), out.Viewer, ""))
		viewerOf := func(user, session uuid.UUID) *viewer.Viewer {
			return &viewer.Viewer{UserID: user, SessionID: session, Roles: []string{"USER", "ADMIN"},
				AuthTime: h.clock.Now()}
		}
		for _, c := range []struct {
			name, reason string
			v            *viewer.Viewer
		}{
			{"no viewer", "missing", nil},
			{"nobody", "missing", viewer.Anonymous(viewer.Missing)},
			{"nobody, expired", "expired", viewer.Anonymous(viewer.Expired)},
			{"logged out", "revoked", out.Viewer},
			{"no session", "missing", viewerOf(p.User.ID, uuid.Nil)},
			{"unknown session", "revoked", viewerOf(p.User.ID, uuid.New())},
			{"another's session", "revoked", viewerOf(p.User.ID, eve.Viewer.SessionID)},
			{"another's user", "revoked", viewerOf(eve.User.ID, p.Viewer.SessionID)},
			{"unknown user", "revoked", viewerOf(uuid.New(), p.Viewer.SessionID)},
		} {
			got := wantProblem(t, c.name, h.rename(c.v, "changed"), problem.Unauthenticated, "")
			testenv.Equal(t, c.reason, got.Reason, "reason of %s", c.name)
		}
		h.checkStatusCounts(p)
		check(t, h.rename(p.Viewer, "the twin"))
		h.clock.move(refreshTTL)
		wantProblem(t, "idle for too long", h.rename(p.Viewer, "changed"), problem.Unauthenticated, "")
	})
}

func (h *fixture) checkStatusCounts(p *accounts.AuthPayload) {
	h.t.Helper()
	h.suspend(p.User.ID)
	wantProblem(h.t, "suspended", h.rename(p.Viewer, "changed"), problem.Unauthenticated, "")
	if v := h.caller(p); v.Reason() != "revoked" {
		h.t.Errorf("suspended: reason %q, want revoked", v.Reason())
	}
	if n := h.db.Client.User.Query().AllX(h.t.Context()); n[0].Name != nil || n[1].Name != nil {
		h.t.Error("a name changed")
	}
	h.reinstate(p.User.ID)
}

func TestMe_DeletedAccountIsUnauthenticated(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		me := must(h.Me(t.Context(), p.Viewer))
		wantEqual(t, "me", p.User, me, account)
		h.db.Client.User.DeleteOneID(p.User.ID).ExecX(t.Context())
		wantProblem(t, "me", errOf(h.Me(t.Context(), p.Viewer)), problem.Unauthenticated, "")
		h.wantRevoked("a deleted account", p)
	})
}
