package accounts_test

import (
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// TestAdministratorMFA_RoleCountsOnlyInSessionsWithASecondFactor: the rules of accounts hold whatever the guard says.
func TestAdministratorMFA_RoleCountsOnlyInSessionsWithASecondFactor(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		root, p := h.administrator("root@example.com"), h.must(h.register(ada, goodPassword))
		required := h.instance(func(c *accounts.Config) { c.AdminMFA = true })
		for name, act := range map[string]func(s *fixture, v *viewer.Viewer) error{
			"endSessions": func(s *fixture, v *viewer.Viewer) error {
				return errOf(s.EndUserSessions(t.Context(), v, p.User.ID))
			},
			"inviteUser": func(s *fixture, v *viewer.Viewer) error {
				return errOf(s.InviteUser(t.Context(), v, accounts.InviteUserInput{Email: "new@example.com"}))
			},
		} {
			one, two := h.caller(root), h.caller(root)
			two.AMR = token.Password.With(token.OneTimeCode)
			wantProblem(t, name, act(required, one), problem.ReauthenticationRequired, "")
			check(t, act(required, two))
			check(t, act(h, one)) // where it is not required
			wantProblem(t, name+" as a user", act(required, h.caller(h.must(h.login(ada, goodPassword)))), problem.Forbidden, "")
		}
	})
}

// TestAdministratorMFA_TokensNameTheRoleOnlyWithASecondFactor, and of a change services learn what tokens name since.
func TestAdministratorMFA_TokensNameTheRoleOnlyWithASecondFactor(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		root := h.administrator("root@example.com")
		required := h.instance(func(c *accounts.Config) { c.AdminMFA = true })
		names := func(s *fixture) bool {
			again := h.must(s.reauthenticate(h.caller(root), goodPassword))
			return slices.Contains(must(h.access.Verify(again.AccessToken)).Roles, "ADMIN")
		}
		testenv.Equal(t, []bool{true, false}, []bool{names(h), names(required)}, "ADMIN with one factor, by whether that is enough")
		h.db.Client.Session.UpdateOneID(root.Viewer.SessionID).SetAmr("pwd otp mfa").ExecX(t.Context())
		testenv.Equal(t, []bool{true, true}, []bool{names(h), names(required)}, "ADMIN with two factors")
		if !h.caller(root).HasRole("ADMIN") {
			t.Error("the viewer has lost the role, and the guard cannot say what is missing")
		}

		ann := h.must(h.register(ada, goodPassword))
		change := func(roles ...accounts.Role) (open, strict accounts.Revocation) {
			must(h.SetRoles(t.Context(), h.caller(root), accounts.SetRolesInput{UserID: ann.User.ID, Roles: roles,
				AllowUnverifiedEmail: true}))
			newest := func(s *fixture) accounts.Revocation {
				all := slices.DeleteFunc(must(s.Revocations(t.Context())), func(r accounts.Revocation) bool {
					return r.UserID != ann.User.ID || r.SessionID != uuid.Nil
				})
				return all[len(all)-1]
			}
			return newest(h), newest(required)
		}
		open, strict := change(accounts.RoleUser, accounts.RoleAdmin)
		all, user := []string{"ADMIN", "USER"}, []string{"USER"}
		testenv.Equal(t, [][]string{all, nil}, [][]string{open.Roles, open.MFARoles}, "of an administrator")
		testenv.Equal(t, [][]string{user, all}, [][]string{strict.Roles, strict.MFARoles},
			"of an administrator, where the factor counts")
		open, strict = change(accounts.RoleUser)
		testenv.Equal(t, [][]string{user, nil, user, nil},
			[][]string{open.Roles, open.MFARoles, strict.Roles, strict.MFARoles}, "of a user")
	})
}
