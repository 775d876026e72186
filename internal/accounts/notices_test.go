package accounts_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/requestid"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// TestNotices_EachKindOfEventIsThoughtOf: it has a mail, or is said to have none.
func TestNotices_EachKindOfEventIsThoughtOf(t *testing.T) {
	for _, kind := range accounts.Events() {
		if _, ok := accounts.Notices[kind]; !ok {
			t.Errorf("%s: say in notices which mail tells its owner, or that none does", kind)
		}
	}
	testenv.Equal(t, len(accounts.Events()), len(accounts.Notices), "kinds")
}

// notices takes the notices of all jobs.
func (h *fixture) notices() []*accounts.Letter {
	h.t.Helper()
	h.letters()
	all := h.told
	h.told = nil
	return all
}

func kindsOf(all []*accounts.Letter) string {
	kinds := make([]string, len(all))
	for i, l := range all {
		kinds[i] = string(l.Kind)
	}
	return strings.Join(kinds, " ")
}

// owner registers an account from a network and on a device of its own.
func (h *fixture) owner(n int, confirmed bool) *accounts.AuthPayload {
	h.t.Helper()
	p := h.must(h.registerAt(nth(n), fmt.Sprintf("u%d@example.com", n)))
	p.Viewer.Origin = on(p, nth(n)).Origin
	h.exec(fmt.Sprintf("UPDATE users SET email_verified = %v WHERE email = '%s'", confirmed, p.User.Email))
	return p
}

// causes do something to an account, and say of which notices.
var causes = []struct {
	name string
	do   func(h *fixture, p *accounts.AuthPayload) error
	want string
}{
	{"login on a new device", func(h *fixture, p *accounts.AuthPayload) error {
		return errOf(h.loginAt(at("192.0.2.1"), p.User.Email, goodPassword))
	}, "new_device"},
	{"login on a known device", func(h *fixture, p *accounts.AuthPayload) error {
		return errOf(h.loginAt(p.Viewer, p.User.Email, goodPassword))
	}, ""},
	{"login on a device that was known", func(h *fixture, p *accounts.AuthPayload) error {
		h.clock.move(accounts.DeviceTTL + time.Second)
		return errOf(h.loginAt(p.Viewer, p.User.Email, goodPassword))
	}, "new_device"},
	{"a failed login", func(h *fixture, p *accounts.AuthPayload) error {
		wantProblem(h.t, "login", errOf(h.loginAt(at("192.0.2.1"), p.User.Email, otherPassword)), problem.InvalidCredentials, "")
		return nil
	}, ""},
	{"refresh", func(h *fixture, p *accounts.AuthPayload) error { return errOf(h.exchange(*p.RefreshToken)) }, ""},
	{"changePassword", func(h *fixture, p *accounts.AuthPayload) error {
		return errOf(h.changePassword(p.Viewer, goodPassword, otherPassword))
	}, "password_changed"},
	{"admin reset", func(h *fixture, p *accounts.AuthPayload) error {
		return errOf(h.ResetAccount(h.t.Context(), p.User, otherPassword, false))
	}, "password_changed"},
	{"suspendUser, twice", func(h *fixture, p *accounts.AuthPayload) error {
		root := h.root()
		must(h.SuspendUser(h.t.Context(), root, p.User.ID))
		return errOf(h.SuspendUser(h.t.Context(), root, p.User.ID))
	}, "account_suspended"},
	{"deleteAccount", func(h *fixture, p *accounts.AuthPayload) error {
		return errOf(h.DeleteAccount(h.t.Context(), p.Viewer))
	}, "account_deleted"},
	{"deleteUser", func(h *fixture, p *accounts.AuthPayload) error {
		return errOf(h.DeleteUser(h.t.Context(), h.root(), p.User.ID))
	}, "account_deleted"},
	{"addPasskey", func(h *fixture, p *accounts.AuthPayload) error { h.addPasskey(p.Viewer); return nil }, "factor_added"},
	{"confirmTotp", func(h *fixture, p *accounts.AuthPayload) error { h.addTotp(p.Viewer); return nil }, "factor_added"},
	{"createAccessToken", func(h *fixture, p *accounts.AuthPayload) error { h.tokenOf(p.Viewer); return nil }, "access_token_created"},
	{"deleteAccount with a grace, and login", func(h *fixture, p *accounts.AuthPayload) error {
		h = h.instance(func(c *accounts.Config) { c.DeletionGrace = grace })
		must(h.DeleteAccount(h.t.Context(), p.Viewer))
		return errOf(h.loginAt(p.Viewer, p.User.Email, goodPassword))
	}, "account_leaving account_restored"},
	{"deleteUser with a grace, and reinstateUser", func(h *fixture, p *accounts.AuthPayload) error {
		h = h.instance(func(c *accounts.Config) { c.DeletionGrace = grace })
		root := h.root()
		must(h.DeleteUser(h.t.Context(), root, p.User.ID))
		return errOf(h.ReinstateUser(h.t.Context(), root, p.User.ID))
	}, "account_deleted account_restored"},
	{"logout", func(h *fixture, p *accounts.AuthPayload) error { return errOf(h.Logout(h.t.Context(), p.Viewer, "")) }, ""},
}

