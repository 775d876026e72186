package accounts_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

func TestRefresh_ContinuesTheSession(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		signedIn := startTime.Truncate(time.Second)
		seen := map[string]bool{*p.RefreshToken: true}
		for i := range 3 {
			h.clock.move(time.Hour)
			now := h.clock.Now().Truncate(time.Microsecond)
			next := h.must(h.exchange(*p.RefreshToken))
			claims := must(h.access.Verify(next.AccessToken))
			if !claims.AuthenticatedAt.Equal(signedIn) || !claims.IssuedAt.Equal(now.Truncate(time.Second)) {
				t.Errorf("auth_time %v, iat %v; want %v, now", claims.AuthenticatedAt, claims.IssuedAt, signedIn)
			}
			if !next.Viewer.AuthTime.Equal(startTime.Truncate(time.Microsecond)) {
				t.Errorf("the viewer proved who they are at %v, want %v", next.Viewer.AuthTime, startTime)
			}
			if claims.SessionID != p.Viewer.SessionID || claims.UserID != p.User.ID {
				t.Error("another session or user")
			}
			if seen[*next.RefreshToken] {
				t.Error("a refresh token came back")
			}
			seen[*next.RefreshToken] = true
			row := h.db.Client.Session.GetX(t.Context(), claims.SessionID)
			if row.RefreshGeneration != i+1 || !row.LastUsedAt.Equal(now) || !row.IdleExpiresAt.Equal(now.Truncate(time.Second).Add(refreshTTL)) || !row.ExpiresAt.Equal(signedIn.Add(sessionTTL)) {
				t.Errorf("session %+v", row)
			}
			p = next
		}
	})
}

func TestRefresh_AnswersWithTheCurrentUser(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		h.db.Client.User.UpdateOneID(p.User.ID).SetRoles([]string{"ADMIN", "USER"}).SetName("Ada").ExecX(t.Context())
		if v := h.caller(p); !v.HasRole("ADMIN") {
			t.Errorf("the old access token's roles: %q, want them as they are now", v.Roles)
		}
		next := h.must(h.exchange(*p.RefreshToken))
		want := *p.User
		want.Roles, want.Name = []accounts.Role{"ADMIN", "USER"}, ptr("Ada")
		wantEqual(t, "user", &want, next.User, account)
		claims := must(h.access.Verify(next.AccessToken))
		wantEqual(t, "roles", []string{"ADMIN", "USER"}, claims.Roles)
		h.db.Client.User.UpdateOneID(p.User.ID).SetRoles([]string{"USER"}).ExecX(t.Context())
		if v := h.caller(next); v.HasRole("ADMIN") {
			t.Error("who is no administrator any more still is one by an old token")
		}
	})
}

// TestRefresh_UnusedSuccessorIsGivenAgain: a lost answer, and two tabs simultaneously.
func TestRefresh_UnusedSuccessorIsGivenAgain(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		const n = 50
		p := h.must(h.register(ada, goodPassword))
		other := h.instance(func(*accounts.Config) {})
		successors := make([]*accounts.AuthPayload, n)
		errs := make([]error, n)
		inParallel(n, func(i int) { successors[i], errs[i] = []*fixture{h, other}[i%2].exchange(*p.RefreshToken) })
		for i, err := range errs {
			if err != nil {
				t.Fatalf("one of %d: %v", n, err)
			}
			testenv.Equal(t, *successors[0].RefreshToken, *successors[i].RefreshToken, "the successors")
			h.wantActive("a successor", successors[i])
		}
		for _, later := range []time.Duration{0, 11 * time.Second, 24 * time.Hour} {
			h.clock.move(later)
			again := h.must(h.exchange(*p.RefreshToken))
			testenv.Equal(t, *successors[0].RefreshToken, *again.RefreshToken, "the successor, %v later", later)
		}
		if row := h.db.Client.Session.Query().OnlyX(t.Context()); row.RefreshGeneration != 1 || row.EndedAt != nil {
			t.Errorf("generation %d, ended %v", row.RefreshGeneration, row.EndedAt)
		}
		h.must(h.exchange(*successors[0].RefreshToken))
	})
}

