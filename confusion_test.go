package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/dbtest"
)

// TestEachKindOfTokenOpensItsOwnPlaceOnly is J-081 for the kinds of token that exist: each is presented in each place,
// whole and good, and is let in where it belongs and nowhere else.
func TestEachKindOfTokenOpensItsOwnPlaceOnly(t *testing.T) {
	s := start(t, "GATEHOUSE_DATABASE_URL="+dbtest.SQLite(t), "GATEHOUSE_REVOCATIONS_TOKEN="+feedToken)
	w := &stage{t: t, url: s.URL}
	elsewhere := service(t, s.URL, nil)
	ask := func(query string, header ...string) string {
		_, body := post(t, s.URL, query, append(header, "Origin", s.URL)...)
		return body
	}
	kinds := map[string]func() string{ // a new one each time: some are used up
		"access token": w.register,
		"refresh token": func() string {
			return between(t, w.must("", w.registering()+` { refreshToken } }`), `"refreshToken":"`, `"`)
		},
		"step-up token": func() string {
			return between(t, w.must(w.register(), `mutation { reauthenticate(input: {password: "correct horse battery"}) { accessToken } }`), `"accessToken":"`, `"`)
		},
		"feed token": func() string { return feedToken },
	}
	places := map[string]struct {
		opens []string // the kinds that belong there
		tries func(token string) bool
	}{
		"Authorization at /graphql": {[]string{"access token", "step-up token"}, func(token string) bool {
			return strings.Contains(ask(me, "Authorization", "Bearer "+token), `"data":{"me":{"id"`)
		}},
		"refreshToken": {[]string{"refresh token"}, func(token string) bool {
			return strings.Contains(ask(`mutation { refresh(input: {refreshToken: "`+token+`"}) { accessToken } }`), `"accessToken":"`)
		}},
		"cookie": {[]string{"refresh token"}, func(token string) bool {
			return strings.Contains(ask(`mutation { refresh(input: {}) { accessToken } }`, "Cookie", "gatehouse_refresh="+token), `"accessToken":"`)
		}},
		"cookie as a credential": {nil, func(token string) bool {
			return strings.Contains(ask(me, "Cookie", "gatehouse_refresh="+token), `"data":{"me":{"id"`)
		}},
		"Authorization at /revocations": {[]string{"feed token"}, func(token string) bool {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/revocations", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+token)
			response, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			return response.StatusCode == http.StatusOK
		}},
		"Authorization at a service elsewhere": {[]string{"access token", "step-up token"}, func(token string) bool {
			status, _ := call(t, elsewhere, token)
			return status == http.StatusOK
		}},
		"token in the query string": {nil, func(token string) bool {
			_, body := get(t, s.URL+"/graphql?query=%7Bme%7Bid%7D%7D&access_token="+token)
			return strings.Contains(body, `"data":{"me":{"id"`)
		}},
	}
	for place, p := range places {
		for kind, fresh := range kinds {
			want := strings.Contains(strings.Join(p.opens, ";"), kind)
			if got := p.tries(fresh()); got != want {
				t.Errorf("%s as %s: let in %v, want %v", kind, place, got, want)
			}
		}
	}
	t.Logf("%d cells", len(places)*len(kinds))
}