// TestNotices_EachCauseLeavesItsOwn to a confirmed address, once; none to another one, and none where no mail is sent.
func TestNotices_EachCauseLeavesItsOwn(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		off := h.instance(func(c *accounts.Config) { c.MailOff = true })
		for i, c := range causes {
			p := h.owner(3*i, true)
			check(t, c.do(h, p))
			all := h.notices()
			testenv.Equal(t, c.want, kindsOf(all), "notices of %s", c.name)
			if len(all) == 1 && all[0].To != p.User.Email {
				t.Errorf("%s: the notice goes to %s", c.name, all[0].To)
			}
			check(t, c.do(h, h.owner(3*i+1, false)))
			testenv.Equal(t, "", kindsOf(h.notices()), "notices of %s to an address that nobody has confirmed", c.name)
			check(t, c.do(off, h.owner(3*i+2, true)))
			testenv.Equal(t, "", kindsOf(h.notices()), "notices of %s without mail", c.name)
		}
	})
}

// TestNotices_OfMailedLinks: a reset has confirmed the address; a change of address is told by the mail of its undo, and
// the undo by a notice to the address that it takes away.
func TestNotices_OfMailedLinks(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		for i, confirmed := range []bool{true, false} {
			p := h.owner(i, confirmed)
			h.must(h.resetPassword(h.resetLink(p.User.Email), otherPassword))
			testenv.Equal(t, "password_changed", kindsOf(h.notices()), "notices of a reset")
		}
		undo := h.moved(h.verified(ada), ada, ada2)
		testenv.Equal(t, "", kindsOf(h.notices()), "notices of a change of address")
		check(t, h.revertChange(undo.Token))
		h.letter(accounts.MailReset, ada)
		all := h.notices()
		testenv.Equal(t, "email_changed", kindsOf(all), "notices of its undo")
		testenv.Equal(t, ada2, all[0].To, "the address")

		const bob, bob2 = "bob@example.com", "bob@second.example"
		p := h.verified(bob)
		undo = h.moved(p, bob, bob2)
		h.moved(p, bob2, bob)
		check(t, h.revertChange(undo.Token))
		testenv.Equal(t, "", kindsOf(h.notices()), "notices of an undo that takes no address away")
	})
}

// TestNotices_OfWhatIsRolledBackAreNone.
func TestNotices_OfWhatIsRolledBackAreNone(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		root := h.administrator("root@example.com").Viewer
		h.exec("UPDATE users SET email_verified = true")
		wantProblem(t, "delete", errOf(h.DeleteAccount(t.Context(), root)), problem.LastAdmin, "")
		wantProblem(t, "suspend", errOf(h.SuspendUser(t.Context(), root, root.UserID)), problem.LastAdmin, "")
		testenv.Equal(t, 0, h.rows("jobs"), "jobs")
		h.administrator("other@example.com")
		must(h.DeleteAccount(t.Context(), root))
		testenv.Equal(t, 1, h.rows("jobs"), "jobs of what is committed")
	})
}