// TestRefresh_ReplayEndsTheSession: one of two who hold the token is a thief,
// and nobody can tell which.
func TestRefresh_ReplayEndsTheSession(t *testing.T) {
	for age := 1; age <= 3; age++ {
		t.Run(fmt.Sprint(age, " generations more"), func(t *testing.T) {
			eachDatabase(t, func(t *testing.T, h *fixture) {
				stolen := h.must(h.register(ada, goodPassword))
				otherSession := h.must(h.login(ada, goodPassword))
				newest := h.must(h.exchange(*stolen.RefreshToken))
				for range age {
					h.wantActive("before", newest)
					h.clock.move(time.Second)
					newest = h.must(h.exchange(*newest.RefreshToken))
				}
				h.clock.move(11 * time.Second)
				wantReason(t, "the old token", errOf(h.exchange(*stolen.RefreshToken)), "used")
				h.wantRevoked("the newest token", newest)
				h.wantRevoked("the stolen token", stolen)
				wantProblem(t, "a write", h.rename(newest.Viewer, "thief"), problem.Unauthenticated, "")
				h.wantActive("another session of the user", otherSession)
				told := slices.DeleteFunc(slices.Clone(h.events),
					func(e accounts.Event) bool { return e.Kind != accounts.RefreshReused })
				want := []accounts.Event{{Kind: accounts.RefreshReused, UserID: stolen.Viewer.UserID,
					SessionID: stolen.Viewer.SessionID}}
				wantEqual(t, "the answer", want, told)
			})
		})
	}
}

// TestRefresh_LateRequestEndsNothing: of three tabs with one cookie, the slowest comes when the successor of its token
// was used already. A clock that is behind makes no difference.
func TestRefresh_LateRequestEndsNothing(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		late := h.must(h.register(ada, goodPassword))
		h.clock.move(time.Hour)
		next := h.must(h.exchange(*late.RefreshToken))
		h.clock.move(time.Hour)
		newest := h.must(h.exchange(*next.RefreshToken))
		for _, by := range []time.Duration{0, time.Second, -2 * time.Second, 11 * time.Second} {
			h.clock.move(by) // 10 s in all
			h.events = nil
			wantReason(t, "late", errOf(h.exchange(*late.RefreshToken)), "used")
			h.wantActive("the session", newest)
			told := accounts.Event{Kind: accounts.RefreshLate, UserID: late.Viewer.UserID, SessionID: late.Viewer.SessionID}
			testenv.Equal(t, []accounts.Event{told}, h.events, "the events")
		}
		again := h.must(h.exchange(*next.RefreshToken))
		testenv.Equal(t, *newest.RefreshToken, *again.RefreshToken, "the successor")
		h.clock.move(time.Second)
		wantReason(t, "too late", errOf(h.exchange(*late.RefreshToken)), "used")
		h.wantRevoked("the session", newest)
	})
}

// wantReason checks that a refresh token is refused, and with which reason.
func wantReason(t *testing.T, what string, err error, reason string) {
	t.Helper()
	p := wantProblem(t, what, err, problem.InvalidToken, "")
	testenv.Equal(t, reason, p.Reason, "reason of %s", what)
}

func TestRefresh_ParallelReplaysEndTheSessionOnce(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		const n = 50
		old := h.must(h.register(ada, goodPassword))
		next := h.must(h.exchange(*old.RefreshToken))
		newest := h.must(h.exchange(*next.RefreshToken))
		h.clock.move(11 * time.Second)
		errs := make([]error, n)
		inParallel(n, func(i int) { _, errs[i] = h.exchange(*old.RefreshToken) })
		for _, err := range errs {
			wantProblem(t, "reuse", err, problem.InvalidToken, "")
		}
		h.wantRevoked("the newest token", newest)
		h.must(h.login(ada, goodPassword))
	})
}

