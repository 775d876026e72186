package e2e

import (
	"testing"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
)

// TestEveryEndOfASession_ReachesTheOtherInstance: whatever ends a session or takes a right.
func TestEveryEndOfASession_ReachesTheOtherInstance(t *testing.T) {
	url := dbtest.Postgres(t)
	p := servertest.NewPair(t, url, url)
	p.CreateAdmin()
	p.WaitForCache()
	for name, end := range map[string]func(a servertest.Account){
		"logout":        func(a servertest.Account) { p.Logout(a.Access) },
		"delete":        func(a servertest.Account) { p.Must(a.Access, "mutation { deleteAccount { success } }") },
		"admin promote": func(a servertest.Account) { p.Command(ownersPassword, "admin", "promote", a.Email) },
		"admin reset":   func(a servertest.Account) { p.Command(ownersPassword, "admin", "reset", a.Email) },
		"suspend": func(a servertest.Account) {
			p.Must(p.Admin(), `mutation { suspendUser(id: "`+a.ID+`") { user { id } } }`)
		},
		"change password": func(a servertest.Account) {
			p.Must(a.Access,
				`mutation { changePassword(input: {currentPassword: "`+servertest.Password+`", newPassword: "another horse battery"}) { tokenType } }`)
		},
		"revoke from another session": func(a servertest.Account) {
			p.Must(p.Login(a.Email, servertest.Password).Access, "mutation { revokeOtherSessions { success } }")
		},
		"revoke itself": func(a servertest.Account) {
			sid := p.Must(a.Access, "{ me { sessions { id } } }").Field("id")
			p.Must(a.Access, `mutation { revokeSession(id: "`+sid+`") { session { id } } }`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			account, innocent := p.Register(), p.Register()
			if !p.Accepts(account.Access) || !p.Accepts(innocent.Access) {
				t.Fatal("a new session is refused")
			}
			end(account)
			t.Logf("accepted for %v after it ended", p.WaitForRefusal(account.Access))
			if !p.Accepts(innocent.Access) {
				t.Error("another user's session was ended")
			}
		})
	}
}

// TestEveryChangeOfAUser_ReachesTheOtherInstance, which has the user in its cache.
func TestEveryChangeOfAUser_ReachesTheOtherInstance(t *testing.T) {
	url := dbtest.Postgres(t)
	p := servertest.NewPair(t, url, url)
	p.CreateAdmin()
	p.WaitForCache()
	t.Run("name", func(t *testing.T) {
		token := p.Register().Access
		for _, name := range []string{"Ann", "Anna"} {
			named := func() bool { return p.Other.Ask(token, "{ me { name } }").Has(`"name":"` + name + `"`) }
			if named() {
				t.Errorf("%s before it was said", name)
			}
			p.Must(token, `mutation { updateProfile(input: {name: "`+name+`"}) { user { id } } }`)
			servertest.Eventually(t, "the name is known", servertest.HangGuard, named)
		}
	})
	t.Run("roles", func(t *testing.T) {
		a := p.Register()
		servertest.Exec(t, p.DB, confirmAddresses)
		users := func() bool { return p.Other.Ask(a.Access, "{ users { totalCount } }").Has(`"totalCount":`) }
		for _, c := range []struct {
			roles string
			may   bool
		}{{"[USER, ADMIN]", true}, {"[USER]", false}} {
			if users() == c.may {
				t.Errorf("%s changes nothing", c.roles)
			}
			setRoles(p.Client, p.Admin(), a.ID, c.roles)
			servertest.Eventually(t, "the roles are known", servertest.HangGuard, func() bool { return users() == c.may })
		}
	})
}

// TestReauthenticate_CountsForEveryTabAtEveryInstance: the other tab has an older access token of the session, and its
// requests reach another instance, which has the session in its cache.
func TestReauthenticate_CountsForEveryTabAtEveryInstance(t *testing.T) {
	t.Parallel()
	url := dbtest.Postgres(t)
	p := servertest.NewPair(t, url, url)
	p.WaitForCache()
	tab := p.Register()
	ageSession(t, p.DB, tab.Access)
	const needsProof = `mutation {
		changePassword(input: {currentPassword: "x", newPassword: "a new and better one"}) { tokenType } }`
	for range 3 {
		if code := p.Other.Code(tab.Access, needsProof); code != "REAUTHENTICATION_REQUIRED" {
			t.Fatalf("before the proof: %q", code)
		}
	}
	p.Must(tab.Access, `mutation { reauthenticate(input: {password: "`+servertest.Password+`"}) { tokenType } }`)
	if code := p.Code(tab.Access, needsProof); code != "INVALID_CREDENTIALS" {
		t.Errorf("the other tab at the same instance: %q", code)
	}
	servertest.Eventually(t, "the other instance knows of the proof", servertest.HangGuard, func() bool {
		return p.Other.Code(tab.Access, needsProof) == "INVALID_CREDENTIALS"
	})
}

// TestRollingChangeOfLives_LosesNoSession: instances of which one has another life of tokens or sessions share them. A
// tab that refreshes late at either ends nothing.
func TestRollingChangeOfLives_LosesNoSession(t *testing.T) {
	t.Parallel()
	url := "GATEHOUSE_DATABASE_URL=" + dbtest.Postgres(t)
	former := servertest.Start(t, servertest.Secret, servertest.Issuer, url)
	for _, setting := range []string{"ACCESS_TTL=1h", "ACCESS_TTL=1m", "REFRESH_TTL=1000h", "REFRESH_TTL=1h", "SESSION_TTL=9000h",
		"SESSION_TTL=720h"} {
		changed := servertest.Start(t, servertest.Secret, servertest.Issuer, url, "GATEHOUSE_"+setting)
		for _, at := range [][2]*servertest.Process{{former, changed}, {changed, former}} {
			owner := at[0].Register()
			next := at[1].Refresh(owner.Refresh)
			last := at[0].Refresh(next.Refresh)
			if code := at[1].Code("", `mutation { refresh(input: {refreshToken: "`+owner.Refresh+`"}) { tokenType } }`); code != "INVALID_TOKEN" {
				t.Errorf("%s: a late tab: %q", setting, code)
			}
			for _, token := range []string{owner.Access, next.Access, last.Access} {
				for _, p := range at {
					if a := p.Ask(token, servertest.Me); !a.OK() {
						t.Errorf("%s: %v", setting, a)
					}
				}
			}
			at[1].Refresh(last.Refresh)
		}
		changed.Stop()
	}
}
