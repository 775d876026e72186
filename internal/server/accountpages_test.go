package server

import (
	"strings"
	"testing"
)

// TestMayRedirect: only to pages of the issuer's origin and of those that may use the cookie, however an address is
// written.
func TestMayRedirect(t *testing.T) {
	allows := func(origin string) bool { return origin == "https://app.example.com" }
	for address, want := range map[string]bool{
		"https://app.example.com":                                        true,
		"https://app.example.com/":                                       true,
		"https://app.example.com/a%2Fb?c=d&e#f":                          true,
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
