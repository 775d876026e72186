package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/cli"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/verify"
)

const offersFeed = "GATEHOUSE_REVOCATIONS_TOKEN=" + servertest.FeedToken

// connected starts a relying service that reads the feed, and waits until it accepts a token.
func connected(t *testing.T, issuer, token string) *servertest.Client {
	t.Helper()
	service := servertest.NewRelyingService(t, servertest.WithFeed(issuer))
	servertest.Eventually(t, "the service is connected", servertest.HangGuard, func() bool { return service.Accepts(token) })
	return service
}

// TestRelyingService_RefusesAnEndedSession has two services: one reads the feed, the other does not.
func TestRelyingService_RefusesAnEndedSession(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, url string) {
		s := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+url,
			"GATEHOUSE_REVOCATIONS_TOKEN=an-old-one-that-is-being-replaced,"+servertest.FeedToken)
		token, innocent := s.Register().Access, s.Register().Access
		following := connected(t, s.URL, token)
		plain := servertest.NewRelyingService(t, verify.Config{Issuer: s.URL})
		if !plain.Accepts(token) {
			t.Error("the plain service refuses a good token")
		}
		s.Logout(token)
		took := servertest.Eventually(t, "the ended session is refused", servertest.HangGuard, func() bool {
			return !following.Accepts(token)
		})
		t.Logf("refused by a relying service after %v", took)
		if a := following.GetAs(token, "/"); a.Status != http.StatusUnauthorized {
			t.Errorf("refused with %v", a)
		}
		if !following.Accepts(innocent) || !plain.Accepts(token) {
			t.Error("an innocent session is refused, or a service without the feed refuses what it cannot know")
		}
		late := connected(t, s.URL, innocent) // receives what ended before it came
		if a := late.GetAs(token, "/"); a.Status != http.StatusUnauthorized {
			t.Errorf("a service that came late: %v", a)
		}
	})
}

// TestRelyingService_LearnsNewRoles, and that a command, in another process as it were, ended the session.
func TestRelyingService_LearnsNewRoles(t *testing.T) {
	databaseURL := dbtest.Postgres(t)
	s := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+databaseURL, servertest.Secret, offersFeed)
	a := s.Register()
	servertest.Exec(t, servertest.OpenDB(t, databaseURL), confirmAddresses)
	following := connected(t, s.URL, a.Access)
	setRoles(s.Client, s.CreateAdmin(), a.ID, "[USER, ADMIN]")
	servertest.Eventually(t, "the role is known", servertest.HangGuard, func() bool {
		return following.GetAs(a.Access, "/").Has(`["ADMIN","USER"]`)
	})
	s.Command(ownersPassword, "admin", "promote", a.Email)
	servertest.Eventually(t, "the ended session is refused", servertest.HangGuard, func() bool {
		return !following.Accepts(a.Access)
	})
}

// confirmAddresses keeps the sessions of who becomes an administrator.
const confirmAddresses = "UPDATE users SET email_verified = true, email_proved_generation = credential_generation"

// setRoles gives a user exactly these roles.
func setRoles(s *servertest.Client, admin, id, roles string) {
	s.Must(admin, `mutation { setRoles(input: {userId: "`+id+`", roles: `+roles+`}) { user { id } } }`)
}

// TestRelyingService_LearnsRolesOfATokenIssuedMeanwhile: the change has begun, and waits for another administrator's; a
// token that is issued meanwhile still has the old roles, and a younger iat.
func TestRelyingService_LearnsRolesOfATokenIssuedMeanwhile(t *testing.T) {
	databaseURL := dbtest.Postgres(t)
	s := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+databaseURL, servertest.Secret, offersFeed)
	admin := s.CreateAdmin()
	early := s.Register()
	following := connected(t, s.URL, early.Access)
	db := servertest.OpenDB(t, databaseURL)
	servertest.Exec(t, db, confirmAddresses)
	setRoles(s.Client, admin, early.ID, "[USER, ADMIN]")
	another, err := db.Begin()
	servertest.Check(t, err)
	defer another.Rollback()
	if _, err := another.Exec("SELECT * FROM settings WHERE id = 'administrators_lock' FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	changed := make(chan struct{})
	go func() { defer close(changed); setRoles(s.Client, admin, early.ID, "[USER]") }()
	time.Sleep(1100 * time.Millisecond) // into the next second, at least
	late := s.Refresh(early.Refresh)
	servertest.Check(t, another.Rollback())
	<-changed
	for name, token := range map[string]string{"before": early.Access, "while it waited": late.Access} {
		servertest.Eventually(t, "a token issued "+name+" has the new roles", servertest.HangGuard, func() bool {
			return following.GetAs(token, "/").Has(`["USER"]`)
		})
	}
}

// TestFeed_OpensToItsTokensOnly, and is not there without any.
func TestFeed_OpensToItsTokensOnly(t *testing.T) {
	s := servertest.Start(t, offersFeed)
	a := s.Register()
	for name, token := range map[string]string{
		"none": "", "access token": a.Access, "refresh token": a.Refresh, "another": strings.ToUpper(servertest.FeedToken),
		"a part": servertest.FeedToken[1:],
	} {
		testenv.Equal(t, http.StatusUnauthorized, feedStatus(s.Client, token), "%s", name)
	}
	testenv.Equal(t, http.StatusOK, feedStatus(s.Client, servertest.FeedToken), "the token itself")
	off := servertest.Start(t, "GATEHOUSE_PLAYGROUND=off")
	if a := off.Get("/revocations"); a.Status != http.StatusNotFound {
		t.Errorf("a server without such tokens: %v, want 404", a)
	}
}

