package accounts_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// remembering returns an instance that counts its statements and whose cache is in sync.
func (h *fixture) remembering(bytes int) (*fixture, *meter) {
	h.t.Helper()
	other, m := h.caching(bytes)
	other.SyncedUntil(time.Now().Add(time.Hour)) // for as long as the test lasts
	return other, m
}

// caching is remembering before the first read of the log.
func (h *fixture) caching(bytes int) (*fixture, *meter) {
	metered, m := h.metered()
	return metered.instance(func(c *accounts.Config) { c.SessionCache.Bytes = bytes }), m
}

// follow reads the log of changes until the test ends, as the server does, and returns how often the place was lost.
func (h *fixture) follow() (lost *atomic.Int64) {
	lost = new(atomic.Int64)
	changed := func(all []database.Change) {
		for _, c := range all {
			h.HandleChanges(context.Background(), []accounts.Change{accounts.Change(c)})
		}
	}
	ctx, cancel := context.WithCancel(h.t.Context())
	var over sync.WaitGroup
	over.Go(func() {
		h.db.Follow(ctx, database.Follower{Changed: changed, Synced: h.SyncedUntil,
			Lost: func() { lost.Add(1); h.SyncLost() }, Needed: h.SyncNeeded})
	})
	h.t.Cleanup(func() { cancel(); over.Wait() })
	return lost
}

// takeChanges returns what is in the log of changes, and empties it of all but the mark that Postgres's has.
func (h *fixture) takeChanges() (all []accounts.Change) {
	h.t.Helper()
	rows := must(h.raw.QueryContext(h.t.Context(),
		"DELETE FROM changes WHERE tx <> $1 RETURNING user_id, revocation_id", int64(math.MaxInt64)))
	defer rows.Close()
	for rows.Next() {
		var user uuid.NullUUID
		var revocation sql.NullInt64
		check(h.t, rows.Scan(&user, &revocation))
		all = append(all, accounts.Change{UserID: user.UUID, RevocationID: int(revocation.Int64)})
	}
	check(h.t, rows.Err())
	return all
}

// reads is how many statements it costs to learn who a payload's token is, and whether they are signed in.
func (h *fixture) reads(m *meter, p *accounts.AuthPayload) (n int, signedIn bool) {
	h.t.Helper()
	n = len(m.count(func() { signedIn = h.caller(p).SignedIn() }))
	return n, signedIn
}

// wantReads checks reads; a session that is remembered costs none.
func (h *fixture) wantReads(m *meter, what string, p *accounts.AuthPayload, want int, wantSignedIn bool) {
	h.t.Helper()
	if n, signedIn := h.reads(m, p); n != want || signedIn != wantSignedIn {
		h.t.Errorf("%s: %d statements, signed in: %v; want %d, %v", what, n, signedIn, want, wantSignedIn)
	}
}

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

func TestSessionCache_IsTrustedOnlyWhileSynced(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h, m := h.remembering(0)
		p := h.must(h.register(ada, goodPassword))
		h.wantReads(m, "first", p, 1, true)
		h.SyncLost()
		for range 2 {
			h.wantReads(m, "out of touch", p, 1, true)
		}
		h.SyncedUntil(time.Now().Add(-time.Hour))
		for range 2 {
			h.wantReads(m, "in touch long ago", p, 1, true)
		}
		h.SyncedUntil(time.Now().Add(time.Hour))
		h.wantReads(m, "in touch", p, 1, true)
		h.wantReads(m, "in touch, again", p, 0, true)
		h.HandleChanges(t.Context(), []accounts.Change{{}})
		h.wantReads(m, "anything may have changed", p, 1, true)
		h.wantReads(m, "anything may have changed, again", p, 0, true)
	})
}

// TestSessionCache_IsNotTrustedAfterTheMachineWasSuspended: while a machine is suspended the wall clock goes on alone.
func TestSessionCache_IsNotTrustedAfterTheMachineWasSuspended(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h, m := h.remembering(0)
		p := h.must(h.register(ada, goodPassword))
		h.wantReads(m, "first", p, 1, true)
		for _, c := range []struct {
			what     string
			wallAway time.Duration
			reads    int
		}{
			{"no suspension", 0, 0},
			{"suspended for two hours", -2 * time.Hour, 1},
			{"in touch again", 0, 0},
			{"the wall clock is set back by two hours", 2 * time.Hour, 0},
		} {
			h.SyncedUntil(wallMoved(t, time.Now().Add(time.Hour), c.wallAway))
			h.wantReads(m, c.what, p, c.reads, true)
		}
	})
}

