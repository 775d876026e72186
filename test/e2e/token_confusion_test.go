package e2e

import (
	"net/http"
	"slices"
	"testing"

	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/verify"
)

// TestTokenKinds_OpenTheirOwnPlaceOnly, for the kinds of token that exist: each is presented in each place, complete
// and good, and is let in where it belongs and in no other place.
func TestTokenKinds_OpenTheirOwnPlaceOnly(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, offersFeed)
	service := servertest.NewRelyingService(t, verify.Config{Issuer: s.URL})
	ask := func(query string, header ...string) servertest.Answer {
		return s.Ask("", query, append(header, "Origin", s.URL)...)
	}
	kinds := map[string]func() string{ // a new one each time: some are used up
		"access token":  func() string { return s.Register().Access },
		"refresh token": func() string { return s.Register().Refresh },
		"step-up token": func() string {
			return s.Must(s.Register().Access,
				`mutation { reauthenticate(input: {password: "correct horse battery"}) { accessToken } }`).Field("accessToken")
		},
		"feed token": func() string { return servertest.FeedToken },
	}
	const asMe, granted = `"data":{"me":{"id"`, `"accessToken":"`
	places := map[string]struct {
		opens []string // the kinds that belong there
		tries func(token string) bool
	}{
		"Authorization at /graphql": {[]string{"access token", "step-up token"}, func(token string) bool {
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
		"Authorization at a relying service": {[]string{"access token", "step-up token"}, service.Accepts},
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
