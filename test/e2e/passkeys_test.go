package e2e

import (
	"testing"

	"github.com/gatehouse/gatehouse/internal/servertest"
)

// TestPasskeys_InABrowser, with Chromium's virtual authenticator and a page of another port, by a server with nothing
// configured: they are made, used without an address, by conditional mediation, as a second factor and to prove the user
// again, and removed; a copy, a page that is not allowed and a user who is not verified are refused.
func TestPasskeys_InABrowser(t *testing.T) {
	t.Parallel()
	needBrowser(t)
	s := servertest.Start(t)
	strict := servertest.Start(t, "GATEHOUSE_ALLOWED_ORIGINS=http://localhost:1")
	t.Log(servertest.Execute(t, ".", "node", "web/test/passkeys.mjs", s.URL+"/", strict.URL+"/"))
}