// firstOf draws a token that nobody was given: what only a thief of the secret could do.
func firstOf(t *testing.T, h *fixture, p *accounts.AuthPayload) string {
	r := must(h.refresh.New(p.User.ID, p.Viewer.SessionID))
	return r.Text()
}

// TestRefresh_RefusesBadTokens has a live session beside every case, which is the valid twin.
func TestRefresh_RefusesBadTokens(t *testing.T) {
	cases := []struct {
		name  string
		token func(t *testing.T, h *fixture, p *accounts.AuthPayload) string
	}{
		{"well made, another of the same session and generation", firstOf},
		{"well made, another of the generation before", firstOf}, // the twin has moved on by one
		{"empty", func(*testing.T, *fixture, *accounts.AuthPayload) string { return "" }},
		{"garbage", func(*testing.T, *fixture, *accounts.AuthPayload) string { return strings.Repeat("A", 112) }},
		{"a megabyte", func(*testing.T, *fixture, *accounts.AuthPayload) string { return strings.Repeat("A", 1<<20) }},
		{"one character less", func(_ *testing.T, _ *fixture, p *accounts.AuthPayload) string { return (*p.RefreshToken)[:111] }},
		{"one character more", func(_ *testing.T, _ *fixture, p *accounts.AuthPayload) string { return *p.RefreshToken + "A" }},
		{"padded", func(_ *testing.T, _ *fixture, p *accounts.AuthPayload) string { return *p.RefreshToken + "=" }},
		{"space behind", func(_ *testing.T, _ *fixture, p *accounts.AuthPayload) string { return *p.RefreshToken + " " }},
		{"line break inside", func(_ *testing.T, _ *fixture, p *accounts.AuthPayload) string {
			return (*p.RefreshToken)[:45] + "\n" + (*p.RefreshToken)[45:]
		}},
		{"upper case", func(_ *testing.T, _ *fixture, p *accounts.AuthPayload) string {
			return strings.ToUpper(*p.RefreshToken)
		}},
		{"lower case", func(_ *testing.T, _ *fixture, p *accounts.AuthPayload) string {
			return strings.ToLower(*p.RefreshToken)
		}},
		{"the access token", func(_ *testing.T, _ *fixture, p *accounts.AuthPayload) string { return p.AccessToken }},
		{"of another secret", func(t *testing.T, _ *fixture, p *accounts.AuthPayload) string {
			r := must(refreshTokens(t, "another-secret-of-36-bytes-in-length").New(p.User.ID, p.Viewer.SessionID))
			return r.Text()
		}},
		{"well made, of no session", func(t *testing.T, h *fixture, p *accounts.AuthPayload) string {
			r := must(h.refresh.New(p.User.ID, uuid.New()))
			return r.Text()
		}},
		{"a successor that nobody was given", func(t *testing.T, h *fixture, p *accounts.AuthPayload) string {
			r := must(h.refresh.Parse(*p.RefreshToken))
			return r.Next().Text()
		}},
		{"revoked: logged out", func(t *testing.T, h *fixture, _ *accounts.AuthPayload) string {
			p := h.must(h.login(ada, goodPassword))
			must(h.Logout(t.Context(), p.Viewer, ""))
			return *p.RefreshToken
		}},
		{"deleted session", func(t *testing.T, h *fixture, _ *accounts.AuthPayload) string {
			p := h.must(h.login(ada, goodPassword))
			h.db.Client.Session.DeleteOneID(p.Viewer.SessionID).ExecX(t.Context())
			return *p.RefreshToken
		}},
		{"revoked: suspended user", func(t *testing.T, h *fixture, _ *accounts.AuthPayload) string {
			p := h.must(h.register("suspended@example.com", goodPassword))
			h.suspend(p.User.ID)
			return *p.RefreshToken
		}},
	}
	eachDatabase(t, func(t *testing.T, h *fixture) {
		twin := h.must(h.register(ada, goodPassword))
		var first *problem.Problem
		for _, c := range cases {
			p := wantProblem(t, c.name, errOf(h.exchange(c.token(t, h, twin))), problem.InvalidToken, "")
			if reason, _, ok := strings.Cut(c.name, ":"); ok && p.Reason != reason || !ok && p.Reason != "unknown" {
				t.Errorf("%s: reason %q", c.name, p.Reason)
			}
			if first == nil {
				first = p
			}
			testenv.Equal(t, first.Message, p.Message, "what %s says, as the others", c.name)
			twin = h.must(h.exchange(*twin.RefreshToken))
		}
		_, err := h.Refresh(t.Context(), anonymous, accounts.RefreshInput{})
		wantReason(t, "no token", err, "missing")
	})
}