// TestNotices_SayWhenAndWhere, in the language of the owner, and not from where an administrator acted.
func TestNotices_SayWhenAndWhere(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		from := func(ip, agent, language string, v viewer.Viewer) (context.Context, *viewer.Viewer) {
			v.Origin = at(ip).Origin
			v.Origin.Agent, v.Origin.Language = agent, language
			return viewer.With(requestid.Ensure(t.Context()), &v), &v
		}
		p, root := h.owner(1, true), h.root()
		login := func() {
			ctx, v := from("192.0.2.9", "an agent", "fr", viewer.Viewer{})
			must(h.Login(ctx, v, accounts.LoginInput{Email: p.User.Email, Password: goodPassword}))
		}
		now := h.clock.Now().UTC().Truncate(time.Microsecond)
		want := accounts.Letter{Kind: accounts.MailNewDevice, To: p.User.Email, Locale: "fr", When: now, Where: "192.0.2.9",
			Device: "an agent"}
		only := func(what string) {
			t.Helper()
			all := h.notices()
			for _, l := range all {
				testenv.Equal(t, accounts.CanSecure(l.Kind), l.Token != "", "%s: a link", what)
				l.Token, l.Purpose, l.Expires = "", "", time.Time{}
			}
			wantEqual(t, what, []*accounts.Letter{&want}, all)
		}
		login()
		only("a new device, in the language of the request")
		must(h.UpdateProfile(t.Context(), p.Viewer, accounts.ProfileChange{Name: ptr(ptr("Ada")), Locale: ptr(ptr("de"))}))
		want.Name, want.Locale = "Ada", "de"
		login()
		only("a new device, in the language of the account")
		ctx, v := from("192.0.2.99", "another agent", "es", *root)
		must(h.SuspendUser(ctx, v, p.User.ID))
		must(h.ReinstateUser(ctx, v, p.User.ID))
		want.Kind, want.Where, want.Device = accounts.MailAccountSuspended, "", ""
		only("by an administrator")
		p = h.must(h.loginAt(nth(1), p.User.Email, goodPassword))
		h.notices()
		ctx, v = from("192.0.2.9", "an agent", "fr", *p.Viewer)
		must(h.DeleteAccount(ctx, v))
		want.Kind, want.Where, want.Device = accounts.MailAccountDeleted, "192.0.2.9", "an agent"
		only("an account that is gone")
	})
}

// TestNotices_FiveAnHourToOneMailbox, as other mails, from all instances together on Postgres.
func TestNotices_FiveAnHourToOneMailbox(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		may := func(h *fixture, kind accounts.MailKind, to string) bool {
			return must(h.MaySend(t.Context(), &accounts.Letter{Kind: kind, To: to}))
		}
		instances := []*fixture{h, h}
		if h.onPostgres() {
			instances[1] = h.throttled(accounts.DefaultThrottle())
		}
		var sent []time.Time
		for i := range 200 {
			h.clock.move(time.Minute)
			if may(instances[i%2], accounts.MailNewDevice, ada) {
				sent = append(sent, h.clock.Now())
			}
		}
		if len(sent) < 6 || sent[1].Sub(sent[0]) > time.Minute {
			t.Fatalf("sent at %v", sent)
		}
		for i := range sent[:len(sent)-5] {
			if hour := sent[i+5].Sub(sent[i]); hour <= time.Hour {
				t.Errorf("six notices within %v", hour)
			}
		}
		for range 9 {
			may(h, accounts.MailNewDevice, ada)
			if !may(h, accounts.MailReset, ada) {
				t.Error("a mail that was asked for is counted twice")
			}
		}
		if !may(h, accounts.MailPasswordChanged, ada) || !may(h, accounts.MailNewDevice, ada2) {
			t.Error("another kind, or mailbox, is counted with it")
		}
		free := h.instance(func(c *accounts.Config) { c.Throttle = nil })
		if !may(free, accounts.MailNewDevice, ada) {
			t.Error("counted without a throttle")
		}
	})
}

// TestNotices_CostOneStatement, and nothing where there is none: a failed login of an account costs what it costs where
// no mail is sent.
func TestNotices_CostOneStatement(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		on, m := h.metered()
		off := on.instance(func(c *accounts.Config) { c.MailOff = true })
		for i, c := range causes {
			h.root() // is made once, and has no sessions that a login would delete
			told, untold := h.owner(2*i, true), h.owner(2*i+1, true)
			sent := m.count(func() { check(t, c.do(on, told)) })
			without := m.count(func() { check(t, c.do(off, untold)) })
			jobs := slices.DeleteFunc(slices.Clone(sent), func(s string) bool { return !strings.Contains(s, "jobs") })
			testenv.Equal(t, len(strings.Fields(c.want)), len(jobs), "statements about the notices of %s", c.name)
			testenv.Equal(t, len(without)+len(jobs), len(sent), "statements of %s", c.name)
		}
	})
}
