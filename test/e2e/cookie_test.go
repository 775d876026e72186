package e2e

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

const (
	annRegisters = `mutation { register(input: {email: "ann@example.com", password: "correct horse battery", cookie: true}) { refreshToken } }`
	annRefreshes = `mutation { refresh(input: {}) { refreshToken } }`
)

// startAs starts a server under an issuer that is not the address it listens on, as behind a proxy.
func startAs(t *testing.T, issuer string, environment ...string) *servertest.Process {
	t.Helper()
	return servertest.Start(t, append(environment, "GATEHOUSE_ISSUER="+issuer,
		"GATEHOUSE_DATABASE_URL="+dbtest.SQLite(t))...)
}

// TestCookie_IsAsSafeAsTheIssuerAllows: scripts never read it, and on a network it travels over https only.
func TestCookie_IsAsSafeAsTheIssuerAllows(t *testing.T) {
	t.Parallel()
	const secure = `__Host-gatehouse_refresh=[\w-]{90,}; Path=/; Max-Age=(\d+); HttpOnly; Secure; SameSite=Strict`
	const plain = `gatehouse_refresh=[\w-]{90,}; Path=/; Max-Age=(\d+); HttpOnly; SameSite=Strict`
	for issuer, c := range map[string]struct{ origin, cookie string }{
		"https://accounts.example.com":        {"https://accounts.example.com", secure},
		"https://Accounts.Example.com:443/id": {"https://accounts.example.com", secure},
		"https://127.0.0.1:8443":              {"https://127.0.0.1:8443", secure},
		"http://127.0.0.1:8080":               {"http://127.0.0.1:8080", plain},
		"http://localhost":                    {"http://localhost", plain},
		"http://[::1]:80/":                    {"http://[::1]", plain},
		"http://accounts.example.com":         {"http://accounts.example.com", ""},
		"http://192.0.2.7:8080":               {"http://192.0.2.7:8080", ""},
		"http://0.0.0.0:8080":                 {"http://0.0.0.0:8080", ""},
		"http://localhost.example.com":        {"http://localhost.example.com", ""},
	} {
		s := startAs(t, issuer, "GATEHOUSE_REFRESH_TTL=1h")
		a := s.Ask("", annRegisters, "Origin", c.origin)
		cookies, body := a.Header.Values("Set-Cookie"), a.Body
		if c.cookie == "" {
			if len(cookies) != 0 || !strings.Contains(body, `"field":"cookie"`) || !strings.Contains(body, "GATEHOUSE_ISSUER") {
				t.Errorf("%s: cookies %q, %s; want a refusal that says how to mend it", issuer, cookies, body)
			}
			if a := s.Ask("", strings.Replace(annRegisters, ", cookie: true", "", 1)); !a.Has(`{"refreshToken":"`) {
				t.Errorf("%s: refused without a cookie too: %v", issuer, a)
			}
			continue
		}
		parts := regexp.MustCompile("^" + c.cookie + "$").FindStringSubmatch(strings.Join(cookies, "\n"))
		if parts == nil || body != `{"data":{"register":{"refreshToken":null}}}` {
			t.Errorf("%s: cookies %q, %s", issuer, cookies, body)
			continue
		}
		if life, _ := strconv.Atoi(parts[1]); life > 3600 || life < 3570 {
			t.Errorf("%s: Max-Age %d, where the refresh token lives for an hour", issuer, life)
		}
	}
}

// TestCookie_IsForAllowedPagesOnly sends a valid cookie from many pages, and asks for one from as many.
func TestCookie_IsForAllowedPagesOnly(t *testing.T) {
	t.Parallel()
	s := startAs(t, "https://api.example.com",
		"GATEHOUSE_ALLOWED_ORIGINS=https://app.example.com,https://dev.example.com:8443")
	a := s.Ask("", annRegisters, "Origin", "https://app.example.com")
	cookie, _, _ := strings.Cut(a.Header.Get("Set-Cookie"), ";")
	annLogsIn := strings.Replace(annRegisters, "register", "login", 1)
	for name, c := range map[string]struct {
		headers []string
		allowed bool
	}{
		"allowed":                  {[]string{"Origin", "https://app.example.com"}, true},
		"allowed, with a port":     {[]string{"Origin", "https://dev.example.com:8443"}, true},
		"own":                      {[]string{"Origin", "https://api.example.com", "Sec-Fetch-Site", "same-origin"}, true},
		"same site":                {[]string{"Origin", "https://app.example.com", "Sec-Fetch-Site", "same-site"}, true},
		"own, without Origin":      {[]string{"Sec-Fetch-Site", "same-origin"}, true},
		"nothing":                  {nil, false},
		"same site without Origin": {[]string{"Sec-Fetch-Site", "same-site"}, false},
		"address bar":              {[]string{"Sec-Fetch-Site", "none"}, false},
		"cross site":               {[]string{"Origin", "https://app.example.com", "Sec-Fetch-Site", "cross-site"}, false},
		"empty":                    {[]string{"Origin", ""}, false},
		"null":                     {[]string{"Origin", "null"}, false},
		"null, same origin":        {[]string{"Origin", "null", "Sec-Fetch-Site", "same-origin"}, false},
		"foreign":                  {[]string{"Origin", "https://evil.example"}, false},
		"foreign, same origin":     {[]string{"Origin", "https://evil.example", "Sec-Fetch-Site", "same-origin"}, false},
		"other port":               {[]string{"Origin", "https://app.example.com:8443"}, false},
		"no port":                  {[]string{"Origin", "https://dev.example.com"}, false},
		"other scheme":             {[]string{"Origin", "http://app.example.com"}, false},
		"upper case":               {[]string{"Origin", "https://APP.example.com"}, false},
		"trailing slash":           {[]string{"Origin", "https://app.example.com/"}, false},
		"subdomain":                {[]string{"Origin", "https://x.app.example.com"}, false},
		"longer name":              {[]string{"Origin", "https://app.example.com.evil.example"}, false},
		"two origins in one":       {[]string{"Origin", "https://app.example.com https://evil.example"}, false},
		"two Origin headers":       {[]string{"Origin", "https://app.example.com", "Origin", "https://evil.example"}, false},
		"long":                     {[]string{"Origin", "https://" + strings.Repeat("a", 8000)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			withCookie := append(c.headers[:len(c.headers):len(c.headers)], "Cookie", cookie)
			posted := s.Ask("", "{ __typename }", withCookie...)
			got := s.Get("/graphql?query="+url.QueryEscape("{ __typename }"), withCookie...)
			loggedIn := s.Ask("", annLogsIn, c.headers...)
			if c.allowed {
				if posted.Status != 200 || got.Status != 200 || loggedIn.Header.Get("Set-Cookie") == "" {
					t.Errorf("refused: %v\n%v\n%v", posted, got, loggedIn)
				}
				return
			}
			for _, a := range []servertest.Answer{posted, got} {
				if a.Status != 403 || !a.Has(`"FORBIDDEN"`) || a.Has(`"data"`) || len(a.Body) > 300 {
					t.Error(a)
				}
			}
			if loggedIn.Header.Get("Set-Cookie") != "" || !loggedIn.Has(`"field":"cookie"`) || len(loggedIn.Body) > 400 {
				t.Errorf("cookie %q, %v", loggedIn.Header.Get("Set-Cookie"), loggedIn)
			}
			if open := s.Ask("", "{ __typename }", c.headers...); open.Status != 200 {
				t.Errorf("refused without a cookie, where the Origin says nothing about the caller: %v", open)
			}
		})
	}
}

