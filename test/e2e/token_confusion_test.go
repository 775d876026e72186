package e2e

import (
	"net/http"
	"slices"
	"testing"

	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/verify"
)

// links has tokens of each kind mailed.
type links struct {
	s     *servertest.Process
	t     *testing.T
	mails servertest.Mailbox
	asks  string // access token of the session that asked for the newest code

	recovery string // a recovery code of the account of the newest challenge
}

func (l *links) reset(a servertest.Account) string {
	l.s.Must("", `mutation { requestPasswordReset(input: {email: "`+a.Email+`"}) { success } }`)
	return l.mails.Next(l.t, "reset", a.Email, l.s.Client).Token(l.t)
}

func (l *links) verify(a servertest.Account) servertest.Mail {
	l.s.Must(a.Access, `mutation { requestEmailVerification { success } }`)
	return l.mails.Next(l.t, "verify", a.Email, l.s.Client)
}

func (l *links) code() string {
	a := l.s.Register()
	l.asks = a.Access
	return l.verify(a).Code()
}

func (l *links) change(a servertest.Account) string {
	l.s.Must(a.Access, `mutation { changeEmail(input: {email: "new-`+a.Email+`"}) { user { id } } }`)
	return l.mails.Next(l.t, "change-email", "new-"+a.Email, l.s.Client).Token(l.t)
}

func (l *links) undo(a servertest.Account) string {
	l.s.Must("", `mutation { verifyEmail(input: {token: "`+l.verify(a).Token(l.t)+`"}) { success } }`)
	l.s.Must("", `mutation { confirmEmailChange(input: {token: "`+l.change(a)+`"}) { success } }`)
	return l.mails.Next(l.t, "undo-email", a.Email, l.s.Client).Token(l.t)
}

// invitation invites an address for which there is no account.
func (l *links) invitation(a servertest.Account) string {
	admin := servertest.NewAddress()
	l.s.Command(servertest.Password, "admin", "create", admin)
	l.s.Must(l.s.Login(admin, servertest.Password).Access, `mutation { inviteUser(input: {email: "invited-`+a.Email+`"}) { success } }`)
	return l.mails.Next(l.t, "invitation", "invited-"+a.Email, l.s.Client).Token(l.t)
}

// secure is the token of the notice of a new password, which ends the sessions of the account.
func (l *links) secure(a servertest.Account) string {
	l.s.Must("", `mutation { verifyEmail(input: {token: "`+l.verify(a).Token(l.t)+`"}) { success } }`)
	l.s.Must(a.Access, `mutation { changePassword(input: {currentPassword: "`+servertest.Password+
		`", newPassword: "a new horse battery"}) { tokenType } }`)
	return l.mails.Next(l.t, "password_changed", a.Email, l.s.Client).Token(l.t)
}

func (l *links) export(a servertest.Account) string {
	l.s.Must(a.Access, `mutation { exportMyData { success } }`)
	return l.mails.Next(l.t, "export", a.Email, l.s.Client).Token(l.t)
}

// challenge is of a sign-in to an account with a second factor.
func (l *links) challenge(a servertest.Account) string {
	l.recovery = l.s.AddAuthenticator(a.Access).Recovery[0]
	return l.s.Challenge(a.Email, servertest.Password)
}

