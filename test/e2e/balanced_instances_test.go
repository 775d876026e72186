package e2e

import (
	"testing"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
)

// TestInstances_ThreeBehindAProxyAreOneService: three instances on one Postgres, and a balancer before them, as in
// deploy/docker-compose.scale.yml with containers.
func TestInstances_ThreeBehindAProxyAreOneService(t *testing.T) {
	environment := []string{servertest.Secret, servertest.Issuer, "GATEHOUSE_TRUSTED_PROXIES=127.0.0.1",
		"GATEHOUSE_DATABASE_URL=" + dbtest.Postgres(t)}
	var instances [3]*servertest.Process
	for i := range instances {
		instances[i] = servertest.Start(t, environment...)
	}
	front := servertest.NewBalancer(t, instances[0].Client, instances[1].Client, instances[2].Client)

	token := instances[0].Register().Access
	instances[1].Must(token, servertest.Me)
	instances[2].Logout(token)
	for _, s := range instances {
		servertest.Eventually(t, "it is refused everywhere", servertest.HangGuard, func() bool {
			return s.Ask(token, servertest.Me).Has("revoked")
		})
	}

	token = instances[0].Register().Access
	instances[0].Stop()
	servertest.Eventually(t, "the balancer turns away", servertest.HangGuard, func() bool { return !front.Uses(0) })
	for range 6 {
		front.Must(token, servertest.Me)
	}
	front.Logout(token)
}