// wallMoved returns a moment whose wall clock says another time than its monotonic one, as it does seen from after a
// suspension. There is no other way to make one than to know that seconds are the upper half of time.Time's first word.
func wallMoved(t *testing.T, moment time.Time, by time.Duration) time.Time {
	t.Helper()
	moved := moment
	*(*uint64)(unsafe.Pointer(&moved)) += uint64(int64(by/time.Second) << 30)
	if moved.Sub(moment) != 0 || moved.Round(0).Sub(moment.Round(0)) != by {
		t.Fatalf("time.Time is made otherwise than this test knows: %v, %v", moment, moved)
	}
	return moved
}

// TestSessionCache_WhatAnotherProgramEndsIsRefused: with no use case, as a command of another version or an operator do.
func TestSessionCache_WhatAnotherProgramEndsIsRefused(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h, m := h.caching(0)
		lost := h.follow()
		for _, end := range []string{"UPDATE sessions SET ended_at = created_at", "DELETE FROM sessions",
			"UPDATE users SET status = 'SUSPENDED'", "DELETE FROM users",
			"UPDATE sessions SET expires_at = created_at, idle_expires_at = created_at"} {
			p := h.must(h.register(ada, goodPassword))
			testenv.Eventually(t, "the session is cached", testenv.HangGuard, func() bool { n, _ := h.reads(m, p); return n == 0 })
			h.exec(end)
			for start := time.Now(); ; time.Sleep(time.Millisecond) {
				asked := time.Since(start)
				if _, signedIn := h.reads(m, p); !signedIn {
					break
				}
				if asked > time.Second { // however long the answer took on a machine that is busy
					t.Fatalf("%s: accepted after a second", end)
				}
			}
			h.exec("DELETE FROM users")
		}
		wantEqual(t, "times that the cache was lost after the start", 1, lost.Load())
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
				return errOf(h.Reauthenticate(ctx, v, accounts.ReauthenticateInput{Password: goodPassword}))
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

func TestSessions_LastUseIsWrittenOnceAMinute(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h, m := h.remembering(0)
		p := h.must(h.register(ada, goodPassword))
		from := viewer.Origin{IP: netip.MustParseAddr("2001:db8::1"), Agent: "another program"}
		var written error
		use := func() (writes int) {
			for _, statement := range m.count(func() {
				v := must(h.Viewer(t.Context(), claimsOf(p), from))
				if !v.SignedIn() {
					t.Error("signed out")
				}
				written = h.WriteUses(t.Context())
			}) {
				if strings.HasPrefix(statement, "UPDATE") {
					writes++
				}
			}
			return writes
		}
		row := func() (time.Time, string, string) {
			s := h.db.Client.Session.GetX(t.Context(), p.Viewer.SessionID)
			return s.LastUsedAt.UTC(), *s.IP, *s.UserAgent
		}
		begun, ip, agent := row()
		if ip != "192.0.2.7" || agent != "the tests" {
			t.Errorf("signed in from %s with %s", ip, agent)
		}
		for range 3 {
			for range 3 {
				h.clock.move(19 * time.Second)
				wantEqual(t, "writes within a minute", 0, use())
			}
			h.clock.move(3 * time.Second)
			wantEqual(t, "writes after a minute", 1, use())
			at, ip, agent := row()
			if begun = begun.Add(time.Minute); !at.Equal(begun) || ip != "2001:db8::1" || agent != "another program" {
				t.Errorf("kept: %v from %s with %s; want %v", at, ip, agent, begun)
			}
		}
		m.before = func(_ int, statement string) error {
			if strings.HasPrefix(statement, "UPDATE") {
				return errInjected
			}
			return nil
		}
		h.clock.move(time.Minute)
		use() // a database that cannot be written to still lets read
		if !errors.Is(written, errInjected) {
			t.Errorf("written: %v", written)
		}
		m.before = nil
		check(t, h.WriteUses(t.Context()))
		if at, _, _ := row(); !at.Equal(begun.Add(time.Minute)) {
			t.Errorf("a use that could not be written at first is lost: %v", at)
		}
	})
}
