package server

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/config"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestMayRedirect: only to pages of the issuer's origin and of those that may use the cookie, however an address is
// written.
func TestMayRedirect(t *testing.T) {
	allows := func(origin string) bool {
		return origin == "https://app.example.com" || strings.HasPrefix(origin, "http://localhost")
	}
	for address, want := range map[string]bool{
		"https://app.example.com":                                        true,
		"https://app.example.com/":                                       true,
		"https://app.example.com/a%2Fb?c=d&e#f":                          true,
		"http://localhost:65535/":                                        true,
		"http://localhost:65536/":                                        false,
		"https://id.example.com/path":                                    true, // the issuer's
		"":                                                               false,
		"/account":                                                       false,
		"//app.example.com/":                                             false,
		`/\app.example.com`:                                              false,
		"http://app.example.com/":                                        false,
		"https://app.example.com:8443/":                                  false,
		"https://app.example.com.evil.example/":                          false,
		"https://evil.example/https://app.example.com/":                  false,
		"https://app.example.com@evil.example/":                          false,
		"https://app.example.com:x@evil.example/":                        false,
		"https://evil.example@app.example.com/":                          false,
		`https://evil.example\@app.example.com/`:                         false,
		`https:\\app.example.com`:                                        false,
		"https:app.example.com":                                          false,
		"https:///app.example.com":                                       false,
		"javascript:alert(1)//https://app.example.com":                   false,
		"javascript://app.example.com/%0aalert(1)":                       false,
		"data:text/html,https://app.example.com":                         false,
		" https://app.example.com/":                                      false,
		"https://app.example.com/\n":                                     false,
		"https://app.example.com/" + strings.Repeat("a", maxRedirectLen): false,
	} {
		if got := mayRedirect(allows, "https://id.example.com/issuer", address); got != want {
			t.Errorf("%q: %v, want %v", address, got, want)
		}
	}
}

// TestReadTheme: a file that cannot be a style stops the start, by the name of the variable.
func TestReadTheme(t *testing.T) {
	path := filepath.Join(t.TempDir(), "theme.css")
	for text, want := range map[string]string{
		":root { --accent: #0a7d4f }":     "",
		"/* é */ a { color: red }":        "",
		"":                                "is no CSS",
		"#0a7d4f":                         "is no CSS",
		"<style>a { color: red }</style>": "is no CSS",
		"a { color: \xff }":               "is no text",
		"a { \x00 }":                      "is no text",
		"a { color: red }" + strings.Repeat(" ", maxThemeLen): "bytes",
	} {
		testenv.Check(t, os.WriteFile(path, []byte(text), 0o600))
		c := &Config{Config: &config.Config{Theme: path}}
		err := c.readTheme()
		if want == "" && (err != nil || string(c.theme) != text) ||
			want != "" && (err == nil || c.theme != nil || !strings.HasPrefix(err.Error(), "GATEHOUSE_THEME: ") ||
				!strings.Contains(err.Error(), want)) {
			t.Errorf("%.40q: %v", text, err)
		}
	}
	missing := &Config{Config: &config.Config{Theme: path + ".not"}}
	if err := missing.readTheme(); err == nil || !strings.Contains(err.Error(), "GATEHOUSE_THEME") {
		t.Errorf("a file that is not there: %v", err)
	}
}

// TestPages_AreServedUnlessLinksLeadToOthers: an operator's own pages are then the only ones.
func TestPages_AreServedUnlessLinksLeadToOthers(t *testing.T) {
	for want, environment := range map[int][]string{
		http.StatusOK: nil, http.StatusNotFound: {"GATEHOUSE_ACCOUNT_URL=https://app.example.com/me/"},
	} {
		s := open(t, Options{}, environment...)
		for _, path := range []string{"/account", "/account/", "/account/verify", "/account/account.css", "/admin", "/admin/"} {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.Host = "127.0.0.1"
			answer := httptest.NewRecorder()
			s.Handler.ServeHTTP(answer, r)
			testenv.Equal(t, want, answer.Code, "%s with %q", path, environment)
		}
	}
}

// TestAnswerAsNobody_TakesNothingOfWhoAsks but where they are, with what, and in which language.
func TestAnswerAsNobody_TakesNothingOfWhoAsks(t *testing.T) {
	for token, want := range map[string]string{"": "", "T1": "Bearer T1"} {
		r := httptest.NewRequest(http.MethodPost, "/account/verify?token=secret", strings.NewReader("secret"))
		r.RemoteAddr, r.Host = "192.0.2.7:1", "id.example.com"
		for name, value := range map[string]string{
			"Cookie": "gatehouse_refresh=secret", "Authorization": "Bearer secret", "Origin": "https://secret.example",
			"User-Agent": "Lynx", "Accept-Language": "de",
		} {
			r.Header.Set(name, value)
		}
		var asked *http.Request
		answer := answerAsNobody(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked = r
			io.Copy(w, r.Body)
		}))(r, []byte(`{"query": "{ me { id } }"}`), token)
		testenv.Equal(t, `{"query": "{ me { id } }"}`, string(answer), "answer")
		testenv.Equal(t, want, asked.Header.Get("Authorization"), "Authorization")
		testenv.Equal(t, "192.0.2.7:1 id.example.com Lynx de", strings.Join([]string{
			asked.RemoteAddr, asked.Host, asked.UserAgent(), asked.Header.Get("Accept-Language")}, " "), "who asks")
		if strings.Contains(fmt.Sprint(asked.Header, asked.URL), "secret") {
			t.Errorf("sent on: %v %v", asked.URL, asked.Header)
		}
	}
}