// TestRefresh_SuspendedUserKeepsTheToken: a refusal must not use a token up.
func TestRefresh_SuspendedUserKeepsTheToken(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		h.suspend(p.User.ID)
		for range 3 {
			wantProblem(t, "suspended", errOf(h.exchange(*p.RefreshToken)), problem.InvalidToken, "")
		}
		h.reinstate(p.User.ID)
		h.must(h.exchange(*p.RefreshToken))
	})
}

// TestSessions_EndExactlyAtTheirExpiry: to the microsecond.
func TestSessions_EndExactlyAtTheirExpiry(t *testing.T) {
	idle := startTime.Truncate(time.Second).Add(refreshTTL)
	whole := startTime.Truncate(time.Second).Add(sessionTTL)
	cases := []struct {
		name  string
		uses  []time.Time // when it is refreshed meanwhile
		at    time.Time
		lives bool
	}{
		{"idle, just before", nil, idle.Add(-time.Microsecond), true},
		{"idle, at once", nil, idle, false},
		{"idle, just after", nil, idle.Add(time.Microsecond), false},
		{"used in between", []time.Time{idle.Add(-time.Hour)}, idle.Add(time.Hour), true},
		{"idle again", []time.Time{idle.Add(-time.Hour)}, idle.Add(refreshTTL - time.Hour), false},
		{"whole life, just before", []time.Time{idle.Add(-1), idle.Add(refreshTTL - 2*time.Second),
			idle.Add(refreshTTL + time.Hour)}, whole.Add(-time.Microsecond), true},
		{"whole life, a second before",
			[]time.Time{idle.Add(-1), idle.Add(refreshTTL - 2*time.Second),
				idle.Add(refreshTTL + time.Hour)}, whole.Add(-time.Second), true},
		{"whole life, over", []time.Time{idle.Add(-1), idle.Add(refreshTTL - 2*time.Second),
			idle.Add(refreshTTL + time.Hour)}, whole, false},
		{"long after", []time.Time{idle.Add(-1)}, whole.AddDate(100, 0, 0), false},
	}
	eachDatabase(t, func(t *testing.T, h *fixture) {
		for i, c := range cases {
			h.clock.set(startTime)
			p := h.must(h.register(fmt.Sprintf("u%d@example.com", i), goodPassword))
			for _, use := range c.uses {
				h.clock.set(use)
				p = h.must(h.exchange(*p.RefreshToken))
			}
			h.clock.set(c.at)
			v := must(h.Viewer(t.Context(), claimsOf(p), viewer.Origin{}))
			testenv.Equal(t, c.lives, v.SignedIn(), "%s: the access token signs in", c.name)
			next, err := h.exchange(*p.RefreshToken)
			if !c.lives {
				wantReason(t, c.name, err, "expired")
				wantProblem(t, c.name, h.rename(p.Viewer, "late"), problem.Unauthenticated, "")
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
				continue
			}
			h.wantActive(c.name, next)
		}
	})
}

