package server

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

const foreign = "https://evil.example"

// askAs asks a server with a header, as a browser does for a page of an origin.
func askAs(s *Server, origin, method, target string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	r.Host, r.RemoteAddr = "127.0.0.1", "127.0.0.1:1"
	for name, value := range map[string]string{
		"Accept": "text/html,*/*;q=0.8", "Origin": origin, "Cookie": "gatehouse_refresh=x", "Sec-Fetch-Site": "cross-site",
		"Access-Control-Request-Method": http.MethodPost, "Access-Control-Request-Headers": "content-type",
	} {
		r.Header.Set(name, value)
	}
	answer := httptest.NewRecorder()
	s.Handler.ServeHTTP(answer, r)
	return answer
}

func isPage(h http.Header) bool { return strings.HasPrefix(h.Get("Content-Type"), "text/html") }

// TestRoutes_GivePagesOfOtherOriginsNothing: each route of the table can be neither framed nor read by them, and sets
// no cookie for them. A page keeps no tie to who opened it, and tells no other page its address.
func TestRoutes_GivePagesOfOtherOriginsNothing(t *testing.T) {
	s := open(t, Options{}, revocationsToken)
	pages, allowed := 0, 0
	for _, r := range s.table {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodOptions} {
			what := method + " " + r.path()
			answer := askAs(s, foreign, method, r.path())
			h := answer.Header()
			if strings.HasPrefix(r.pattern, "POST ") && method == http.MethodPost { // TestRoutes_AnswerNobody… has the control
				testenv.Equal(t, http.StatusForbidden, answer.Code, "status of a form of another page to %s", r.path())
			}
			readable := h.Get("Access-Control-Allow-Origin")
			if readable != "" && readable != "*" || h.Get("Access-Control-Allow-Credentials") != "" ||
				readable == "*" && !strings.HasPrefix(r.path(), "/.well-known/") {
				t.Errorf("%s: pages of %s may read it: %v", what, foreign, h)
			}
			if h.Get("Set-Cookie") != "" {
				t.Errorf("%s sets the cookie %q", what, h.Get("Set-Cookie"))
			}
			if askAs(s, "http://localhost:3000", method, r.path()).Header().Get("Access-Control-Allow-Credentials") == "true" {
				allowed++
			}
			if method != http.MethodGet {
				continue
			}
			testenv.Equal(t, "nosniff", h.Get("X-Content-Type-Options"), "X-Content-Type-Options of %s", what)
			policy := h.Get("Content-Security-Policy")
			if r.who != byRules && !strings.Contains(policy, "frame-ancestors 'none'") {
				t.Errorf("%s can be framed: %q", what, policy)
			}
			if !isPage(h) {
				continue
			}
			pages++
			for _, part := range []string{"default-src 'none'", "base-uri 'none'"} {
				if !strings.Contains(policy, part) {
					t.Errorf("%s: the policy has no %s: %q", what, part, policy)
				}
			}
			if !strings.Contains(policy, "form-action 'none'") && !strings.Contains(policy, "form-action 'self'") {
				t.Errorf("%s: its forms may be sent elsewhere: %q", what, policy)
			}
			if _, scripts, _ := strings.Cut(policy, "script-src"); strings.Contains(before(scripts, ";"), "unsafe") {
				t.Errorf("%s: scripts of others run: %q", what, policy)
			}
			testenv.Equal(t, "no-referrer", h.Get("Referrer-Policy"), "Referrer-Policy of %s", what)
			testenv.Equal(t, "same-origin", h.Get("Cross-Origin-Opener-Policy"), "Cross-Origin-Opener-Policy of %s", what)
			testenv.Equal(t, "same-origin", h.Get("Cross-Origin-Resource-Policy"), "Cross-Origin-Resource-Policy of %s", what)
		}
	}
	if pages < 14 || allowed < 4 { // the control: /graphql, with the slash too, by preflight and answer
		t.Errorf("%d pages, and %d answers for an origin that is allowed", pages, allowed)
	}
}

func before(text, end string) string {
	text, _, _ = strings.Cut(text, end)
	return text
}

// TestRoutes_LeadToNoOtherServer, whatever the address has before, in or behind the path of a route, and write nothing
// of it as HTML.
func TestRoutes_LeadToNoOtherServer(t *testing.T) {
	s := open(t, Options{}, revocationsToken)
	const script = `"'><script>alert(1)</script>`
	queries := url.Values{}
	for _, name := range []string{"redirect", "as", "next", "url", "return_to", "token", "app", "error", "lang"} {
		queries.Add(name, script)
	}
	at, err := url.Parse("https://id.example.com")
	testenv.Check(t, err)
	sentOn := 0
	for _, r := range s.table {
		path := r.path()
		for _, target := range []string{
			path + "?" + queries.Encode(), path + "/" + url.PathEscape(script), path + "?redirect=" + url.QueryEscape(foreign),
			path + "?next=//evil.example&url=//evil.example&return_to=//evil.example", "//evil.example" + path,
			"//evil.example/.." + path, `/\evil.example` + path, "/%5cevil.example" + path, "/%2fevil.example" + path,
			path + "//evil.example", path + "/../..//evil.example", path + "/..//evil.example/..", "/.//evil.example" + path,
			path + "/%2e%2e//evil.example/%2e%2e", "/;@evil.example" + path, path + "%0d%0aLocation:%20" + foreign,
		} {
			answer := askAs(s, foreign, http.MethodGet, target)
			if location := answer.Header().Get("Location"); location != "" {
				sentOn++
				to, err := at.Parse(strings.ReplaceAll(location, `\`, "/")) // as browsers read it
				if err != nil || to.Host != at.Host {
					t.Errorf("%s leads to %q", target, location)
				}
			}
			if isPage(answer.Header()) && strings.Contains(strings.ToLower(answer.Body.String()), "<script>alert(1)") {
				t.Errorf("%s writes a script of its address into the page", target)
			}
		}
	}
	const own = "http://localhost:3000/of-the-issuer"
	page := askAs(s, foreign, http.MethodGet, "/account?redirect="+url.QueryEscape(own)).Body.String()
	if sentOn == 0 || !strings.Contains(page, own) {
		t.Errorf("%d redirects; /account is not sent on to %s: %s", sentOn, own, page)
	}
}
