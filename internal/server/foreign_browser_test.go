package server

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestForeignPages_InABrowser: what pages of another site, and of another port of the same, do to each route of the table
// that is not the API, and to the API with a user's cookie. TEST_LONG=pages has them open each page, not one of a kind.
func TestForeignPages_InABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	for path, hint := range map[string]string{
		"/usr/bin/chromium": "apt-get install chromium", "../../web/node_modules/playwright-core": "run make playground",
	} {
		if _, err := os.Stat(path); err != nil {
			testenv.Missing(t, path, hint)
		}
	}
	empty := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, `<!doctype html><title>a page</title><link rel="icon" href="data:,"><body>`)
	})
	atLocalhost := func(s *httptest.Server) string { return strings.Replace(s.URL, "127.0.0.1", "localhost", 1) }
	app, neighbour, served := httptest.NewServer(empty), httptest.NewServer(empty), httptest.NewUnstartedServer(nil)
	defer app.Close()
	defer neighbour.Close()
	issuer := "http://localhost:" + strconv.Itoa(served.Listener.Addr().(*net.TCPAddr).Port)
	s := open(t, Options{}, revocationsToken, "GATEHOUSE_ISSUER="+issuer, "GATEHOUSE_ALLOWED_ORIGINS="+atLocalhost(app))
	served.Config.Handler = s.Handler
	served.Start()
	defer served.Close()
	var paths []string
	for _, r := range s.table {
		if r.who != byRules && !slices.Contains(paths, r.path()) {
			paths = append(paths, r.path())
		}
	}
	args := []string{"../../web/test/foreign.mjs", issuer, atLocalhost(app), atLocalhost(neighbour), strings.Join(paths, ",")}
	if testenv.Long("pages") {
		args = append(args, "all")
	}
	command := exec.CommandContext(t.Context(), "node", args...)
	if out, err := command.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
