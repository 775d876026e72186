package accounts_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// mayLeaveTokens are the functions that end sessions and no personal access tokens, and why.
var mayLeaveTokens = map[string]string{
	"Service.Logout":        "the owner leaves, and programs work on",
	"Service.evictSessions": "the session is one of too many, and nobody says that it is another's",
}

// TestRevokedSessions_TakeThePersonalAccessTokensAlong: else a thief would stay whose session has ended.
func TestRevokedSessions_TakeThePersonalAccessTokensAlong(t *testing.T) {
	sessions, tokens := map[string]bool{}, map[string]bool{}
	for _, c := range sourceCalls(t) {
		sessions[c.from] = sessions[c.from] || c.name == "revokeSessions"
		tokens[c.from] = tokens[c.from] || c.name == "revokeTokens"
	}
	for from, ends := range sessions {
		if alone := ends && !tokens[from]; alone != (mayLeaveTokens[from] != "") {
			t.Errorf("%s ends sessions: %v, and personal access tokens: %v; call revokeTokens, or list it here and say why",
				from, ends, tokens[from])
		}
	}
}

// TestAccessToken_EndsWithTheThiefWhoMadeIt, on every way by which the owner of an account gets it back.
func TestAccessToken_EndsWithTheThiefWhoMadeIt(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h.root()
		other := h.must(h.register(ada, goodPassword))
		n, others := 0, h.tokenOf(other.Viewer)
		for name, recover := range recoveries {
			n++
			p := h.thief(n)
			made := h.tokenOf(p.Viewer)
			h.letters()
			h.wantToken(name+": before", made, "")
			recover(h, p)
			h.wantToken(name, made, viewer.Revoked)
			h.wantToken(name+": another user's", others, "")
		}
		for name, leave := range map[string]func(p *accounts.AuthPayload){
			"nothing":   func(*accounts.AuthPayload) {},
			"logout":    func(p *accounts.AuthPayload) { must(h.Logout(t.Context(), p.Viewer, "")) },
			"a sign-in": func(p *accounts.AuthPayload) { h.must(h.login(p.User.Email, goodPassword)) },
			"a proof":   func(p *accounts.AuthPayload) { h.must(h.reauthenticate(p.Viewer, goodPassword)) },
			"a profile": func(p *accounts.AuthPayload) { check(t, h.rename(p.Viewer, "Ada")) },
			"other tokens": func(p *accounts.AuthPayload) {
				must(h.RevokeAccessToken(t.Context(), p.Viewer, h.tokenOf(p.Viewer).ID))
			},
			"another session": func(p *accounts.AuthPayload) {
				second := h.must(h.login(p.User.Email, goodPassword))
				must(h.RevokeSession(t.Context(), p.Viewer, second.Viewer.SessionID))
			},
			"the other sessions": func(p *accounts.AuthPayload) { must(h.RevokeOtherSessions(t.Context(), p.Viewer)) },
			"too many sessions": func(p *accounts.AuthPayload) {
				for range 100 {
					h.must(h.login(p.User.Email, goodPassword))
				}
			},
		} {
			n++
			p := h.thief(n)
			made := h.tokenOf(p.Viewer)
			leave(p)
			h.wantToken(name, made, "")
		}
	})
}

// TestAccessTokens_CostNoStatementWhenTheyAreCached, and are ended by this instance and by others.
func TestAccessTokens_CostNoStatementWhenTheyAreCached(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h, m := h.remembering(0)
		p := h.must(h.register(ada, goodPassword))
		made := h.tokenOf(p.Viewer)
		reads := func(what string, want int, reason viewer.Reason) {
			t.Helper()
			testenv.Equal(t, want, len(m.count(func() { h.wantToken(what, made, reason) })), "%s: statements", what)
		}
		me := func(what string, want int) {
			t.Helper()
			testenv.Equal(t, want, len(m.count(func() { must(h.Me(t.Context(), h.callerBy(made))) })), "%s: statements of me", what)
		}
		reads("first", 1, "")
		reads("again", 0, "")
		me("first", 1)
		me("again", 0)
		h.exec("UPDATE access_tokens SET revoked_at = created_at") // by another instance
		h.HandleChanges(t.Context(), h.takeChanges())
		reads("revoked elsewhere", 1, viewer.Revoked)
		made = h.tokenOf(p.Viewer)
		reads("another one", 1, "")
		must(h.RevokeAccessToken(t.Context(), p.Viewer, made.ID))
		reads("revoked here", 1, viewer.Revoked)
		made = h.tokenOf(p.Viewer)
		reads("a third one", 1, "")
		h.exec("DELETE FROM access_tokens")
		h.HandleChanges(t.Context(), h.takeChanges())
		reads("deleted", 1, viewer.Revoked)
	})
}

