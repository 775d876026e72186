package accounts_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

func TestSessionCache_ReadsASessionOnceUntilItEnds(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h, m := h.remembering(0)
		p := h.must(h.register(ada, goodPassword))
		innocent := h.must(h.register("eve@example.com", goodPassword))
		h.wantReads(m, "first", p, 1, true)
		h.wantReads(m, "again", p, 0, true)
		h.wantReads(m, "another user", innocent, 1, true)
		must(h.Logout(t.Context(), p.Viewer, ""))
		h.wantReads(m, "logged out", p, 1, false)
		h.wantReads(m, "logged out, again", p, 1, false) // what is not there is not remembered
		h.wantReads(m, "another user stays", innocent, 0, true)
	})
}

func TestSessionCache_CountsHitsAndMisses(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h, _ = h.remembering(0)
		before := h.Stats().SessionCache
		if !before.Synced || before.Lag != 0 {
			t.Errorf("nobody asked: %+v; want in touch, no lag", before)
		}
		p := h.must(h.register(ada, goodPassword))
		for range 3 {
			h.caller(p)
		}
		h.SyncedUntil(time.Now().Add(-time.Minute))
		got := h.Stats().SessionCache
		if got.Hits != 2 || got.Misses != 1 || got.Sessions != 1 || !got.Synced || got.Lag < time.Minute || got.Lag > 2*time.Minute {
			t.Errorf("%+v; want 2 hits, 1 miss, 1 session, and a lag of a minute", got)
		}
		h.SyncLost()
		if got = h.Stats().SessionCache; got.Synced || got.Sessions != 0 || got.Lag < time.Minute {
			t.Errorf("%+v; want out of touch, with the lag growing", got)
		}
	})
}

// TestSessionCache_ManyUsersCostNoReads: one read of the log proves all entries, on both databases.
func TestSessionCache_ManyUsersCostNoReads(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h, m := h.remembering(0)
		var all []*accounts.AuthPayload
		for i := range 20 {
			all = append(all, h.must(h.register(fmt.Sprintf("user%d@example.com", i), goodPassword)))
			h.wantReads(m, "first", all[i], 1, true)
		}
		time.Sleep(time.Second) // the age of an entry does not matter
		for _, p := range all {
			h.wantReads(m, "again", p, 0, true)
		}
	})
}

// TestSessionCache_ChangeDuringAReadWins ends a session between the statement that reads it and the memory of it.
func TestSessionCache_ChangeDuringAReadWins(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h, m := h.remembering(0)
		p := h.must(h.register(ada, goodPassword))
		heard := false
		m.after = nil
		m.meanwhile = func() {
			if !heard {
				heard = true
				h.exec("UPDATE sessions SET ended_at = created_at")
				h.HandleChanges(t.Context(), []accounts.Change{{UserID: p.User.ID}})
			}
		}
		h.wantReads(m, "read before it ended", p, 1, true)
		m.meanwhile = nil
		h.wantReads(m, "ended meanwhile", p, 1, false)
	})
}

// TestSessionCache_ReadsAnAccountOnceUntilItChanges is for what me answers.
func TestSessionCache_ReadsAnAccountOnceUntilItChanges(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h, m := h.remembering(0)
		p := h.must(h.register(ada, goodPassword))
		me := func(wantReads int, wantName string) {
			t.Helper()
			v := h.caller(p)
			var got *accounts.User
			var err error
			reads := len(m.count(func() { got, err = h.Me(t.Context(), v) }))
			check(t, err)
			name := ""
			if got.Name != nil {
				name = *got.Name
			}
			if reads != wantReads || name != wantName || got.ID != p.User.ID {
				t.Errorf("%d reads, %+v; want %d and %q", reads, got, wantReads, wantName)
			}
		}
		me(1, "")
		me(0, "")
		check(t, h.rename(p.Viewer, "Ada")) // by this instance
		me(1, "Ada")
		me(0, "Ada")
		h.exec("UPDATE users SET name = 'Lady Lovelace'") // by another
		me(0, "Ada")
		h.HandleChanges(t.Context(), []accounts.Change{{UserID: p.User.ID}})
		me(1, "Lady Lovelace")
		h.SyncLost()
		me(1, "Lady Lovelace")
		me(1, "Lady Lovelace")
	})
}

