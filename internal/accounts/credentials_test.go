package accounts_test

import (
	"testing"

	"github.com/gatehouse/gatehouse/ent/migrate"
	"github.com/gatehouse/gatehouse/ent/user"
	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// passwordChanges are all ways to another password of the account of an address, or to another account.
var passwordChanges = map[string]func(h *fixture, p *accounts.AuthPayload) error{
	"changePassword": func(h *fixture, p *accounts.AuthPayload) error {
		v := *p.Viewer
		v.Origin = at("198.51.100.9").Origin
		_, err := h.changePassword(&v, goodPassword, otherPassword)
		return err
	},
	"deleteAccount, register": func(h *fixture, p *accounts.AuthPayload) error {
		if _, err := h.DeleteAccount(h.t.Context(), p.Viewer); err != nil {
			return err
		}
		_, err := h.registerAt(at("198.51.100.9"), ada)
		return err
	},
	"deleteAccount, admin create": func(h *fixture, p *accounts.AuthPayload) error {
		if _, err := h.DeleteAccount(h.t.Context(), p.Viewer); err != nil {
			return err
		}
		_, err := h.CreateAdministrator(h.t.Context(), ada, otherPassword)
		return err
	},
	"admin promote": func(h *fixture, _ *accounts.AuthPayload) error {
		_, err := h.promote(ada, otherPassword)
		return err
	},
	"admin reset": func(h *fixture, _ *accounts.AuthPayload) error {
		account, err := h.AccountByEmail(h.t.Context(), ada)
		if err == nil {
			_, err = h.ResetAccount(h.t.Context(), account.User, otherPassword)
		}
		return err
	},
	"suspendUser, reinstateUser": func(h *fixture, p *accounts.AuthPayload) error {
		root := h.administrator("root@example.com").Viewer
		if _, err := h.SuspendUser(h.t.Context(), root, p.User.ID); err != nil {
			return err
		}
		_, err := h.ReinstateUser(h.t.Context(), root, p.User.ID)
		return err
	},
}

func TestKnownNetworks_AreForgottenWithThePassword(t *testing.T) {
	for name, change := range passwordChanges {
		t.Run(name, func(t *testing.T) {
			eachThrottled(t, func(t *testing.T, h *fixture) {
				thief := at("192.0.2.7")
				p := h.must(h.registerAt(thief, ada))
				knows := func(v *viewer.Viewer) bool {
					h.verifies(10, h.guess(ada)) // so that unknown networks have to wait
					_, err := h.loginAt(v, ada, "a guess of the thief")
					return verified(t, err)
				}
				if !knows(thief) {
					t.Fatal("not known after the registration")
				}
				other := h.throttled(accounts.DefaultThrottle()) // as a command in another process
				check(t, change(other, p))
				if knows(thief) {
					t.Error("still known")
				}
				if name == "changePassword" && !knows(at("198.51.100.9")) {
					t.Error("who changed the password is not known where they did")
				}
			})
		})
	}
}

// TestResetAccount_EveryTableOfAUserIsThoughtOf: what belongs to a user may open the account. Say here what
// ResetAccount does with it, and add it to the credentials of test/e2e/admin_commands_test.go.
func TestResetAccount_EveryTableOfAUserIsThoughtOf(t *testing.T) {
	known := map[string]string{"sessions": "are ended"}
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
