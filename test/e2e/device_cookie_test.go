package e2e

import (
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
)

// TestDeviceCookie_LetsTheOwnerInWhileNeighboursGuess: the browser that signed in before is known by its cookie, which
// no script can read and which no page may use that may not use the other one.
func TestDeviceCookie_LetsTheOwnerInWhileNeighboursGuess(t *testing.T) {
	s := startBehindProxy(t, dbtest.SQLite(t))
	owner := newAttacker(t, s) // whose account it is, here
	login := withInput(signIn(owner.email, servertest.Password), "cookie: true")
	first := owner.ask(login)
	set := first.Header.Values("Set-Cookie")
	if len(set) != 2 || !regexp.MustCompile(`^gatehouse_device=[\w-]{70,}; Path=/; Max-Age=7776000; HttpOnly; SameSite=Strict$`).
		MatchString(set[1]) {
		t.Fatalf("cookies: %q", set)
	}
	withDevice := func(device string) string {
		return withInput(signIn(owner.email, servertest.Password), "device: "+servertest.JSON(device))
	}
	owner.guess()
	for name, c := range map[string]struct {
		query  string
		cookie string
		code   string
	}{
		"with the cookie":           {login, first.cookie(1), ""},
		"with both cookies":         {login, first.cookie(0) + "; " + first.cookie(1), ""},
		"without it":                {login, "theme=dark", "RATE_LIMITED"},
		"without cookie: true":      {signIn(owner.email, servertest.Password), first.cookie(1), "RATE_LIMITED"},
		"with two of them":          {login, first.cookie(1) + "; " + first.cookie(1), "RATE_LIMITED"},
		"with another text":         {login, "gatehouse_device=x", "RATE_LIMITED"},
		"with a changed one":        {login, strings.ToLower(first.cookie(1)), "RATE_LIMITED"},
		"with the refresh token":    {login, "gatehouse_device=" + owner.refresh, "RATE_LIMITED"},
		"with another's":            {login, newAttacker(t, s).deviceCookie, "RATE_LIMITED"},
		"with the empty one":        {login, "gatehouse_device=", "RATE_LIMITED"},
		"with the one of register":  {withDevice(owner.device), "", ""},
		"with it in front of dirt":  {withDevice(owner.device + "AAAA"), "", ""},
		"with 10,000 letters of it": {withDevice(strings.Repeat(owner.device, 130)), "", "RATE_LIMITED"},
	} {
		if a := owner.ask(c.query, "Cookie", c.cookie); a.Code() != c.code {
			t.Errorf("%s: %v, want %q", name, a, c.code)
		}
	}
}
