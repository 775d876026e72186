package server

import (
	"testing"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestProxyWarnings_OfWhatIsForLoopback: none without a proxy, and none with the defaults.
func TestProxyWarnings_OfWhatIsForLoopback(t *testing.T) {
	warnings := func(environment ...string) int {
		c, err := ReadConfig(append(environment, "GATEHOUSE_SECRET=one secret of a test, of 32 bytes or more"))
		testenv.Check(t, err)
		return len(c.proxyWarnings())
	}
	for issuer, want := range map[string]int{"": 0, "http://localhost:8080": 0, "https://id.example.org": 2} {
		got := warnings("GATEHOUSE_ISSUER="+issuer, "GATEHOUSE_THROTTLE=off", "GATEHOUSE_ARGON2=m=8,t=1,p=1")
		testenv.Equal(t, want, got, "warnings with issuer %q", issuer)
	}
	testenv.Equal(t, 0, warnings("GATEHOUSE_ISSUER=https://id.example.org"), "with the defaults")
}
