package accounts_test

import (
	"context"
	"testing"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
)

// TestEvents_ArePublishedAfterTheCommit: what happened and to whom, and nothing that was refused or rolled
// back.
func TestEvents_ArePublishedAfterTheCommit(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		kind := func(k accounts.EventKind, ids ...uuid.UUID) accounts.Event {
			ids = append(ids, uuid.Nil, uuid.Nil)
			return accounts.Event{Kind: k, UserID: ids[0], SessionID: ids[1]}
		}
		expect := func(what string, want ...accounts.Event) {
			t.Helper()
			wantEqual(t, what, want, h.events)
			h.events = nil
		}
		root := h.administrator("root@example.com").Viewer
		expect("an administrator", kind(accounts.AccountCreated, root.UserID),
			kind(accounts.SignedIn, root.UserID, root.SessionID))
		p := h.must(h.register(ada, goodPassword))
		id, first := p.Viewer.UserID, p.Viewer.SessionID
		expect("register", kind(accounts.AccountCreated, id), kind(accounts.SignedIn, id, first))
		wantProblem(t, "twice", errOf(h.register(ada, goodPassword)), problem.EmailTaken, "")
		expect("register twice")

		wantProblem(t, "wrong", errOf(h.login(ada, otherPassword)), problem.InvalidCredentials, "")
		wantProblem(t, "unknown", errOf(h.login("unknown@example.com", goodPassword)), problem.InvalidCredentials, "")
		expect("failed logins", kind(accounts.SignInFailed, id), kind(accounts.SignInFailed))
		second := h.must(h.login(ada, goodPassword)).Viewer.SessionID
		expect("login", kind(accounts.SignedIn, id, second))

		wantProblem(t, "wrong", errOf(h.reauthenticate(p.Viewer, otherPassword)), problem.InvalidCredentials, "")
		h.must(h.reauthenticate(p.Viewer, goodPassword))
		expect("proofs", kind(accounts.ReauthenticationFailed, id), kind(accounts.Reauthenticated, id, first))
		renewed := h.must(h.changePassword(p.Viewer, goodPassword, otherPassword)).Viewer
		expect("changePassword", kind(accounts.SessionEnded, id, first), kind(accounts.SessionEnded, id, second),
			kind(accounts.PasswordChanged, id), kind(accounts.SignedIn, id, renewed.SessionID))

		wantProblem(t, "the last one", h.setRoles(root, root.UserID, accounts.RoleUser), problem.LastAdmin, "")
		expect("rolled back")
		check(t, h.setRoles(root, id, accounts.RoleUser, accounts.RoleAdmin))
		expect("setRoles", accounts.Event{Kind: accounts.RolesChanged, UserID: id, Roles: []string{"ADMIN", "USER"},
			Before: "USER", After: "ADMIN USER"},
			kind(accounts.SessionEnded, id, renewed.SessionID))
		renewed = h.must(h.login(ada, otherPassword)).Viewer
		expect("login", kind(accounts.SignedIn, id, renewed.SessionID))
		for range 2 { // the second time nothing changes
			must(h.SuspendUser(t.Context(), root, id))
		}
		expect("suspend", kind(accounts.AccountSuspended, id), kind(accounts.SessionEnded, id, renewed.SessionID))
		must(h.ReinstateUser(t.Context(), root, id))
		expect("reinstate", kind(accounts.AccountReinstated, id))
		last := h.must(h.login(ada, otherPassword)).Viewer
		must(h.DeleteAccount(t.Context(), last))
		expect("delete", kind(accounts.SignedIn, id, last.SessionID), kind(accounts.SessionEnded, id, last.SessionID),
			kind(accounts.AccountDeleted, id))

		keys := must(accounts.NewSigningKeys(accounts.KeysConfig{Client: h.db.Client, Secrets: secretsOf(t, theSecret),
			TTL: accessTTL, OnEvent: h.config.OnEvent}))
		load(t, keys)
		check(t, keys.Rotate(context.Background(), accounts.Rotation{}))
		if keys.Rotate(context.Background(), accounts.Rotation{}) == nil {
			t.Error("rotated twice")
		}
		check(t, keys.Rotate(context.Background(), accounts.Rotation{Revoke: true}))
		expect("keys", kind(accounts.KeysRotated), kind(accounts.KeysRevoked))
	})
}
