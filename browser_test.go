package main

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse/gatehouse/internal/dbtest"
)

const (
	annRegisters = `mutation { register(input: {email: "ann@example.com", password: "correct horse battery", cookie: true}) { refreshToken } }`
	annRefreshes = `mutation { refresh(input: {}) { refreshToken } }`
)

// post sends one operation with headers as they are given, name and value by turns; a name may come twice.
func post(t testing.TB, server, operation string, headers ...string) (response *http.Response, body string) {
	t.Helper()
	wrapped, err := json.Marshal(map[string]string{"query": operation})
	if err != nil {
		t.Fatal(err)
	}
	return request(t, http.MethodPost, server+"/graphql", string(wrapped), append(headers, "Content-Type", "application/json")...)
}

func request(t testing.TB, method, address, content string, headers ...string) (response *http.Response, body string) {
	t.Helper()
	r, err := http.NewRequest(method, address, strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	response, err = http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(text)
}

// serveAs serves the program's handler under an issuer that is not the address it listens on, as behind a proxy.
func serveAs(t *testing.T, issuer string, environment ...string) (url string) {
	t.Helper()
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	c, err := readSettings(append(environment, "GATEHOUSE_ISSUER="+issuer, "GATEHOUSE_DATABASE_URL="+dbtest.SQLite(t), "GATEHOUSE_ARGON2=m=64,t=1,p=1"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := openMigrated(t.Context(), c.Config, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	b, err := build(t.Context(), c, db, "http://127.0.0.1:1", log)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(b.Handler)
	t.Cleanup(server.Close)
	return server.URL
}

// TestTheCookieIsAsSafeAsTheIssuerAllows: scripts never read it, and on a network it travels over https only.
func TestTheCookieIsAsSafeAsTheIssuerAllows(t *testing.T) {
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
		server := serveAs(t, issuer, "GATEHOUSE_REFRESH_TTL=1h")
		response, body := post(t, server, annRegisters, "Origin", c.origin)
		cookies := response.Header.Values("Set-Cookie")
		if c.cookie == "" {
			if len(cookies) != 0 || !strings.Contains(body, `"field":"cookie"`) || !strings.Contains(body, "GATEHOUSE_ISSUER") {
				t.Errorf("%s: cookies %q, %s; want a refusal that says how to mend it", issuer, cookies, body)
			}
			if _, body := post(t, server, strings.Replace(annRegisters, ", cookie: true", "", 1)); !strings.Contains(body, `{"refreshToken":"`) {
				t.Errorf("%s: refused without a cookie too: %s", issuer, body)
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

// TestOnlyAllowedPagesMayUseTheCookie sends a valid cookie from many pages, and asks for one from as many.
func TestOnlyAllowedPagesMayUseTheCookie(t *testing.T) {
	server := serveAs(t, "https://api.example.com",
		"GATEHOUSE_ALLOWED_ORIGINS=https://app.example.com,https://dev.example.com:8443")
	response, _ := post(t, server, annRegisters, "Origin", "https://app.example.com")
	cookie, _, _ := strings.Cut(response.Header.Get("Set-Cookie"), ";")
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
			posted, postBody := post(t, server, "{ __typename }", withCookie...)
			got, getBody := request(t, http.MethodGet, server+"/graphql?query="+url.QueryEscape("{ __typename }"), "", withCookie...)
			loggedIn, loginBody := post(t, server, annLogsIn, c.headers...)
			if c.allowed {
				if posted.StatusCode != 200 || got.StatusCode != 200 || loggedIn.Header.Get("Set-Cookie") == "" {
					t.Errorf("refused: %s\n%s\n%s", postBody, getBody, loginBody)
				}
				return
			}
			for _, refused := range []struct {
				*http.Response
				body string
			}{{posted, postBody}, {got, getBody}} {
				if refused.StatusCode != 403 || !strings.Contains(refused.body, `"FORBIDDEN"`) || strings.Contains(refused.body, `"data"`) || len(refused.body) > 300 {
					t.Errorf("%d %s", refused.StatusCode, refused.body)
				}
			}
			if loggedIn.Header.Get("Set-Cookie") != "" || !strings.Contains(loginBody, `"field":"cookie"`) || len(loginBody) > 400 {
				t.Errorf("cookie %q, %s", loggedIn.Header.Get("Set-Cookie"), loginBody)
			}
			// Without the cookie the Origin says nothing about who calls.
			if open, body := post(t, server, "{ __typename }", c.headers...); open.StatusCode != 200 {
				t.Errorf("refused without a cookie: %s", body)
			}
		})
	}
}

// TestAMalformedCookieIsRefused, and those of others are none of our business.
func TestAMalformedCookieIsRefused(t *testing.T) {
	server := serveAs(t, "https://api.example.com")
	const name = "__Host-gatehouse_refresh"
	long := strings.Repeat("a", 4096)
	for _, c := range []struct {
		cookies []string
		status  int
		says    string // of refresh without a token
	}{
		{nil, 200, "BAD_USER_INPUT"},
		{[]string{name + "=x"}, 200, "INVALID_TOKEN"},
		{[]string{name + "=" + long}, 200, "INVALID_TOKEN"},
		{[]string{name + "=" + long + "a"}, 400, "BAD_USER_INPUT"},
		{[]string{name + "="}, 400, "BAD_USER_INPUT"},
		{[]string{name}, 400, "BAD_USER_INPUT"},
		{[]string{name + `="x"`}, 400, "BAD_USER_INPUT"},
		{[]string{name + `=x\`}, 400, "BAD_USER_INPUT"},
		{[]string{name + "=x; " + name + "=x"}, 400, "BAD_USER_INPUT"},
		{[]string{name + "=x", name + "=y"}, 400, "BAD_USER_INPUT"},
		{[]string{`a="b" c`, `{}; ` + name + `=x;;=`}, 200, "INVALID_TOKEN"},
		{[]string{"gatehouse_refresh=x"}, 200, "BAD_USER_INPUT"}, // over https, any other host may have set it
		{[]string{"__host-gatehouse_refresh=x"}, 200, "BAD_USER_INPUT"},
		{[]string{"\u2000" + name + "=x"}, 200, "BAD_USER_INPUT"}, // browsers let every host of the site set these
		{[]string{"a=b; \u00a0" + name + "=x"}, 200, "BAD_USER_INPUT"},
		{[]string{"\u0085" + name + "=x; " + name + "=y"}, 200, "INVALID_TOKEN"},
	} {
		headers := []string{"Origin", "https://api.example.com"}
		for _, cookie := range c.cookies {
			headers = append(headers, "Cookie", cookie)
		}
		response, body := post(t, server, annRefreshes, headers...)
		if response.StatusCode != c.status || !strings.Contains(body, c.says) || len(body) > 400 {
			t.Errorf("%.100q: %d %s, want %d %s", c.cookies, response.StatusCode, body, c.status, c.says)
		}
		if set := response.Header.Get("Set-Cookie"); set != "" {
			t.Errorf("%.100q: Set-Cookie %q", c.cookies, set)
		}
	}
}

// TestTabsThatRefreshAtOnceStaySignedIn: they share one cookie, and whichever answer comes last holds the same token.
func TestTabsThatRefreshAtOnceStaySignedIn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, databaseURL string) {
		s := start(t, "GATEHOUSE_DATABASE_URL="+databaseURL)
		response, _ := post(t, s.URL, annRegisters, "Origin", s.URL)
		cookie, _, _ := strings.Cut(response.Header.Get("Set-Cookie"), ";")
		got := make([]string, 4)
		var tabs sync.WaitGroup
		for i := range got {
			tabs.Go(func() {
				response, _ := post(t, s.URL, annRefreshes, "Origin", s.URL, "Cookie", cookie)
				got[i], _, _ = strings.Cut(response.Header.Get("Set-Cookie"), ";")
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

// TestPagesOfAllowedOriginsMayReadAnswers: preflight requests and answers, and that nobody else gets a header of CORS.
func TestPagesOfAllowedOriginsMayReadAnswers(t *testing.T) {
	const app = "https://app.example.com"
	open := start(t, "GATEHOUSE_DATABASE_URL="+dbtest.SQLite(t), "GATEHOUSE_ALLOWED_ORIGINS="+app)
	closed := start(t, "GATEHOUSE_DATABASE_URL="+dbtest.SQLite(t))
	for name, c := range map[string]struct {
		server                  *instance
		path                    string
		origin, method, headers string
		allowed                 bool
		status                  int
	}{
		"allowed":         {open, "/graphql", app, "POST", "accept,authorization,content-type", true, 204},
		"by GET":          {open, "/graphql", app, "GET", "authorization", true, 204},
		"foreign":         {open, "/graphql", "https://evil.example", "POST", "content-type", false, 204},
		"null":            {open, "/graphql", "null", "POST", "content-type", false, 204},
		"upper case":      {open, "/graphql", "https://APP.example.com", "POST", "content-type", false, 204},
		"own":             {open, "/graphql", open.URL, "POST", "content-type", false, 204},
		"other method":    {open, "/graphql", app, "DELETE", "content-type", false, 204},
		"other header":    {open, "/graphql", app, "POST", "content-type,x-other", false, 204},
		"other path":      {open, "/healthz", app, "GET", "authorization", false, 404},
		"none configured": {closed, "/graphql", app, "POST", "content-type", false, 405},
	} {
		response, body := request(t, http.MethodOptions, c.server.URL+c.path, "", "Origin", c.origin,
			"Access-Control-Request-Method", c.method, "Access-Control-Request-Headers", c.headers)
		h := response.Header
		if response.StatusCode != c.status || c.status == 204 && (body != "" || h.Get("X-Request-Id") != "") {
			t.Errorf("%s: %d %s, headers %v", name, response.StatusCode, body, h)
		}
		if c.allowed {
			if h.Get("Access-Control-Allow-Origin") != c.origin || h.Get("Access-Control-Allow-Credentials") != "true" ||
				h.Get("Access-Control-Allow-Methods") != c.method || h.Get("Access-Control-Allow-Headers") != c.headers ||
				h.Get("Access-Control-Max-Age") != "3600" || !strings.HasPrefix(h.Get("Vary"), "Origin") {
				t.Errorf("%s: %v", name, h)
			}
			continue
		}
		if n := corsHeaders(h); n != 0 {
			t.Errorf("%s: %v", name, h)
		}
	}
	for origin, want := range map[string]int{app: 3, "https://evil.example": 0, "null": 0, "": 0} {
		response, _ := post(t, open.URL, "{ me { id } }", "Origin", origin)
		if vary := response.Header.Values("Vary"); corsHeaders(response.Header) != want || strings.Join(vary, ",") != "Origin,Accept" {
			t.Errorf("answer for %q: %v", origin, response.Header)
		}
		response, _ = post(t, closed.URL, "{ me { id } }", "Origin", origin)
		if vary := response.Header.Values("Vary"); corsHeaders(response.Header) != 0 || strings.Join(vary, ",") != "Accept" {
			t.Errorf("answer for %q, where no origin is configured: %v", origin, response.Header)
		}
	}
}

func corsHeaders(h http.Header) (n int) {
	for name := range h {
		if strings.HasPrefix(name, "Access-Control-") {
			n++
		}
	}
	return n
}