// TestTokenKinds_OpenTheirOwnPlaceOnly, for the kinds of token that exist: each is presented in each place, complete
// and good, and is let in where it belongs and in no other place.
func TestTokenKinds_OpenTheirOwnPlaceOnly(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, offersFeed)
	service := servertest.NewRelyingService(t, verify.Config{Issuer: s.URL})
	forPrograms := servertest.WithFeed(s.URL)
	forPrograms.PersonalAccessTokens = true
	programs := servertest.NewRelyingService(t, forPrograms)
	testenv.Eventually(t, "the service reads the feed", servertest.HangGuard, func() bool { return programs.Accepts(s.Register().Access) })
	ask := func(query string, header ...string) servertest.Answer {
		return s.Ask("", query, append(header, "Origin", s.URL)...)
	}
	links := &links{s: s, t: t}
	links.code()
	kinds := map[string]func() string{ // a new one each time: some are used up
		"access token":  func() string { return s.Register().Access },
		"refresh token": func() string { return s.Register().Refresh },
		"step-up token": func() string {
			return s.Must(s.Register().Access,
				`mutation { reauthenticate(input: {password: "correct horse battery"}) { accessToken } }`).Field("accessToken")
		},
		"feed token":            func() string { return servertest.FeedToken },
		"reset link":            func() string { return links.reset(s.Register()) },
		"verify link":           func() string { return links.verify(s.Register()).Token(t) },
		"code":                  func() string { return links.code() },
		"change link":           func() string { return links.change(s.Register()) },
		"undo link":             func() string { return links.undo(s.Register()) },
		"invitation":            func() string { return links.invitation(s.Register()) },
		"secure link":           func() string { return links.secure(s.Register()) },
		"export link":           func() string { return links.export(s.Register()) },
		"challenge":             func() string { return links.challenge(s.Register()) },
		"personal access token": func() string { return s.AccessToken(s.Register().Access, "account:read") },
	}
	const asMe, granted, success = `"data":{"me":{"id"`, `"accessToken":"`, `"success":true`
	uses := func(field, argument, more, selection, has string) func(string) bool {
		return func(token string) bool {
			return ask("mutation { "+field+"(input: {"+argument+": \""+token+"\""+more+"}) { "+selection+" } }",
				"Authorization", "Bearer "+links.asks).Has(has)
		}
	}
	places := map[string]struct {
		opens []string // the kinds that belong there
		tries func(token string) bool
	}{
		"Authorization at /graphql": {[]string{"access token", "step-up token", "personal access token"}, func(token string) bool {
			return ask(servertest.Me, "Authorization", "Bearer "+token).Has(asMe)
		}},
		"refreshToken": {[]string{"refresh token"}, func(token string) bool {
			return ask(`mutation { refresh(input: {refreshToken: "` + token + `"}) { accessToken } }`).Has(granted)
		}},
		"cookie": {[]string{"refresh token"}, func(token string) bool {
			return ask(`mutation { refresh(input: {}) { accessToken } }`, "Cookie", "gatehouse_refresh="+token).Has(granted)
		}},
		"cookie as a credential": {nil, func(token string) bool {
			return ask(servertest.Me, "Cookie", "gatehouse_refresh="+token).Has(asMe)
		}},
		"Authorization at /revocations": {[]string{"feed token"}, func(token string) bool {
			return feedStatus(s.Client, token) == http.StatusOK
		}},
		"Authorization at a relying service":              {[]string{"access token", "step-up token"}, service.Accepts},
		"Authorization at a relying service for programs": {[]string{"access token", "step-up token", "personal access token"}, programs.Accepts},
		"Authorization at /introspect": {[]string{"feed token"}, func(token string) bool {
			return s.Do(servertest.Request{Path: "/introspect", Token: token, Body: "token=x",
				Header: []string{"Content-Type", "application/x-www-form-urlencoded"}}).Status == http.StatusOK
		}},
		"token at /introspect": {[]string{"personal access token"}, func(token string) bool {
			return introspect(s.Client, token).Has(`"active":true`)
		}},
		"resetPassword": {[]string{"reset link"},
			uses("resetPassword", "token", `, newPassword: "a new horse battery"`, "accessToken", granted)},
		"verifyEmail":                {[]string{"verify link"}, uses("verifyEmail", "token", "", "success", success)},
		"code of verifyEmail":        {[]string{"code"}, uses("verifyEmail", "code", "", "success", success)},
		"confirmEmailChange":         {[]string{"change link"}, uses("confirmEmailChange", "token", "", "success", success)},
		"code of confirmEmailChange": {nil, uses("confirmEmailChange", "code", "", "success", success)},
		"revertEmailChange":          {[]string{"undo link"}, uses("revertEmailChange", "token", "", "success", success)},
		"acceptInvitation": {[]string{"invitation"},
			uses("acceptInvitation", "token", `, password: "a new horse battery"`, "accessToken", granted)},
		"secureAccount":  {[]string{"secure link"}, uses("secureAccount", "token", "", "success", success)},
		"downloadMyData": {[]string{"export link"}, uses("downloadMyData", "token", "", "json", `"json":"{`)},
		"completeLogin": {[]string{"challenge"}, func(token string) bool {
			return uses("completeLogin", "challenge", `, recoveryCode: "`+links.recovery+`"`, "accessToken", granted)(token)
		}},
		"token in the query string": {nil, func(token string) bool {
			return s.Get("/graphql?query=%7Bme%7Bid%7D%7D&access_token=" + token).Has(asMe)
		}},
	}
	for place, p := range places {
		for kind, fresh := range kinds {
			want := slices.Contains(p.opens, kind)
			testenv.Equal(t, want, p.tries(fresh()), "%s as %s: let in", kind, place)
		}
	}
	t.Logf("%d cells", len(places)*len(kinds))
}
