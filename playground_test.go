package main

import (
	"os"
	"os/exec"
	"testing"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/web"
)

// TestPlaygroundRegistersLogsInAndAsksMe drives a real browser. Its screenshots are kept in .artifacts/.
func TestPlaygroundRegistersLogsInAndAsksMe(t *testing.T) {
	if !web.Built() {
		testenv.Missing(t, "the Playground's page", "run make playground")
	}
	s := startForBrowser(t)
	execute(t, ".", "node", "web/test/playground.mjs", s.URL+"/", ".artifacts/playground.png")
}

func TestAccessPageIsFilteredByPersonaAndFitsAPhone(t *testing.T) {
	s := startForBrowser(t)
	execute(t, ".", "node", "web/test/access.mjs", s.URL+"/access", ".artifacts/access.png")
}

// startForBrowser starts a server, when there is a browser to look at it.
func startForBrowser(t *testing.T) *instance {
	t.Helper()
	needBrowser(t)
	return start(t, "GATEHOUSE_DATABASE_URL="+dbtest.SQLite(t))
}

func needBrowser(t *testing.T) {
	t.Helper()
	need(t, "node", "install Node.js 20 or newer")
	if _, err := os.Stat("/usr/bin/chromium"); err != nil && os.Getenv("CHROMIUM") == "" {
		testenv.Missing(t, "Chromium", "apt-get install chromium, or name a browser in CHROMIUM")
	}
	if _, err := os.Stat("web/node_modules/playwright-core"); err != nil {
		testenv.Missing(t, "playwright-core", "run make playground")
	}
	if err := os.MkdirAll(".artifacts", 0o755); err != nil {
		t.Fatal(err)
	}
}

// need skips a test whose program is not on the machine.
func need(t *testing.T, program, hint string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		testenv.Missing(t, program, hint)
	}
}

// execute runs a program in a folder; it must succeed.
func execute(t *testing.T, folder, name string, args ...string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), name, args...)
	c.Dir = folder
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	t.Logf("%s", out)
}
