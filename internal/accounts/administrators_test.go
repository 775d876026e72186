package accounts_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// administrator makes an administrator and logs them in.
func (h *fixture) administrator(email string) *accounts.AuthPayload {
	h.t.Helper()
	_, err := h.CreateAdministrator(context.Background(), email, goodPassword)
	check(h.t, err)
	return h.must(h.login(email, goodPassword))
}

func (h *fixture) setRoles(by *viewer.Viewer, id uuid.UUID, roles ...accounts.Role) error {
	in := accounts.SetRolesInput{UserID: id, Roles: roles, AllowUnverifiedEmail: true}
	_, err := h.SetRoles(context.Background(), by, in)
	return err
}

// promote is what the command does.
func (h *fixture) promote(email, pw string) (*accounts.User, error) {
	account, err := h.AccountByEmail(context.Background(), email)
	if err != nil {
		return nil, err
	}
	return h.Promote(context.Background(), account.User, pw)
}

// administrators counts the active ones.
func (h *fixture) administrators() int {
	h.t.Helper()
	page, err := h.Users(context.Background(),
		accounts.UserPage{Page: firstPage(100), UserFilter: accounts.UserFilter{Role: ptr(accounts.RoleAdmin), Status: ptr(accounts.StatusActive)}})
	check(h.t, err)
	return len(page.Edges)
}

func TestCreateAdministrator_SecondIsEmailTaken(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h.administrator("root@example.com")
		_, err := h.CreateAdministrator(t.Context(), "ROOT@example.com", otherPassword)
		wantProblem(t, "a second time", err, problem.EmailTaken, "")
		_, err = h.CreateAdministrator(t.Context(), "other@example.com", "password")
		wantProblem(t, "a common password", err, problem.BadUserInput, "password")
	})
}

func TestPromote_RefusesWhoCannotBeMeant(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		_, err := h.promote(ada, "password")
		wantProblem(t, "a common password", err, problem.BadUserInput, "password")
		_, err = h.promote("nobody@example.com", otherPassword)
		wantProblem(t, "an unknown user", err, problem.NotFound, "")
		_, err = h.promote("ada", otherPassword)
		wantProblem(t, "no address", err, problem.BadUserInput, "email")
		h.suspend(p.User.ID)
		_, err = h.promote(ada, otherPassword)
		wantProblem(t, "a suspended account", err, problem.Forbidden, "")
		h.exec("UPDATE users SET status = 'ACTIVE'")

		seen, err := h.AccountByEmail(t.Context(), ada)
		check(t, err)
		p = h.must(h.login(ada, goodPassword))
		_, err = h.DeleteAccount(t.Context(), p.Viewer)
		check(t, err)
		second := h.must(h.register(ada, goodPassword))
		_, err = h.Promote(t.Context(), seen.User, otherPassword)
		wantProblem(t, "an account that took the place of the one that was seen", err, problem.NotFound, "")
		h.wantActive("after what was refused", second)

		promoted, err := h.promote(ada, otherPassword)
		check(t, err)
		if want := []accounts.Role{accounts.RoleAdmin, accounts.RoleUser}; !slices.Equal(promoted.Roles, want) {
			t.Errorf("roles after the promotion: %v, want %v", promoted.Roles, want)
		}
		h.wantRevoked("promoted", second)
	})
}

// TestSetRoles_UnverifiedAddressGetsNoRights: the account of an address may be another person's than the administrator means.
func TestSetRoles_UnverifiedAddressGetsNoRights(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		root := h.administrator("root@example.com").Viewer
		id := h.must(h.register(ada, goodPassword)).User.ID
		set := func(allow bool, roles ...accounts.Role) error {
			in := accounts.SetRolesInput{UserID: id, Roles: append(roles, accounts.RoleUser), AllowUnverifiedEmail: allow}
			_, err := h.SetRoles(t.Context(), root, in)
			return err
		}
		wantProblem(t, "ADMIN", set(false, accounts.RoleAdmin), problem.BadUserInput, "allowUnverifiedEmail")
		testenv.Equal(t, 1, h.administrators(), "administrators")
		check(t, set(false))                     // gives nothing
		check(t, set(true, accounts.RoleAdmin))  // says so
		check(t, set(false, accounts.RoleAdmin)) // had it already
		check(t, set(false))
		h.exec("UPDATE users SET email_verified = true")
		wantProblem(t, "ADMIN, confirmed", set(false, accounts.RoleAdmin), problem.BadUserInput, "allowUnverifiedEmail")
		h.exec(provesEmail)
		check(t, set(false, accounts.RoleAdmin))
	})
}