// TestAccessToken_NeverOutlivesItsSession refreshes at many moments of a session's last minutes.
func TestAccessToken_NeverOutlivesItsSession(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h = h.instance(func(c *accounts.Config) { c.RefreshTTL, c.SessionTTL = 2*accessTTL, 2*accessTTL })
		for fraction := range 4 {
			h.clock.set(startTime.Truncate(time.Second).Add(time.Duration(fraction) * 333_333_333))
			p := h.must(h.register(fmt.Sprintf("u%d@example.com", fraction), goodPassword))
			end := h.db.Client.Session.GetX(t.Context(), p.Viewer.SessionID).ExpiresAt
			for _, left := range []time.Duration{2*accessTTL - time.Second, accessTTL + time.Second, accessTTL, accessTTL - 1500*time.Millisecond, time.Minute, 2 * time.Second, 1001 * time.Millisecond, time.Second, 999 * time.Millisecond, time.Microsecond} {
				h.clock.set(end.Add(-left))
				p = h.must(h.exchange(*p.RefreshToken))
				claims, err := h.access.Verify(p.AccessToken)
				if err != nil {
					t.Fatalf("%v before the end: %v", left, err)
				}
				if claims.ExpiresAt.After(end) || claims.ExpiresAt.Sub(claims.IssuedAt) != time.Duration(p.ExpiresIn)*time.Second {
					t.Errorf("%v before the end: lives to %v, the session to %v; expiresIn %d", left,
						claims.ExpiresAt, end, p.ExpiresIn)
				}
				if want := min(accessTTL, left.Truncate(time.Second)); claims.ExpiresAt.Sub(h.clock.Now()) < want-time.Second {
					t.Errorf("%v before the end: lives for %v only", left, claims.ExpiresAt.Sub(h.clock.Now()))
				}
			}
			h.clock.set(end)
			wantProblem(t, "at the end", errOf(h.exchange(*p.RefreshToken)), problem.InvalidToken, "")
		}
	})
}

func TestSessions_StayEndedWhenTheClockStepsBack(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h.clock.move(48 * time.Hour)
		out := h.must(h.register(ada, goodPassword))
		must(h.Logout(t.Context(), out.Viewer, ""))
		reused := h.must(h.register("eve@example.com", goodPassword))
		h.must(h.exchange(*h.must(h.exchange(*reused.RefreshToken)).RefreshToken))
		h.clock.move(11 * time.Second)
		h.exchange(*reused.RefreshToken)
		h.clock.move(-24 * time.Hour)
		for _, p := range []*accounts.AuthPayload{out, reused} {
			v := must(h.Viewer(t.Context(), claimsOf(p), viewer.Origin{}))
			if v.SignedIn() {
				t.Error("signed in again")
			}
			wantProblem(t, "refresh", errOf(h.exchange(*p.RefreshToken)), problem.InvalidToken, "")
		}
		h.clock.move(24 * time.Hour)
	})
}

// TestRefresh_ParallelLogoutLeavesNoSession: whatever a refresh gave, it ends with the session.
func TestRefresh_ParallelLogoutLeavesNoSession(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h.must(h.register(ada, goodPassword))
		for range 40 {
			p := h.must(h.login(ada, goodPassword))
			var given *accounts.AuthPayload
			inParallel(3, func(i int) {
				if i == 0 {
					if _, err := h.Logout(context.Background(), p.Viewer, ""); err != nil {
						t.Errorf("logout: %v", err)
					}
					return
				}
				next, err := h.exchange(*p.RefreshToken)
				if err != nil {
					wantProblem(t, "refresh", err, problem.InvalidToken, "")
				}
				if i == 1 {
					given = next
				}
			})
			h.wantRevoked("the session", p)
			if given != nil {
				h.wantRevoked("what refresh gave meanwhile", given)
			}
		}
	})
}
