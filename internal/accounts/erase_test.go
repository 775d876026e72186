package accounts_test

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/requestid"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// cellText is a value as one would look for it.
func cellText(value any) string {
	if b, ok := value.([]byte); ok {
		if strings.ContainsFunc(string(b), func(r rune) bool { return r < ' ' || r > '~' }) {
			return fmt.Sprintf("%x", b)
		}
		return string(b)
	}
	return fmt.Sprint(value)
}

// victim are texts that nobody else has.
var victim = struct{ email, second, third, name, agent, ip string }{
	"victim-of-the-erasure@first.example", "victim-of-the-erasure@second.example", "victim-of-the-erasure@third.example",
	"Zerubbabel", "an agent of nobody else", "203.0.113.77",
}

// as is a request of the victim.
func (h *fixture) asVictim(v *viewer.Viewer) context.Context {
	v.Origin = viewer.Origin{IP: netip.MustParseAddr(victim.ip), Agent: victim.agent}
	return viewer.With(requestid.Ensure(h.t.Context()), v)
}

// live lets the victim leave a value in every column about a user, with the help of an administrator, and returns their
// session.
func (h *fixture) live(root *viewer.Viewer) *viewer.Viewer {
	h.t.Helper()
	ctx, anybody := h.asVictim(&viewer.Viewer{}), &viewer.Viewer{Origin: at(victim.ip).Origin}
	roles := []accounts.Role{accounts.RoleAdmin, accounts.RoleUser}
	link := accounts.AcceptInvitationInput{Token: h.invitation(root, victim.email, roles...), Password: goodPassword}
	must(h.AcceptInvitation(ctx, anybody, link))
	login := func(email string) *accounts.AuthPayload {
		h.t.Helper()
		v := &viewer.Viewer{}
		return h.must(h.Login(h.asVictim(v), v, accounts.LoginInput{Email: email, Password: goodPassword}))
	}
	p := login(victim.email)
	ctx = h.asVictim(p.Viewer)
	must(h.UpdateProfile(ctx, p.Viewer, accounts.ProfileChange{Name: ptr(ptr(victim.name)), Locale: ptr(ptr("de"))}))
	made := must(h.CreateAccessToken(ctx, p.Viewer, accounts.CreateAccessTokenInput{Name: "a program of " + victim.name,
		Scopes: []string{"account:read"}, ExpiresAt: h.clock.Now().AddDate(1, 0, 0)}))
	h.secrets = append(h.secrets, made.Token)
	h.changeEmail(p, victim.second)
	must(h.ChangeEmail(ctx, p.Viewer, accounts.ChangeEmailInput{Email: victim.second}))
	must(h.ConfirmEmailChange(ctx, p.Viewer, accounts.ConfirmEmailChangeInput{Token: &h.letter(accounts.MailChangeEmail, victim.second).Token}))
	h.letter(accounts.MailUndoEmail, victim.email)
	must(h.Logout(ctx, login(victim.second).Viewer, ""))
	must(h.ChangeEmail(ctx, p.Viewer, accounts.ChangeEmailInput{Email: victim.third}))
	must(h.RequestPasswordReset(ctx, anybody, accounts.RequestPasswordResetInput{Email: victim.email}))
	h.exec(fmt.Sprintf("UPDATE jobs SET failed_at = '2026-07-01 12:00:00+00:00', last_error = '550 <%s>'", victim.second))
	must(h.SetRoles(ctx, p.Viewer, accounts.SetRolesInput{UserID: root.UserID, Roles: roles, AllowUnverifiedEmail: true}))
	id := accounts.AuditID(h.clock.Now(), 9) // no event has values that tell who it is, yet
	check(h.t, h.db.Client.AuditEvent.Create().SetID(id).SetKind("profile_changed").SetActor("USER").SetOmitted(0).
		SetUserID(p.User.ID).SetBefore("the former value").SetAfter("the new value").Exec(ctx))
	must(h.SetRoles(viewer.With(h.t.Context(), root), root, accounts.SetRolesInput{UserID: p.User.ID, Roles: roles, AllowUnverifiedEmail: true}))
	wantEqual(h.t, "a guess", false, errOf(h.Login(ctx, p.Viewer, accounts.LoginInput{Email: victim.second, Password: otherPassword})) == nil)
	check(h.t, h.WriteRefusals(h.t.Context()))
	h.addTotp(p.Viewer)
	must(h.StartTotp(ctx, h.caller(p)))
	h.addPasskey(h.caller(p))
	return p.Viewer
}

// TestEraseAccounts_LeavesNoTellingValue anywhere in the database, of any column about a user, and no row but in the audit
// log, which stays verified.
func TestEraseAccounts_LeavesNoTellingValue(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		root := h.administrator("root@example.com").Viewer
		check(t, h.setRoles(root, root.UserID, accounts.RoleAdmin, accounts.RoleUser))
		before := h.dump()
		v := h.live(root)
		found := h.dump().told(before)
		h.clock.move(time.Minute)
		check(t, h.SealAuditLog(t.Context()))
		must(h.DeleteAccount(h.asVictim(v), v))
		for c, values := range h.dump().told(before) {
			found[c] = append(found[c], values...)
		}
		for table, all := range columns {
			for c, what := range all {
				if what == telling && len(found[table+"."+c]) == 0 {
					t.Errorf("the victim left no value in %s.%s: nobody sees whether it is erased", table, c)
				}
			}
		}
		check(t, h.EraseAccounts(t.Context()))
		wantEqual(t, "jobs: the notices are still to be sent", 3, h.rows("jobs WHERE failed_at IS NULL"))
		h.letters()
		for range 3 {
			h.clock.move(25 * time.Hour)
			check(t, h.DeleteExpiredRevocations(t.Context()))
			check(t, h.DeleteOldOneTimeTokens(t.Context()))
			check(t, h.EraseAccounts(t.Context()))
			check(t, h.SealAuditLog(t.Context()))
		}
		after := h.dump()
		for _, c := range slices.Sorted(maps.Keys(found)) {
			for _, value := range found[c] {
				if places := after.has(value); len(places) > 0 {
					t.Errorf("%q, which was in %s, is still in %v", value, c, places)
				}
			}
		}
		for table := range columns {
			if !strings.HasPrefix(table, "audit_") && len(after[table]) > len(before[table]) {
				t.Errorf("%s has %d rows, and had %d", table, len(after[table]), len(before[table]))
			}
		}
		if erased := h.wantErased("afterwards", len(h.auditLog(nil))-h.untouched()).Erased; erased < 15 {
			t.Errorf("%d rows are erased", erased)
		}
		testenv.Equal(t, 0, len(after.has(v.UserID.String())), "places of the id")
	})
}

// untouched counts the rows of the audit log of which no part is erased.
func (h *fixture) untouched() int {
	return h.rows("audit_events WHERE user_erased IS NULL AND actor_erased IS NULL")
}

// TestEraseAccounts_LooksAtJobsWhenNoneCanBeCommittedLate: each look reads all jobs that wait.
func TestEraseAccounts_LooksAtJobsWhenNoneCanBeCommittedLate(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		must(h.DeleteAccount(t.Context(), h.must(h.register(ada, goodPassword)).Viewer))
		h, m := h.metered()
		looks := func() (n int) {
			for _, statement := range m.count(func() { check(t, h.EraseAccounts(t.Context())) }) {
				if strings.Contains(statement, "jobs") {
					n++
				}
			}
			return n
		}
		testenv.Equal(t, 0, looks(), "looks at once")
		h.clock.move(time.Hour)
		if looks() == 0 {
			t.Error("no look an hour later")
		}
	})
}