// TestAdminMutations_OthersAreForbidden asks the rules directly, without the guard in front of them.
func TestAdminMutations_OthersAreForbidden(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		root := h.administrator("root@example.com")
		user := h.must(h.register(ada, goodPassword))
		former := h.administrator("former@example.com")
		formerViewer := h.caller(former) // who still believes in the role
		check(t, h.setRoles(root.Viewer, former.User.ID, accounts.RoleUser))

		for name, by := range map[string]*viewer.Viewer{"a user": user.Viewer, "a former administrator": formerViewer} {
			wantProblem(t, name+" sets roles", h.setRoles(by, user.User.ID, accounts.RoleUser, accounts.RoleAdmin),
				problem.Forbidden, "")
			_, err := h.SuspendUser(t.Context(), by, root.User.ID)
			wantProblem(t, name+" suspends", err, problem.Forbidden, "")
			_, err = h.ReinstateUser(t.Context(), by, root.User.ID)
			wantProblem(t, name+" reinstates", err, problem.Forbidden, "")
			_, err = h.EndUserSessions(t.Context(), by, root.User.ID)
			wantProblem(t, name+" ends sessions", err, problem.Forbidden, "")
			_, err = h.DeleteUser(t.Context(), by, root.User.ID)
			wantProblem(t, name+" deletes", err, problem.Forbidden, "")
			_, err = h.SendPasswordReset(t.Context(), by, root.User.ID)
			wantProblem(t, name+" sends a reset", err, problem.Forbidden, "")
		}
		_, err := h.SuspendUser(t.Context(), viewer.Anonymous(viewer.Missing), user.User.ID)
		wantProblem(t, "nobody suspends", err, problem.Unauthenticated, "")
		check(t, h.setRoles(root.Viewer, user.User.ID, accounts.RoleUser, accounts.RoleAdmin))
	})
}

func TestLastAdministrator_CannotLeave(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		root := h.administrator("root@example.com")
		second := h.administrator("second@example.com")
		_, err := h.SuspendUser(t.Context(), root.Viewer, second.User.ID)
		check(t, err)

		wantProblem(t, "steps down", h.setRoles(root.Viewer, root.User.ID, accounts.RoleUser), problem.LastAdmin, "")
		_, err = h.SuspendUser(t.Context(), root.Viewer, root.User.ID)
		wantProblem(t, "suspends themselves", err, problem.LastAdmin, "")
		_, err = h.DeleteAccount(t.Context(), root.Viewer)
		wantProblem(t, "goes", err, problem.LastAdmin, "")
		_, err = h.DeleteUser(t.Context(), root.Viewer, root.User.ID)
		wantProblem(t, "deletes themselves", err, problem.LastAdmin, "")
		h.wantActive("after all of that", root)

		_, err = h.ReinstateUser(t.Context(), root.Viewer, second.User.ID)
		check(t, err)
		_, err = h.DeleteAccount(t.Context(), root.Viewer)
		check(t, err)
		testenv.Equal(t, 1, h.administrators(), "administrators")
	})
}

