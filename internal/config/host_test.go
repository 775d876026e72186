package config

import "testing"

// TestIsOpsHost_BeyondLoopbackHasTheNamesOfServices, which cannot be registered; on loopback it has not.
func TestIsOpsHost_BeyondLoopbackHasTheNamesOfServices(t *testing.T) {
	for host, want := range map[string]struct{ beyond, loopback bool }{
		"evil.example:9090": {}, "internal.evil.example": {}, "cluster.local.evil.example": {}, "evilinternal.com": {},
		"gatehouse:9090": {beyond: true}, "gatehouse.shop.svc:9090": {beyond: true}, "metrics.internal": {beyond: true},
		"gatehouse.shop.svc.cluster.local.": {beyond: true},
		"10.1.2.3:9090":                     {true, true}, "[fd00::7]:9090": {true, true}, "127.0.0.1": {true, true},
		"localhost:9090": {true, true}, "id.example.org": {true, true}, "": {true, true},
	} {
		for addr, want := range map[string]bool{"0.0.0.0:9090": want.beyond, ":9090": want.beyond,
			"127.0.0.1:9090": want.loopback} {
			c := &Config{OpsAddr: addr, Addr: "127.0.0.1:8080", Issuer: "https://id.example.org"}
			if got := c.IsOpsHost(host); got != want {
				t.Errorf("%q on %s: %v, want %v", host, addr, got, want)
			}
		}
	}
}
