package accounts_test

import (
	"testing"

	"github.com/gatehouse/gatehouse/ent/migrate"
	"github.com/gatehouse/gatehouse/ent/user"
	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// credentialChanges are all ways to another password of the account of an address, or to another account. Their answers
// make the device known that asked.
var credentialChanges = map[string]func(h *fixture, p *accounts.AuthPayload) (*accounts.AuthPayload, error){
	"changePassword": func(h *fixture, p *accounts.AuthPayload) (*accounts.AuthPayload, error) {
		return h.changePassword(p.Viewer, goodPassword, otherPassword)
	},
	"deleteAccount, register": func(h *fixture, p *accounts.AuthPayload) (*accounts.AuthPayload, error) {
		if _, err := h.DeleteAccount(h.t.Context(), p.Viewer); err != nil {
			return nil, err
		}
		return h.registerAt(at("198.51.100.9"), ada)
	},
	"deleteAccount, admin create": func(h *fixture, p *accounts.AuthPayload) (*accounts.AuthPayload, error) {
		if _, err := h.DeleteAccount(h.t.Context(), p.Viewer); err != nil {
			return nil, err
		}
		_, err := h.CreateAdministrator(h.t.Context(), ada, otherPassword)
		return nil, err
	},
	"admin promote": func(h *fixture, _ *accounts.AuthPayload) (*accounts.AuthPayload, error) {
		_, err := h.promote(ada, otherPassword)
		return nil, err
	},
	"admin reset": func(h *fixture, _ *accounts.AuthPayload) (*accounts.AuthPayload, error) {
		account, err := h.AccountByEmail(h.t.Context(), ada)
		if err == nil {
			_, err = h.ResetAccount(h.t.Context(), account.User, otherPassword, false)
		}
		return nil, err
	},
	"suspendUser, reinstateUser": func(h *fixture, p *accounts.AuthPayload) (*accounts.AuthPayload, error) {
		root := h.root()
		if _, err := h.SuspendUser(h.t.Context(), root, p.User.ID); err != nil {
			return nil, err
		}
		_, err := h.ReinstateUser(h.t.Context(), root, p.User.ID)
		return nil, err
	},
	"setRoles with allowUnverifiedEmail": func(h *fixture, p *accounts.AuthPayload) (*accounts.AuthPayload, error) {
		return nil, h.setRoles(h.root(), p.User.ID, accounts.RoleUser, accounts.RoleAdmin)
	},
}

// root is an administrator who signs in, and is made when there is none.
func (h *fixture) root() *viewer.Viewer {
	h.t.Helper()
	const address = "root@example.com"
	_, err := h.CreateAdministrator(h.t.Context(), address, goodPassword)
	if !problem.Is(err, problem.EmailTaken) {
		check(h.t, err)
	}
	return h.must(h.loginAt(anonymous, address, goodPassword)).Viewer
}

func TestKnownDevices_AreForgottenWithTheCredential(t *testing.T) {
	for name, change := range credentialChanges {
		t.Run(name, func(t *testing.T) {
			eachThrottled(t, func(t *testing.T, h *fixture) {
				p := h.must(h.registerAt(at("192.0.2.7"), ada))
				knows := func(p *accounts.AuthPayload) bool {
					h.verifies(10, h.guess(ada)) // so that unknown devices have to wait
					return verified(t, errOf(h.loginAt(on(p, at("192.0.2.7")), ada, "a guess of the thief")))
				}
				if !knows(p) {
					t.Fatal("not known after the registration")
				}
				other := h.throttled(accounts.DefaultThrottle()) // as a command in another process
				changed, err := change(other, p)
				check(t, err)
				if knows(p) {
					t.Error("still known")
				}
				if changed != nil && !knows(changed) {
					t.Error("who chose the password is not known where they did")
				}
			})
		})
	}
}

// TestResetAccount_EveryTableOfAUserIsThoughtOf: what belongs to a user may open the account. Say here what
// ResetAccount does with it, and add it to the credentials of test/e2e/admin_commands_test.go.
func TestResetAccount_EveryTableOfAUserIsThoughtOf(t *testing.T) {
	known := map[string]string{"sessions": "are ended", "access_tokens": "are revoked",
		"totp_factors":   "stay, and open nothing alone: --factors removes them, and promote does",
		"recovery_codes": "as totp_factors",
		"passkeys":       "as totp_factors: credential_generation keeps them from signing in alone"}
	for _, table := range migrate.Tables {
		for _, key := range table.ForeignKeys {
			if key.RefTable.Name == user.Table && known[table.Name] == "" {
				t.Errorf("rows of %s belong to a user: do they outlive ResetAccount?", table.Name)
			}
			delete(known, table.Name)
		}
	}
	for name := range known {
		t.Errorf("no row of %s belongs to a user", name)
	}
}
