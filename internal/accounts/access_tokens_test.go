package accounts_test

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// program is a personal access token that a test has.
type program struct {
	text string
	*accounts.PersonalAccessToken
}

// createToken makes a personal access token that expires in a day.
func (h *fixture) createToken(v *viewer.Viewer, scopes ...accounts.Scope) (*program, error) {
	in := accounts.CreateAccessTokenInput{Name: "a program", ExpiresAt: h.clock.Now().Add(24 * time.Hour)}
	for _, s := range scopes {
		in.Scopes = append(in.Scopes, string(s))
	}
	made, err := h.CreateAccessToken(h.t.Context(), v, in)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.secrets = append(h.secrets, made.Token)
	return &program{made.Token, made.AccessToken}, nil
}

// tokenOf is createToken that must succeed, for account:read.
func (h *fixture) tokenOf(v *viewer.Viewer) *program {
	h.t.Helper()
	return must(h.createToken(v, accounts.ScopeAccountRead))
}

// callerBy is who a personal access token says is calling.
func (h *fixture) callerBy(p *program) *viewer.Viewer {
	h.t.Helper()
	v := must(h.TokenViewer(h.t.Context(), p.text, anonymous.Origin))
	return &v
}

// wantToken checks what a personal access token makes of its caller: "" for signed in, or why they are not.
func (h *fixture) wantToken(what string, p *program, reason viewer.Reason) {
	h.t.Helper()
	testenv.Equal(h.t, string(reason), h.callerBy(p).Reason(), "%s: why the token signs nobody in", what)
}

// TestCreateAccessToken_WantsTheFactorOfTheAccount: else who has the password and a session from before would have a token
// for a year.
func TestCreateAccessToken_WantsTheFactorOfTheAccount(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		h.tokenOf(p.Viewer)
		h.addTotp(p.Viewer)
		_, err := h.createToken(p.Viewer, accounts.ScopeAccountRead) // by what it had proved before
		refused := wantProblem(t, "a password alone", err, problem.ReauthenticationRequired, "")
		testenv.Equal(t, any(true), refused.Extensions["mfa"], "mfa")
		h.tokenOf(h.caller(p))
	})
}

func TestAccessTokens_MakeARestrictedViewer(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		session := h.must(h.register(ada, goodPassword)).Viewer
		made := must(h.createToken(session, accounts.ScopeUsersRead, accounts.ScopeAccountRead, accounts.ScopeUsersRead))
		want := []string{"account:read", "users:read"}
		testenv.Equal(t, want, made.Scopes, "scopes of the answer")
		v := h.callerBy(made)
		testenv.Equal(t, []any{session.UserID, uuid.Nil, made.ID, []string{"USER"}, want, time.Time{}},
			[]any{v.UserID, v.SessionID, v.TokenID, v.Roles, v.Scopes, v.AuthTime}, "the viewer: no session and no auth_time")
		testenv.Equal(t, true, v.Restricted() && v.HasScope("users:read") && !v.HasScope("users:write"), "restricted")
		check(t, h.setRoles(h.root(), session.UserID, accounts.RoleUser, accounts.RoleAdmin))
		testenv.Equal(t, viewer.Revoked, h.callerBy(made).AnonymousReason, "after a role that ends all sessions")
	})
}