// TestLastAdministrator_ParallelDeletionsLeaveOne has every administrator go at the same moment, each in one of the
// ways.
func TestLastAdministrator_ParallelDeletionsLeaveOne(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		for range 5 {
			var all []*accounts.AuthPayload
			for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
				email := name + "@" + uuid.NewString() + ".example.com"
				all = append(all, h.administrator(email))
			}
			errs := make([]error, len(all))
			inParallel(len(all), func(i int) {
				p := all[i]
				switch i % 4 {
				case 0:
					errs[i] = h.setRoles(p.Viewer, p.User.ID, accounts.RoleUser)
				case 1:
					_, errs[i] = h.SuspendUser(context.Background(), p.Viewer, p.User.ID)
				case 2:
					_, errs[i] = h.DeleteAccount(context.Background(), p.Viewer)
				case 3:
					_, errs[i] = h.DeleteUser(context.Background(), p.Viewer, p.User.ID)
				}
			})
			refused := 0
			for i, err := range errs {
				if err != nil {
					wantProblem(t, "leaves", err, problem.LastAdmin, "")
					refused++
				}
				_ = i
			}
			if n := h.administrators(); n != 1 || refused != 1 {
				t.Fatalf("%d administrators are left and %d were refused, want 1 and 1", n, refused)
			}
			// The last one makes room for the next round: another administrator takes the role away.
			h.exec("UPDATE users SET roles = '[\"USER\"]'")
		}
	})
}

// TestLastAdministrator_MutualSuspensionsLeaveOne could also make two transactions wait for each other.
func TestLastAdministrator_MutualSuspensionsLeaveOne(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		for range 10 {
			one, two := h.administrator(uuid.NewString()+"@example.com"), h.administrator(uuid.NewString()+"@example.com")
			errs := make([]error, 2)
			inParallel(2, func(i int) {
				by, whom := one, two
				if i == 1 {
					by, whom = two, one
				}
				_, errs[i] = h.SuspendUser(context.Background(), by.Viewer, whom.User.ID)
			})
			if (errs[0] == nil) == (errs[1] == nil) {
				t.Fatalf("both or neither was suspended: %v", errs)
			}
			wantProblem(t, "who was suspended first", errors.Join(errs...), problem.Unauthenticated, "")
			h.exec("UPDATE users SET roles = '[\"USER\"]'")
		}
	})
}

// TestSuspendUser_ParallelWritesNeverDeadlock runs what locks the same rows in other orders.
func TestSuspendUser_ParallelWritesNeverDeadlock(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		root := h.administrator("root@example.com")
		user := h.must(h.register(ada, goodPassword))
		for range 20 {
			p := h.must(h.login(ada, goodPassword))
			inParallel(5, func(i int) {
				var err error
				switch i {
				case 0:
					_, err = h.SuspendUser(context.Background(), root.Viewer, user.User.ID)
				case 1:
					err = h.rename(p.Viewer, "Ada")
				case 2:
					_, err = h.exchange(*p.RefreshToken)
				case 3:
					_, err = h.Logout(context.Background(), p.Viewer, "")
				case 4:
					_, err = h.login(ada, goodPassword)
				}
				var known *problem.Problem
				if err != nil && !errors.As(err, &known) {
					t.Errorf("step %d: %v", i, err)
				}
			})
			h.wantRevoked("suspended", p)
			_, err := h.ReinstateUser(t.Context(), root.Viewer, user.User.ID)
			check(t, err)
		}
	})
}

func TestSetRoles_SetsExactlyTheGivenRoles(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		root := h.administrator("root@example.com")
		user := h.must(h.register(ada, goodPassword))
		h.exec(provesEmail)
		check(t, h.setRoles(root.Viewer, user.User.ID, accounts.RoleUser, accounts.RoleAdmin, accounts.RoleUser))
		if v := h.caller(user); !v.HasRole("ADMIN") {
			t.Errorf("the next request has the roles %v", v.Roles)
		}
		check(t, h.setRoles(root.Viewer, user.User.ID, accounts.RoleUser))
		if v := h.caller(user); v.HasRole("ADMIN") {
			t.Errorf("the request after the demotion has the roles %v", v.Roles)
		}
		wantProblem(t, "no USER", h.setRoles(root.Viewer, user.User.ID, accounts.RoleAdmin), problem.BadUserInput,
			"roles")
		wantProblem(t, "an unknown one", h.setRoles(root.Viewer, user.User.ID, accounts.RoleUser, ""),
			problem.BadUserInput, "roles")
		wantProblem(t, "none", h.setRoles(root.Viewer, user.User.ID), problem.BadUserInput, "roles")
		wantProblem(t, "an unknown user", h.setRoles(root.Viewer, uuid.New(), accounts.RoleUser), problem.NotFound, "")
	})
}
