package e2e

import (
	"testing"

	"github.com/gatehouse/gatehouse/internal/servertest"
)

// TestClientAddress_IsSaidByTrustedProxiesOnly: the test is the peer, at 127.0.0.1.
func TestClientAddress_IsSaidByTrustedProxiesOnly(t *testing.T) {
	t.Parallel()
	const register = `mutation { register(input: {email: "ann@example.com", password: "correct horse battery"}) { user { sessions { ip } } } }`
	for proxies, want := range map[string]string{
		"":                       "127.0.0.1",
		"198.51.100.0/24":        "127.0.0.1",
		"127.0.0.1":              "198.51.100.8",
		"127.0.0.0/8":            "198.51.100.8",
		"::1,127.0.0.1":          "198.51.100.8",
		"127.0.0.1,198.51.100.8": "203.0.113.9",
	} {
		s := servertest.Start(t, "GATEHOUSE_TRUSTED_PROXIES="+proxies)
		if a := s.Ask("", register, "X-Forwarded-For", "203.0.113.9, 198.51.100.8"); !a.Has(`"ip":"` + want + `"`) {
			t.Errorf("GATEHOUSE_TRUSTED_PROXIES=%s: %v, want %s", proxies, a, want)
		}
	}
}
