package e2e

import (
	"net/http"
	"testing"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
)

// TestHost_OfOthersIsRefusedOnLoopback: a page whose own name was made to resolve to this machine (DNS rebinding)
// counts for its browser as the server's, on both listeners and each of their routes. It sends its name as Host. Names that
// cannot be registered pass: proxies send those of their configuration, and clusters those of services.
func TestHost_OfOthersIsRefusedOnLoopback(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+dbtest.SQLite(t), "GATEHOUSE_OPS_ADDR=127.0.0.1:0", servertest.Profiles,
		"GATEHOUSE_ISSUER=https://Id.example.org", "GATEHOUSE_ALLOWED_ORIGINS=https://app.example.com:8443",
		"GATEHOUSE_PLAYGROUND=on")
	routes := []string{"/", "/graphql?query={__typename}", "/schema.graphql", "/access", "/healthz", "/readyz",
		"/.well-known/jwks.json", "/nothing", s.Ops + "/metrics", s.Ops + "/debug/pprof/", s.Ops + "/nothing"}
	for _, host := range []string{"evil.example", "evil.example:8080", "localhost.evil.example",
		"127.0.0.1.evil.example", "127.0.0.1evil", "id.example.org.evil.example", "xn--e1afmkfd.example", "internal.evil.example",
		"evilinternal.com", "cluster.local.evil.example", "notcluster.local", "evil%2elocalhost", "2130706433",
		"0x7f.1", "localhost:x"} {
		for _, path := range routes {
			a := s.Get(path, "Host", host)
			if a.Status != http.StatusMisdirectedRequest || !a.Has("GATEHOUSE_ISSUER") {
				t.Errorf("%s for %s: %v, want 421 with a sentence that says how to mend it", path, host, a)
			}
		}
	}
	for _, host := range []string{"localhost", "localhost:8080", "LOCALHOST", "localhost.", "app.localhost", "127.0.0.1",
		"127.0.0.1:8080", "[::1]", "[::1]:8080", "192.0.2.7:8080", "id.example.org",
		"ID.example.org:443", "app.example.com", "gatehouse:9090",
		"gatehouse.shop.svc:9090", "gatehouse.shop.svc.cluster.local.", "host.docker.internal:8080"} {
		for _, path := range routes {
			if a := s.Get(path, "Host", host); a.Status != s.Get(path).Status {
				t.Errorf("%s for %s: %v", path, host, a)
			}
		}
	}
}