// feedStatus returns the status of the feed, whose body does not end.
func feedStatus(c *servertest.Client, token string) int {
	return c.Head(servertest.Request{Method: http.MethodGet, Path: "/revocations", Token: token}).Status
}

// TestFeed_TellsWhatAnotherProcessDidToTheSQLiteFile: a command, or a second server that was started before the first
// one had ended.
func TestFeed_TellsWhatAnotherProcessDidToTheSQLiteFile(t *testing.T) {
	databaseURL := dbtest.SQLite(t)
	environment := []string{"GATEHOUSE_DATABASE_URL=" + databaseURL, servertest.Secret, servertest.Issuer}
	one, two := servertest.Start(t, environment...), servertest.Start(t, append(environment, offersFeed)...)
	service := servertest.NewRelyingService(t, verify.Config{Issuer: "https://id.example.org", JWKS: two.URL +
		"/.well-known/jwks.json",
		Revocations: &verify.Feed{Token: servertest.FeedToken, URL: two.URL + "/revocations"}})
	a := one.Register()
	servertest.Eventually(t, "the service is connected", servertest.HangGuard, func() bool { return service.Accepts(a.Access) })
	servertest.Exec(t, servertest.OpenDB(t, databaseURL), confirmAddresses)
	setRoles(one.Client, one.CreateAdmin(), a.ID, "[USER, ADMIN]")
	servertest.Eventually(t, "the role is known", servertest.HangGuard, func() bool {
		return service.GetAs(a.Access, "/").Has(`["ADMIN","USER"]`)
	})
	one.Command(ownersPassword, "admin", "promote", a.Email)
	servertest.Eventually(t, "the ended session is refused", servertest.HangGuard, func() bool {
		return !service.Accepts(a.Access)
	})
	b := one.Login(a.Email, ownersPassword)
	if !service.Accepts(b.Access) {
		t.Error("the new password's session is refused")
	}
	one.Logout(b.Access)
	servertest.Eventually(t, "the session that logged out is refused", servertest.HangGuard, func() bool {
		return !service.Accepts(b.Access)
	})
}

// TestRevokedKey_IsRefusedByRelyingServices that read the feed, after gatehouse keys rotate --revoke.
func TestRevokedKey_IsRefusedByRelyingServices(t *testing.T) {
	s := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+dbtest.Postgres(t), servertest.Secret, offersFeed)
	leaked := s.Register().Access
	following := connected(t, s.URL, leaked)
	s.Command("", "keys", "rotate", "--revoke")
	servertest.Eventually(t, "the leaked key's token is refused", servertest.HangGuard, func() bool {
		return following.GetAs(leaked, "/").Status == http.StatusUnauthorized
	})
	fresh := s.Register().Access
	servertest.Eventually(t, "the new key's token is accepted", servertest.HangGuard, func() bool {
		return following.Accepts(fresh)
	})
}

// TestKeyRotation_IsTakenUpByARunningServer without Postgres's notifications: it reads the keys periodically.
func TestKeyRotation_IsTakenUpByARunningServer(t *testing.T) {
	t.Parallel()
	databaseURL := dbtest.SQLite(t)
	environment := []string{"GATEHOUSE_DATABASE_URL=" + databaseURL, servertest.Secret}
	s := servertest.Start(t, environment...)
	if out := s.Command("", "keys", "rotate"); !strings.Contains(out, "is published, signs from") {
		t.Fatal(out)
	}
	servertest.Eventually(t, "the new key is published", servertest.HangGuard, func() bool { return keyCount(s.Client) == 2 })
	lines := strings.Split(strings.TrimSpace(s.Command("", "keys", "list")), "\n")
	if len(lines) != 3 || !slices.ContainsFunc(lines, func(l string) bool {
		return strings.Contains(l,
			"signs, and verifies until")
	}) {
		t.Errorf("keys list: %q", lines)
	}
	if o := s.RunCommand("", "keys", "rotate"); o.Code != cli.ExitFailed ||
		!strings.Contains(o.Stderr, "rotate again after that") {
		t.Errorf("rotated again: %+v", o)
	}
	alone := append(environment, servertest.NewSigningKey(t).Setting)
	if o := servertest.Command(t, alone, "", "keys", "rotate"); o.Code != cli.ExitFailed ||
		!strings.Contains(o.Stderr, "signs alone") {
		t.Errorf("rotated beside GATEHOUSE_SIGNING_KEY: %+v", o)
	}
	if o := servertest.Command(t, alone, "", "keys", "list"); o.Code != cli.ExitDone ||
		strings.Count(o.Stdout, "\n") != 2 {
		t.Errorf("keys list beside GATEHOUSE_SIGNING_KEY: %+v", o)
	}
}

func keyCount(c *servertest.Client) int {
	return strings.Count(c.Get("/.well-known/jwks.json").Body, `"kid"`)
}