// TestSessionCache_IsBounded: what does not fit is read, and is no less valid or less ended.
func TestSessionCache_IsBounded(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h, m := h.remembering(4 << 10)
		all := []*accounts.AuthPayload{h.must(h.register(ada, goodPassword))}
		for range 29 {
			all = append(all, h.must(h.login(ada, goodPassword)))
		}
		for _, p := range all {
			h.wantReads(m, "first", p, 1, true)
		}
		h.wantReads(m, "the newest", all[29], 0, true)
		if n := h.Stats().SessionCache.Sessions; n < 5 || n > 20 {
			t.Errorf("%d sessions are cached", n)
		}
		must(h.Logout(t.Context(), all[29].Viewer, ""))
		for _, p := range all[:29] {
			h.wantReads(m, "another of the user", p, 1, true)
			h.wantReads(m, "again", p, 0, true)
		}
		h.wantReads(m, "logged out", all[29], 1, false)
	})
}

func TestSessionCache_SessionIsFoundForItsUserOnly(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h, _ = h.remembering(0)
		p, eve := h.must(h.register(ada, goodPassword)), h.must(h.register("eve@example.com", goodPassword))
		h.wantActive("her own", p)
		claims := claimsOf(p)
		claims.UserID = eve.User.ID
		v := must(h.Viewer(t.Context(), claims, viewer.Origin{}))
		if v.SignedIn() {
			t.Error("a user is signed in by another's session")
		}
	})
}

// TestWrites_IgnoreTheSessionCache ends a session so that the view does not know: a read is still let in,
// and a write is not.
func TestWrites_IgnoreTheSessionCache(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h, _ = h.remembering(0)
		root := h.administrator("root@example.com")
		other := h.must(h.register(ada, goodPassword))
		h.wantActive("remembered", root)
		v := h.caller(root)
		h.exec("UPDATE sessions SET ended_at = created_at WHERE user_id = '" + root.User.ID.String() + "'")
		if !h.caller(root).SignedIn() {
			t.Fatal("the view is not used: this shows nothing")
		}
		before := rowsOf(t, h)
		ctx := t.Context()
		for name, do := range map[string]func() error{
			"updateProfile": func() error { return h.rename(v, "late") },
			"revokeSession": func() error { return errOf(h.RevokeSession(ctx, v, v.SessionID)) },
			"revokeOthers":  func() error { return errOf(h.RevokeOtherSessions(ctx, v)) },
			"reauthenticate": func() error {
				return errOf(h.Reauthenticate(ctx, v, accounts.ReauthenticateInput{Password: ptr(goodPassword)}))
			},
			"changePassword": func() error {
				return errOf(h.ChangePassword(ctx, v,
					accounts.ChangePasswordInput{CurrentPassword: goodPassword, NewPassword: otherPassword}))
			},
			"deleteAccount": func() error { return errOf(h.DeleteAccount(ctx, v)) },
			"setRoles":      func() error { return h.setRoles(v, other.User.ID, accounts.RoleUser) },
			"suspendUser":   func() error { return errOf(h.SuspendUser(ctx, v, other.User.ID)) },
			"reinstateUser": func() error { return errOf(h.ReinstateUser(ctx, v, other.User.ID)) },
		} {
			p := wantProblem(t, name, do(), problem.Unauthenticated, "")
			testenv.Equal(t, "revoked", p.Reason, "reason of %s", name)
		}
		testenv.Equal(t, before, rowsOf(t, h), "the tables")
		check(t, h.rename(h.caller(other), "the twin"))
	})
}
