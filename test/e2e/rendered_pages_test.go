package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// renderer serves a page at the host and the port of its arguments, with the function that docs/clients.md has.
const renderer = `
import { createServer } from 'node:http';
createServer(async (request, response) => {
  const session = await refresh(request, response);
  response.end(session ? 'Signed in as ' + session.user.email + ' <' + session.accessToken + '>' : 'Not signed in');
}).listen(Number(process.argv[3]), process.argv[2]);
`

// startRenderer runs the recipe of docs/clients.md, changed by replace, for pages of an origin on loopback.
func startRenderer(t *testing.T, origin, api string, replace ...string) *servertest.Client {
	t.Helper()
	_, section, _ := strings.Cut(servertest.ReadFile(t, "docs/clients.md"), "## Browsers\n")
	recipe := servertest.Between(t, section, "```js\n", "```")
	program := filepath.Join(t.TempDir(), "renderer.mjs")
	text := strings.NewReplacer(replace...).Replace(recipe) + renderer
	servertest.Check(t, os.WriteFile(program, []byte(text), 0o600))
	address := servertest.FreeAddress(t)
	host, port, _ := strings.Cut(address, ":")
	testenv.Start(t, "install Node.js 20 or newer", "env", "GATEHOUSE_URL="+api+"/graphql", "PAGE_ORIGIN="+origin,
		"node", program, host, port)
	client := servertest.NewClient(t, "http://"+address)
	servertest.Eventually(t, "the renderer answers", servertest.HangGuard, func() bool {
		return client.Do(servertest.Request{Method: "GET", Path: "/"}).Err == nil
	})
	return client
}

// TestRenderedPages_AreSignedInByTheBrowsersCookie follows a browser through pages of a server that uses the recipe of
// docs/clients.md: each page is the user's, replaces the cookie, and is written down as the browser's.
func TestRenderedPages_AreSignedInByTheBrowsersCookie(t *testing.T) {
	t.Parallel()
	servertest.NeedProgram(t, "node", "install Node.js 20 or newer")
	const origin = "http://127.0.0.1:3000"
	api := servertest.Start(t, "GATEHOUSE_ALLOWED_ORIGINS="+origin, "GATEHOUSE_TRUSTED_PROXIES=127.0.0.0/8")
	cookieOf := func(a servertest.Answer) string {
		cookie, _, _ := strings.Cut(a.Header.Get("Set-Cookie"), ";")
		return cookie
	}
	first := cookieOf(api.Ask("", annRegisters, "Origin", origin))
	pages := startRenderer(t, origin, api.URL)
	load := func(cookie string) servertest.Answer {
		return pages.Get("/", "Cookie", "theme=dark; "+cookie, "User-Agent", "Browser/1", "X-Forwarded-For", "203.0.113.7")
	}
	signedIn := func(a servertest.Answer) bool { return a.Has("Signed in as ann@example.com") }

	if a := pages.Get("/"); !a.Has("Not signed in") || a.Header.Get("Set-Cookie") != "" {
		t.Errorf("without a cookie: %v", a)
	}
	one, other := load(first), load(first)
	if !signedIn(one) || !signedIn(other) || cookieOf(one) == first || cookieOf(one) != cookieOf(other) {
		t.Errorf("two pages that load at once: %v, %v, %v", one, other, one.Header)
	}
	next := load(cookieOf(one))
	if !signedIn(next) || cookieOf(next) == cookieOf(one) || next.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the next page: %v, %v", next, next.Header)
	}
	token := servertest.Between(t, next.Body, "<", ">")
	if a := api.Must(token, "{ me { sessions { ip userAgent } } }"); !a.Has(`{"ip":"203.0.113.7","userAgent":"Browser/1"}`) {
		t.Errorf("the session is written down as %v", a)
	}
	silent := startRenderer(t, origin, api.URL, "origin: process.env.PAGE_ORIGIN,", "")
	if a := silent.Get("/", "Cookie", cookieOf(next)); signedIn(a) {
		t.Errorf("a renderer that does not say the page's origin: %v", a)
	}
	if a := load(cookieOf(next)); !signedIn(a) {
		t.Errorf("after it: %v", a)
	}
	api.Logout(token)
	if a := load(cookieOf(next)); signedIn(a) {
		t.Errorf("after the logout: %v", a)
	}
}
