package accounts_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/token"
)

func TestRevokeSession_EndsOneOwnSession(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		one := h.must(h.register(ada, goodPassword))
		two, three := h.must(h.login(ada, goodPassword)), h.must(h.login(ada, goodPassword))
		eve := h.must(h.register("eve@example.com", goodPassword))
		_, err := h.Logout(t.Context(), three.Viewer, "")
		check(t, err)
		for name, id := range map[string]uuid.UUID{
			"another's": eve.Viewer.SessionID, "nobody's": someID(t), "nil": uuid.Nil, "one that has ended": three.Viewer.SessionID,
		} {
			_, err := h.RevokeSession(t.Context(), one.Viewer, id)
			p := wantProblem(t, name, err, problem.NotFound, "")
			testenv.Equal(t, "There is no such session of yours.", p.Message, "%s", name)
		}
		payload, err := h.RevokeSession(t.Context(), one.Viewer, two.Viewer.SessionID)
		check(t, err)
		if s := payload.Session; s.ID != two.Viewer.SessionID || s.Current || s.UserID != one.User.ID || *s.IP != "192.0.2.7" || *s.UserAgent != "the tests" {
			t.Errorf("the session that was ended: %+v", s)
		}
		h.wantRevoked("two", two)
		h.wantActive("one", one)
		h.wantActive("eve", eve)
		payload, err = h.RevokeSession(t.Context(), one.Viewer, one.Viewer.SessionID) // as logout does
		check(t, err)
		if !payload.Session.Current {
			t.Error("the caller's own session is not the current one")
		}
		h.wantRevoked("one", one)
	})
}

func TestRevokeOtherSessions_EndsAllOthers(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		one := h.must(h.register(ada, goodPassword))
		two, three := h.must(h.login(ada, goodPassword)), h.must(h.login(ada, goodPassword))
		eve := h.must(h.register("eve@example.com", goodPassword))
		for range 2 { // the second time there is none
			_, err := h.RevokeOtherSessions(t.Context(), two.Viewer)
			check(t, err)
		}
		h.wantRevoked("one", one)
		h.wantRevoked("three", three)
		h.wantActive("two", two)
		h.wantActive("eve", eve)
		all, err := h.Sessions(t.Context(), two.Viewer, two.User)
		check(t, err)
		if len(all) != 1 || !all[0].Current {
			t.Errorf("sessions: %v", all)
		}
	})
}

