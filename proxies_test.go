package main

import (
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/dbtest"
)

// TestAUsersAddressIsSaidByTrustedProxiesOnly: the test is the peer, at 127.0.0.1.
func TestAUsersAddressIsSaidByTrustedProxiesOnly(t *testing.T) {
	const register = `mutation { register(input: {email: "ann@example.com", password: "correct horse battery"}) { user { sessions { ip } } } }`
	for proxies, want := range map[string]string{
		"":                       "127.0.0.1",
		"198.51.100.0/24":        "127.0.0.1",
		"127.0.0.1":              "198.51.100.8",
		"127.0.0.0/8":            "198.51.100.8",
		"::1,127.0.0.1":          "198.51.100.8",
		"127.0.0.1,198.51.100.8": "203.0.113.9",
	} {
		s := start(t, "GATEHOUSE_DATABASE_URL="+dbtest.SQLite(t), "GATEHOUSE_TRUSTED_PROXIES="+proxies)
		if _, body := post(t, s.URL, register, "X-Forwarded-For", "203.0.113.9, 198.51.100.8"); !strings.Contains(body, `"ip":"`+want+`"`) {
			t.Errorf("GATEHOUSE_TRUSTED_PROXIES=%s: %s, want %s", proxies, body, want)
		}
	}
}
