package e2e

import (
	"os"
	"testing"

	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/web"
)

// TestPlayground_RegistersLogsInAndAsksMe drives a real browser. Its screenshots are in .artifacts/. TEST_LONG=pages has
// each screen.
func TestPlayground_RegistersLogsInAndAsksMe(t *testing.T) {
	t.Parallel()
	if !web.Built() {
		testenv.Missing(t, "the Playground's page", "run make playground")
	}
	needBrowser(t)
	s := servertest.Start(t)
	servertest.Execute(t, ".", "node", onScreens("web/test/playground.mjs", s.URL+"/", ".artifacts/playground.png")...)
}

func TestAccessPage_IsFilteredByPersonaAndFitsAPhone(t *testing.T) {
	t.Parallel()
	needBrowser(t)
	s := servertest.Start(t)
	servertest.Execute(t, ".", "node", "web/test/access.mjs", s.URL+"/access", ".artifacts/access.png")
}

func needBrowser(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a browser, whose requests are as those of other tests")
	}
	servertest.NeedProgram(t, "node", "install Node.js 20 or newer")
	if _, err := os.Stat("/usr/bin/chromium"); err != nil && os.Getenv("CHROMIUM") == "" {
		testenv.Missing(t, "Chromium", "apt-get install chromium, or name a browser in CHROMIUM")
	}
	for _, name := range []string{"playwright-core", "axe-core"} {
		if _, err := os.Stat("web/node_modules/" + name); err != nil {
			testenv.Missing(t, name, "run make playground")
		}
	}
	servertest.Check(t, os.MkdirAll(".artifacts", 0o755))
}