func TestCreateAccessToken_NamesEachFaultOfItsInput(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		v := h.must(h.register(ada, goodPassword)).Viewer
		now := h.clock.Now()
		good := accounts.CreateAccessTokenInput{Name: "a program", Scopes: []string{"account:read"}, ExpiresAt: now.AddDate(1, 0, 0)}
		for name, c := range map[string]struct {
			change        func(*accounts.CreateAccessTokenInput)
			field, reason string
		}{
			"no name":          {func(in *accounts.CreateAccessTokenInput) { in.Name = " " }, "name", "TOO_SHORT"},
			"a line break":     {func(in *accounts.CreateAccessTokenInput) { in.Name = "a\nb" }, "name", "MALFORMED"},
			"no scope":         {func(in *accounts.CreateAccessTokenInput) { in.Scopes = nil }, "scopes", "REQUIRED"},
			"an unknown scope": {func(in *accounts.CreateAccessTokenInput) { in.Scopes = []string{"account:read", "admin"} }, "scopes", "NOT_ALLOWED"},
			"two in one text": {func(in *accounts.CreateAccessTokenInput) { in.Scopes = []string{"account:read users:read"} },
				"scopes", "NOT_ALLOWED"},
			"expired":         {func(in *accounts.CreateAccessTokenInput) { in.ExpiresAt = now }, "expiresAt", "OUT_OF_RANGE"},
			"a fraction away": {func(in *accounts.CreateAccessTokenInput) { in.ExpiresAt = now.Add(time.Millisecond) }, "expiresAt", "OUT_OF_RANGE"},
			"after a year":    {func(in *accounts.CreateAccessTokenInput) { in.ExpiresAt = now.AddDate(1, 0, 1) }, "expiresAt", "OUT_OF_RANGE"},
			"in year 9999": {func(in *accounts.CreateAccessTokenInput) { in.ExpiresAt = now.AddDate(7000, 0, 0) },
				"expiresAt", "OUT_OF_RANGE"},
		} {
			in := good
			c.change(&in)
			_, err := h.CreateAccessToken(t.Context(), v, in)
			p := wantProblem(t, name, err, problem.BadUserInput, c.field)
			testenv.Equal(t, c.reason, p.Reason, "%s: the reason", name)
			if c.field == "scopes" {
				for _, scope := range accounts.Scopes() {
					testenv.Equal(t, true, strings.Contains(p.Message, string(scope)), "%s: %q lists %s", name, p.Message, scope)
				}
			}
		}
		_, err := h.CreateAccessToken(t.Context(), v, accounts.CreateAccessTokenInput{})
		testenv.Equal(t, 3, len(problem.All(err)), "faults of an empty input")
		made := must(h.CreateAccessToken(t.Context(), v, good)) // the control
		h.secrets = append(h.secrets, made.Token)
	})
}

// TestAccessTokens_AreFiftyAtMost of those that can be used, in parallel too.
func TestAccessTokens_AreFiftyAtMost(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		v := h.must(h.register(ada, goodPassword)).Viewer
		first := h.tokenOf(v)
		for range 44 {
			h.tokenOf(v)
		}
		other := h.instance(func(*accounts.Config) {})
		var made, refused atomic.Int64
		inParallel(20, func(i int) {
			_, err := []*fixture{h, other}[i%2].createToken(v, accounts.ScopeAccountRead)
			if err == nil {
				made.Add(1)
			} else if problem.Is(err, problem.Forbidden) {
				refused.Add(1)
			} else {
				t.Error(err)
			}
		})
		testenv.Equal(t, []int64{5, 15}, []int64{made.Load(), refused.Load()}, "made and refused in parallel")
		must(h.RevokeAccessToken(t.Context(), v, first.ID))
		h.tokenOf(v)
		h.clock.move(25 * time.Hour)
		h.tokenOf(h.must(h.login(ada, goodPassword)).Viewer) // the others have expired, and are gone
		testenv.Equal(t, 1, h.db.Client.AccessToken.Query().CountX(t.Context()), "rows")
	})
}

func TestAccessTokens_AreListedWhileTheyCanBeUsed(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		v, bob := p.Viewer, h.must(h.register("bob@example.com", goodPassword)).Viewer
		first := h.tokenOf(v)
		h.clock.move(time.Second)
		second := h.tokenOf(v)
		revoked := h.tokenOf(v)
		must(h.RevokeAccessToken(t.Context(), v, revoked.ID))
		h.tokenOf(bob)
		list := func() (ids []uuid.UUID) {
			for _, token := range must(h.AccessTokens(t.Context(), p.User)) {
				ids = append(ids, token.ID)
			}
			return ids
		}
		testenv.Equal(t, []uuid.UUID{second.ID, first.ID}, list(), "the list")
		h.wantToken("revoked", revoked, viewer.Revoked)
		h.clock.move(24*time.Hour - time.Second)
		testenv.Equal(t, []uuid.UUID{second.ID}, list(), "the list once one has expired")
		h.wantToken("expired", first, viewer.Expired)
		h.wantToken("not expired", second, "")
	})
}

