package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestCORS_LetsAllowedOriginsReadAnswers: preflight requests and answers, and that no other origin gets a header of
// CORS.
func TestCORS_LetsAllowedOriginsReadAnswers(t *testing.T) {
	t.Parallel()
	const app = "https://app.example.com"
	open := servertest.Start(t, "GATEHOUSE_ALLOWED_ORIGINS="+app)
	closed := servertest.Start(t, "GATEHOUSE_ISSUER=https://a.example")
	for name, c := range map[string]struct {
		server                  *servertest.Process
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
		"every header":    {open, "/graphql", app, "POST", "baggage,content-type,sentry-trace,x-other", true, 204},
		"other path":      {open, "/healthz", app, "GET", "authorization", false, 404},
		"none configured": {closed, "/graphql", app, "POST", "content-type", false, 204},
	} {
		a := c.server.Do(servertest.Request{Method: http.MethodOptions, Path: c.path, Header: []string{"Origin", c.origin,
			"Access-Control-Request-Method", c.method, "Access-Control-Request-Headers", c.headers}})
		h := a.Header
		if a.Status != c.status || c.status == 204 && (a.Body != "" || h.Get("X-Request-Id") != "") {
			t.Errorf("%s: %v, headers %v", name, a, h)
		}
		if c.allowed {
			if h.Get("Access-Control-Allow-Origin") != c.origin || h.Get("Access-Control-Allow-Credentials") != "true" ||
				h.Get("Access-Control-Allow-Methods") != c.method || h.Get("Access-Control-Allow-Headers") != c.headers ||
				h.Get("Access-Control-Max-Age") != "3600" || !strings.HasPrefix(h.Get("Vary"), "Origin") {
				t.Errorf("%s: %v", name, h)
			}
			continue
		}
		testenv.Equal(t, 0, corsHeaders(h), "%s: %v", name, h)
	}
	for origin, want := range map[string]int{app: 3, "https://evil.example": 0, "null": 0, "": 0} {
		h := open.Ask("", servertest.Me, "Origin", origin).Header
		if vary := h.Values("Vary"); corsHeaders(h) != want || strings.Join(vary, ",") != "Origin,Accept" {
			t.Errorf("answer for %q: %v", origin, h)
		}
		h = closed.Ask("", servertest.Me, "Origin", origin).Header
		if vary := h.Values("Vary"); corsHeaders(h) != 0 || strings.Join(vary, ",") != "Origin,Accept" {
			t.Errorf("answer for %q, where no origin is configured: %v", origin, h)
		}
	}
	const hint = "add the origin to GATEHOUSE_ALLOWED_ORIGINS"
	if got := strings.Count(closed.Log.String(), hint); got != 1 || !strings.Contains(closed.Log.String(), app) {
		t.Errorf("the log has the refused origin %d times, want once:\n%s", got, closed.Log.String())
	}
	if strings.Count(open.Log.String(), hint) != 4 { // evil, null, the upper case one, its own
		t.Errorf("the log has not each refused origin once:\n%s", open.Log.String())
	}
}

// TestCORS_LoopbackPagesMayCallByDefault: with nothing configured, pages of this machine may call and use the cookie.
// With an issuer, they may not.
func TestCORS_LoopbackPagesMayCallByDefault(t *testing.T) {
	defaults := servertest.Start(t)
	named := servertest.Start(t, "GATEHOUSE_ISSUER=http://127.0.0.1:8080")
	for origin, allowed := range map[string]bool{
		"http://localhost:5173": true, "http://127.0.0.1:3000": true, "http://[::1]:5173": true, "https://localhost": true,
		"http://localhost.evil.example": false, "http://127.0.0.1.evil.example": false, "http://evil.example": false,
		"capacitor://localhost": false, "null": false, "http://LOCALHOST:5173": false, "http://192.0.2.7:5173": false,
	} {
		for s, want := range map[*servertest.Process]bool{defaults: allowed, named: false} {
			got := s.Ask("", servertest.Me, "Origin", origin).Header.Get("Access-Control-Allow-Origin")
			if (got == origin) != want {
				t.Errorf("%s: Access-Control-Allow-Origin %q, want it: %v", origin, got, want)
			}
			const missing = `mutation{refresh(input:{}){tokenType}}`
			refused := s.Ask("", missing, "Origin", origin, "Cookie", "gatehouse_refresh=x").Status == http.StatusForbidden
			if refused == want {
				t.Errorf("%s: the cookie is refused: %v", origin, refused)
			}
		}
	}
}

// TestCORS_CustomSchemesMayCallWithoutCookie: pages of an app that wraps a browser.
func TestCORS_CustomSchemesMayCallWithoutCookie(t *testing.T) {
	const app = "capacitor://localhost"
	s := servertest.Start(t, "GATEHOUSE_ALLOWED_ORIGINS="+app+",http://localhost")
	for origin, cookie := range map[string]bool{app: false, "http://localhost": true} {
		if a := s.Ask("", servertest.Me, "Origin", origin); a.Header.Get("Access-Control-Allow-Origin") != origin {
			t.Errorf("%s: %v", origin, a.Header)
		}
		a := s.Ask("", servertest.Me, "Origin", origin, "Cookie", "gatehouse_refresh=x")
		testenv.Equal(t, cookie, a.Status != http.StatusForbidden, "%s with the cookie: %v", origin, a)
	}
}

// TestWellKnown_EveryPageReadsTheDocuments: a service finds the keys by the issuer's name alone.
func TestWellKnown_EveryPageReadsTheDocuments(t *testing.T) {
	s := servertest.Start(t)
	for _, path := range []string{
		"/.well-known/jwks.json", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server",
	} {
		a := s.Do(servertest.Request{Method: http.MethodGet, Path: path, Header: []string{"Origin", "https://any.example"}})
		if a.Status != 200 || a.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %v %v", path, a, a.Header)
		}
		want := `{"issuer":"` + s.URL + `","jwks_uri":"` + s.URL + `/.well-known/jwks.json"}`
		if path != "/.well-known/jwks.json" && strings.TrimSpace(a.Body) != want {
			t.Errorf("%s: %s, want %s", path, a.Body, want)
		}
		a = s.Do(servertest.Request{Method: http.MethodOptions, Path: path, Header: []string{"Origin", "https://any.example",
			"Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "sentry-trace"}})
		if a.Header.Get("Access-Control-Allow-Headers") != "sentry-trace" {
			t.Errorf("%s, preflight: %v %v", path, a, a.Header)
		}
		if a := s.Do(servertest.Request{Method: http.MethodPost, Path: path}); a.Status != 405 && a.Status != 404 {
			t.Errorf("POST %s: %v", path, a)
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