// TestCookie_IsRefusedAndClearedWhenMalformed, and those of others are ignored.
func TestCookie_IsRefusedAndClearedWhenMalformed(t *testing.T) {
	t.Parallel()
	s := startAs(t, "https://api.example.com")
	const name = "__Host-gatehouse_refresh"
	long := strings.Repeat("a", 4096)
	for _, c := range []struct {
		cookies []string
		status  int
		says    string // of refresh without a token
	}{
		{nil, 200, `"missing"`},
		{[]string{name + "=x"}, 200, `"unknown"`},
		{[]string{name + "=" + long}, 200, `"unknown"`},
		{[]string{name + "=" + long + "a"}, 400, "BAD_USER_INPUT"},
		{[]string{name + "="}, 200, `"missing"`}, // empty: none
		{[]string{name}, 200, `"missing"`},
		{[]string{name + `="x"`}, 400, "BAD_USER_INPUT"},
		{[]string{name + `=x\`}, 400, "BAD_USER_INPUT"},
		{[]string{name + "=x; " + name + "=x"}, 400, "BAD_USER_INPUT"},
		{[]string{name + "=x", name + "=y"}, 400, "BAD_USER_INPUT"},
		{[]string{`a="b" c`, `{}; ` + name + `=x;;=`}, 200, `"unknown"`},
		{[]string{"gatehouse_refresh=x"}, 200, `"missing"`}, // over https, any other host may have set it
		{[]string{"__host-gatehouse_refresh=x"}, 200, `"missing"`},
		{[]string{"\u2000" + name + "=x"}, 200, `"missing"`}, // browsers let every host of the site set these
		{[]string{"a=b; \u00a0" + name + "=x"}, 200, `"missing"`},
		{[]string{"\u0085" + name + "=x; " + name + "=y"}, 200, `"unknown"`},
	} {
		headers := []string{"Origin", "https://api.example.com"}
		for _, cookie := range c.cookies {
			headers = append(headers, "Cookie", cookie)
		}
		a := s.Ask("", annRefreshes, headers...)
		if a.Status != c.status || !a.Has(c.says) || len(a.Body) > 400 {
			t.Errorf("%.100q: %v, want %d %s", c.cookies, a, c.status, c.says)
		}
		want := ""
		if c.status == 400 { // or the browser would send it with every request
			want = name + "=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Strict"
		}
		testenv.Equal(t, want, a.Header.Get("Set-Cookie"), "Set-Cookie after %.100q", c.cookies)
	}
}

// TestCookie_TabsThatRefreshSimultaneouslyStaySignedIn: they share one cookie, and whichever answer comes last holds
// the same token.
func TestCookie_TabsThatRefreshSimultaneouslyStaySignedIn(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, databaseURL string) {
		s := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+databaseURL)
		cookie, _, _ := strings.Cut(s.Ask("", annRegisters, "Origin", s.URL).Header.Get("Set-Cookie"), ";")
		got := make([]string, 4)
		var tabs sync.WaitGroup
		for i := range got {
			tabs.Go(func() {
				got[i], _, _ = strings.Cut(s.Ask("", annRefreshes, "Origin", s.URL, "Cookie", cookie).Header.Get("Set-Cookie"), ";")
			})
		}
		tabs.Wait()
		for _, next := range got {
			if len(next) < len(cookie) || next == cookie || next != got[0] {
				t.Fatalf("after %s: %q", cookie, got)
			}
		}
	})
}