// TestRevokeAccessToken_IsForItsOwner, and the answer for another's is that for none.
func TestRevokeAccessToken_IsForItsOwner(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		v, bob := h.must(h.register(ada, goodPassword)).Viewer, h.must(h.register("bob@example.com", goodPassword)).Viewer
		made := h.tokenOf(v)
		for what, id := range map[string]uuid.UUID{"another's": made.ID, "none": uuid.New(), "a session": bob.SessionID} {
			_, err := h.RevokeAccessToken(t.Context(), bob, id)
			wantProblem(t, what, err, problem.NotFound, "")
		}
		h.wantToken("the control", made, "")
		must(h.RevokeAccessToken(t.Context(), v, made.ID))
		_, err := h.RevokeAccessToken(t.Context(), v, made.ID)
		wantProblem(t, "again", err, problem.NotFound, "")
	})
}

// TestAccessTokens_WritesCheckThemInTheirTransaction: a viewer that was decided before counts no more.
func TestAccessTokens_WritesCheckThemInTheirTransaction(t *testing.T) {
	for name, end := range map[string]func(h *fixture, owner *viewer.Viewer, p *program){
		"revoked": func(h *fixture, owner *viewer.Viewer, p *program) {
			must(h.RevokeAccessToken(h.t.Context(), owner, p.ID))
		},
		"expired":   func(h *fixture, _ *viewer.Viewer, _ *program) { h.clock.move(24 * time.Hour) },
		"suspended": func(h *fixture, owner *viewer.Viewer, _ *program) { h.suspend(owner.UserID) },
		"gone": func(h *fixture, _ *viewer.Viewer, p *program) {
			h.db.Client.AccessToken.DeleteOneID(p.ID).ExecX(h.t.Context())
		},
		"another's": func(h *fixture, _ *viewer.Viewer, p *program) {
			other := h.must(h.register("bob@example.com", goodPassword)).User.ID
			h.exec(fmt.Sprintf("UPDATE access_tokens SET user_id = '%s' WHERE id = '%s'", other, p.ID))
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachDatabase(t, func(t *testing.T, h *fixture) {
				owner := h.must(h.register(ada, goodPassword)).Viewer
				made := must(h.createToken(owner, accounts.ScopeAccountWrite))
				v := h.callerBy(made)
				check(t, h.rename(v, "Ada")) // the control
				end(h, owner, made)
				wantProblem(t, "a write", h.rename(v, "Eve"), problem.Unauthenticated, "")
			})
		})
	}
}

// TestLogout_IsNothingForAPersonalAccessToken, neither for itself nor for the cookie that comes with it.
func TestLogout_IsNothingForAPersonalAccessToken(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		made := h.tokenOf(p.Viewer)
		_, err := h.Logout(t.Context(), h.callerBy(made), *p.RefreshToken)
		wantProblem(t, "logout", err, problem.Forbidden, "")
		h.wantActive("the session", p)
		h.wantToken("the token", made, "")
	})
}

// TestAuditLog_SaysWithWhichPersonalAccessTokenAProgramActed.
func TestAuditLog_SaysWithWhichPersonalAccessTokenAProgramActed(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		made := must(h.createToken(h.must(h.register(ada, goodPassword)).Viewer, accounts.ScopeAccountWrite))
		v := h.callerBy(made)
		must(h.UpdateProfile(viewer.With(t.Context(), v), v, accounts.ProfileChange{Name: ptr(ptr("Ada"))}))
		i := slices.IndexFunc(h.auditLog(nil), func(e *accounts.AuditEvent) bool { return e.Kind == "profile_changed" })
		e := h.auditLog(nil)[i]
		testenv.Equal(t, []string{v.UserID.String(), made.ID.String()}, []string{e.ActorID.String(), e.ActorSessionID.String()},
			"who acted, and with what")
	})
}
