package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
)

// TestCORS_LetsAllowedOriginsReadAnswers: preflight requests and answers, and that no other origin gets a header of
// CORS.
func TestCORS_LetsAllowedOriginsReadAnswers(t *testing.T) {
	t.Parallel()
	const app = "https://app.example.com"
	open := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+dbtest.SQLite(t), "GATEHOUSE_ALLOWED_ORIGINS="+app)
	closed := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+dbtest.SQLite(t))
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
		"other header":    {open, "/graphql", app, "POST", "content-type,x-other", false, 204},
		"other path":      {open, "/healthz", app, "GET", "authorization", false, 404},
		"none configured": {closed, "/graphql", app, "POST", "content-type", false, 405},
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
		if n := corsHeaders(h); n != 0 {
			t.Errorf("%s: %v", name, h)
		}
	}
	for origin, want := range map[string]int{app: 3, "https://evil.example": 0, "null": 0, "": 0} {
		h := open.Ask("", servertest.Me, "Origin", origin).Header
		if vary := h.Values("Vary"); corsHeaders(h) != want || strings.Join(vary, ",") != "Origin,Accept" {
			t.Errorf("answer for %q: %v", origin, h)
		}
		h = closed.Ask("", servertest.Me, "Origin", origin).Header
		if vary := h.Values("Vary"); corsHeaders(h) != 0 || strings.Join(vary, ",") != "Accept" {
			t.Errorf("answer for %q, where no origin is configured: %v", origin, h)
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
