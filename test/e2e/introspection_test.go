package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/verify"
)

// introspect asks about a token as a service does.
func introspect(c *servertest.Client, token string) servertest.Answer {
	return c.Do(form(servertest.FeedToken, url.Values{"token": {token}}.Encode()))
}

// form is a form that is sent to /introspect with a credential.
func form(credential, body string) servertest.Request {
	return servertest.Request{Path: "/introspect", Token: credential, Body: body,
		Header: []string{"Content-Type", "application/x-www-form-urlencoded"}}
}

// revokeNewest revokes the newest personal access token of a session's user.
func revokeNewest(s *servertest.Process, session string) {
	id := s.Must(session, "{ me { accessTokens { id } } }").Field("id")
	s.Must(session, `mutation { revokeAccessToken(id: "`+id+`") { success } }`)
}

const inactive = `{"active":false}`

// TestIntrospection_SaysWhatAPersonalAccessTokenIsGoodFor, and of everything else nothing at all.
func TestIntrospection_SaysWhatAPersonalAccessTokenIsGoodFor(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, databaseURL string) {
		s := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+databaseURL, servertest.Secret, offersFeed)
		db, ann := servertest.OpenDB(t, databaseURL), s.Register()
		program := s.AccessToken(ann.Access, "users:read", "account:read")
		answer := introspect(s.Client, program)
		testenv.Equal(t, []string{"no-store", "application/json"},
			[]string{answer.Header.Get("Cache-Control"), answer.Header.Get("Content-Type")}, "headers")
		var said map[string]any
		servertest.Check(t, json.Unmarshal([]byte(answer.Body), &said))
		expires := time.Unix(int64(said["exp"].(float64)), 0)
		if left := time.Until(expires); left > 24*time.Hour || left < 22*time.Hour {
			t.Errorf("it expires in %v, want a day", left)
		}
		id := s.Must(ann.Access, "{ me { accessTokens { id } } }").Field("id")
		delete(said, "exp")
		testenv.Equal(t, map[string]any{"active": true, "scope": "account:read users:read", "client_id": "gatehouse",
			"token_type": "Bearer", "sub": ann.ID, "iss": s.URL, "jti": id, "roles": []any{"USER"}}, said, "a token that can be used")

		revoked, expired := s.AccessToken(ann.Access, "account:read"), s.Register()
		revokeNewest(s, ann.Access)
		late := s.AccessToken(expired.Access, "account:read")
		servertest.Exec(t, db, "UPDATE access_tokens SET expires_at = created_at WHERE user_id = '"+expired.ID+"'")
		for what, token := range map[string]string{
			"revoked": revoked, "expired": late, "a typo": testenv.Typo(program), "nothing": "", "an access token": ann.Access,
			"a refresh token": ann.Refresh, "the service's own": servertest.FeedToken,
		} {
			testenv.Equal(t, inactive, introspect(s.Client, token).Body, "%s", what)
		}
		s.Must(ann.Access, `mutation { deleteAccount { success } }`)
		testenv.Equal(t, inactive, introspect(s.Client, program).Body, "of a deleted account")
	})
}

// TestIntrospection_IsForServicesThatAskAsTheyShould.
func TestIntrospection_IsForServicesThatAskAsTheyShould(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, offersFeed)
	program := s.AccessToken(s.Register().Access, "account:read")
	feed, with := servertest.FeedToken, form(servertest.FeedToken, "token="+program)
	withCharset, asJSON, byGET, inURL := with, with, with, form(feed, "")
	withCharset.Header = []string{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}
	asJSON.Header, asJSON.Body = nil, `{"token":"`+program+`"}`
	byGET.Method = http.MethodGet
	inURL.Path = "/introspect?token=" + program
	for what, c := range map[string]struct {
		request servertest.Request
		status  int
	}{
		"the control":        {with, 200},
		"with a charset":     {withCharset, 200},
		"nobody":             {form("", "token="+program), 401},
		"the program itself": {form(program, "token="+program), 401},
		"by GET":             {byGET, 405},
		"JSON":               {asJSON, 400},
		"no token":           {form(feed, "x=y"), 400},
		"two tokens":         {form(feed, "token=a&token=b"), 400},
		"too long":           {form(feed, "token="+strings.Repeat("a", 17<<10)), 400},
		"in the URL":         {inURL, 400},
	} {
		answer := s.Do(c.request)
		testenv.Equal(t, c.status, answer.Status, "%s: %s", what, answer.Body)
		testenv.Equal(t, "no-store", answer.Header.Get("Cache-Control"), "%s: Cache-Control", what)
	}
	off := servertest.Start(t)
	testenv.Equal(t, http.StatusNotFound, introspect(off.Client, program).Status, "without a credential for services")
}

// TestIntrospection_ServiceLetsProgramsInUntilTheFeedEndsThem, if it says so.
func TestIntrospection_ServiceLetsProgramsInUntilTheFeedEndsThem(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, databaseURL string) {
		s := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+databaseURL, servertest.Secret, offersFeed)
		config := servertest.WithFeed(s.URL)
		refuses := servertest.NewRelyingService(t, config)
		config.PersonalAccessTokens = true
		accepts := servertest.NewRelyingService(t, config)
		ann := s.Register()
		first, second := s.AccessToken(ann.Access, "account:read"), s.AccessToken(ann.Access, "account:read")
		ready := func() bool { return accepts.Accepts(ann.Access) && refuses.Accepts(ann.Access) }
		testenv.Eventually(t, "both services read the feed", servertest.HangGuard, ready)
		testenv.Equal(t, []bool{true, true, false},
			[]bool{accepts.Accepts(first), accepts.Accepts(second), refuses.Accepts(first)}, "let in")
		testenv.Equal(t, false, accepts.Accepts(testenv.Typo(first)), "a typo is let in")
		revokeNewest(s, ann.Access)
		testenv.Eventually(t, "the revoked one is refused", servertest.HangGuard,
			func() bool { return !accepts.Accepts(second) })
		testenv.Equal(t, true, accepts.Accepts(first), "the other one is let in")
		s.Must(ann.Access, `mutation { deleteAccount { success } }`)
		testenv.Eventually(t, "those of a deleted account are refused", servertest.HangGuard,
			func() bool { return !accepts.Accepts(first) })
	})
}

// TestIntrospection_NeedsTheFeed, which ends tokens.
func TestIntrospection_NeedsTheFeed(t *testing.T) {
	t.Parallel()
	if _, err := verify.New(verify.Config{Issuer: "https://id.example.org", PersonalAccessTokens: true}); err == nil {
		t.Error("personal access tokens are let in without a feed")
	}
}