// TestRevocations_EveryEndingIsRecorded is what other services rely on: an ended session is in the record until
// its last token has expired, and an innocent one never.
func TestRevocations_EveryEndingIsRecorded(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		root := h.administrator("root@example.com")
		ctx := t.Context()
		for name, end := range map[string]func(p *accounts.AuthPayload) error{
			"logout": func(p *accounts.AuthPayload) error { _, err := h.Logout(ctx, p.Viewer, ""); return err },
			"revoke": func(p *accounts.AuthPayload) error {
				_, err := h.RevokeSession(ctx, p.Viewer, p.Viewer.SessionID)
				return err
			},
			"delete":     func(p *accounts.AuthPayload) error { _, err := h.DeleteAccount(ctx, p.Viewer); return err },
			"suspension": func(p *accounts.AuthPayload) error { _, err := h.SuspendUser(ctx, root.Viewer, p.User.ID); return err },
			"password": func(p *accounts.AuthPayload) error {
				_, err := h.ChangePassword(ctx, p.Viewer,
					accounts.ChangePasswordInput{CurrentPassword: goodPassword, NewPassword: otherPassword})
				return err
			},
			"others": func(p *accounts.AuthPayload) error {
				_, err := h.RevokeOtherSessions(ctx, h.must(h.login(p.User.Email, goodPassword)).Viewer)
				return err
			},
			"reuse": func(p *accounts.AuthPayload) error {
				h.must(h.exchange(*h.must(h.exchange(*p.RefreshToken)).RefreshToken))
				h.clock.move(11 * time.Second)
				_, err := h.exchange(*p.RefreshToken)
				wantProblem(t, "reuse", err, problem.InvalidToken, "")
				return nil
			},
			"too many": func(p *accounts.AuthPayload) error {
				for range 100 {
					h.clock.move(1000) // so that the first is the oldest
					h.must(h.login(p.User.Email, goodPassword))
				}
				return nil
			},
		} {
			p, innocent := h.must(h.register(name2address(name),
				goodPassword)), h.must(h.register("not-"+name2address(name), goodPassword))
			check(t, end(p))
			inForce, err := h.Revocations(ctx)
			check(t, err)
			found := 0
			for _, r := range inForce {
				if r.SessionID == p.Viewer.SessionID && r.UserID == p.User.ID {
					found++
					claims, err := h.access.Verify(p.AccessToken)
					check(t, err)
					if r.Until.Before(claims.ExpiresAt) {
						t.Errorf("%s: forgotten at %v, while its token lives until %v", name, r.Until, claims.ExpiresAt)
					}
				}
				if r.SessionID == innocent.Viewer.SessionID || r.SessionID == uuid.Nil {
					t.Errorf("%s: %+v", name, r)
				}
			}
			testenv.Equal(t, 1, found, "%s: times recorded", name)
		}
		_, err := h.SetRoles(ctx, root.Viewer,
			accounts.SetRolesInput{UserID: root.User.ID, Roles: []accounts.Role{accounts.RoleUser, accounts.RoleAdmin}})
		check(t, err)
		inForce, err := h.Revocations(ctx)
		check(t, err)
		if r := inForce[len(inForce)-1]; r.UserID != root.User.ID || r.SessionID != uuid.Nil || len(r.Roles) != 2 {
			t.Errorf("roles: %+v", r)
		}
		check(t, h.DeleteExpiredRevocations(ctx))
		testenv.Equal(t, len(inForce), h.db.Client.Revocation.Query().CountX(ctx),
			"revocations left while they are in force")
		h.clock.move(accessTTL + token.Leeway + token.MaxTTL)
		check(t, h.DeleteExpiredRevocations(ctx))
		testenv.Equal(t, 0, h.db.Client.Revocation.Query().CountX(ctx),
			"revocations left when all tokens have expired")
	})
}

func name2address(name string) string { return name[:3] + "@example.com" }

// TestRevocations_RolesComeInTheOrderOfCommits, and not of the clocks of the instances that change them.
func TestRevocations_RolesComeInTheOrderOfCommits(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		root, p := h.administrator("root@example.com"), h.must(h.register(ada, goodPassword))
		ahead := h.instance(func(c *accounts.Config) {
			c.Clock = func() time.Time { return h.clock.Now().Add(token.Leeway - time.Second) }
		})
		before, err := h.access.Verify(h.must(ahead.exchange(*p.RefreshToken)).AccessToken)
		check(t, err)
		for _, change := range []struct {
			by    *fixture
			roles []accounts.Role
		}{{ahead, []accounts.Role{accounts.RoleUser, accounts.RoleAdmin}}, {h, []accounts.Role{accounts.RoleUser}}} {
			_, err := change.by.SetRoles(t.Context(), root.Viewer,
				accounts.SetRolesInput{UserID: p.User.ID, Roles: change.roles, AllowUnverifiedEmail: true})
			check(t, err)
		}
		inForce, err := h.Revocations(t.Context())
		check(t, err)
		last := inForce[len(inForce)-1]
		if last.UserID != p.User.ID || len(last.Roles) != 1 {
			t.Errorf("told last: %+v, want the roles that the database has", last)
		}
		if !before.IssuedAt.Before(last.Before()) {
			t.Errorf("a token from before, issued at %v by the clock of its instance, is not meant: %v",
				before.IssuedAt, last.Before())
		}
	})
}