// TestAccessTokens_ForgedOnesCostNoStatement, however well they are made.
func TestAccessTokens_ForgedOnesCostNoStatement(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h, m := h.metered()
		made := h.tokenOf(h.must(h.register(ada, goodPassword)).Viewer)
		foreign := must(personalTokens(t, "another key of 32 bytes, or more").New()).Text()
		for what, text := range map[string]string{"the prefix": "gh_pat_", "a typo": testenv.Typo(made.text), "of another server": foreign} {
			statements := m.count(func() { h.wantToken(what, &program{text: text}, viewer.Invalid) })
			testenv.Equal(t, 0, len(statements), "%s: statements", what)
		}
		testenv.Equal(t, 1, len(m.count(func() { h.wantToken("the control", made, "") })), "statements of the control")
	})
}

// TestAccessTokens_LastUseIsWrittenOnceAMinute, with those of sessions.
func TestAccessTokens_LastUseIsWrittenOnceAMinute(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h, m := h.remembering(0)
		p := h.must(h.register(ada, goodPassword))
		made, unused := h.tokenOf(p.Viewer), h.tokenOf(p.Viewer)
		lastUse := func() string {
			check(t, h.WriteUses(t.Context()))
			for _, token := range must(h.AccessTokens(t.Context(), p.User)) {
				if token.ID == unused.ID && token.LastUsedAt != nil {
					t.Errorf("one that is not used was used at %v", token.LastUsedAt)
				}
				if token.ID == made.ID && token.LastUsedAt != nil {
					return fmt.Sprint(token.LastUsedAt.Sub(startTime).Round(1e9))
				}
			}
			return "never"
		}
		testenv.Equal(t, "never", lastUse(), "before")
		h.callerBy(made)
		testenv.Equal(t, "0s", lastUse(), "the first use")
		h.clock.move(59e9)
		h.callerBy(made)
		testenv.Equal(t, "0s", lastUse(), "within a minute")
		h.clock.move(2e9)
		h.callerBy(made)
		testenv.Equal(t, 3, len(m.count(func() { check(t, h.WriteUses(t.Context())) })), "statements: begin, update, commit")
		testenv.Equal(t, "1m1s", lastUse(), "after a minute")
		h.clock.move(5e9)
		must(h.UpdateProfile(t.Context(), h.callerBy(made), accounts.ProfileChange{})) // a write, which holds the token
		testenv.Equal(t, "1m6s", lastUse(), "after a write")
	})
}

// TestAccessToken_FeedOutlivesCachedAnswers also where access tokens live for a second: other services cache for
// token.IntrospectionTTL what a personal access token is good for, and the roles of its user.
func TestAccessToken_FeedOutlivesCachedAnswers(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h = h.withTTL(time.Second)
		root, ann := h.root(), h.must(h.register(ada, goodPassword))
		made := h.tokenOf(ann.Viewer)
		check(t, h.setRoles(root, ann.User.ID, accounts.RoleUser, accounts.RoleAdmin))
		cached, n := h.clock.Now().Add(token.IntrospectionTTL), 0
		for _, r := range must(h.Revocations(t.Context())) {
			if r.UserID != ann.User.ID || r.SessionID == ann.Viewer.SessionID {
				continue
			}
			n++
			if r.Until.Before(cached) {
				t.Errorf("%v (the token is %v) ends before %v, until when an answer is cached", r, made.ID, cached)
			}
		}
		testenv.Equal(t, 2, n, "revocations: of the token, and of the roles")
	})
}
