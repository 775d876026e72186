package e2e

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/gatehouse/gatehouse/internal/servertest"
)

// TestClientKit_InABrowser: from a page of another origin, by itself and by Apollo Client, urql and Relay, the kit keeps
// a session in two tabs: through refused tokens, reloads, a network and a database that are away, step-up, and its end
// in another tab and on another device.
func TestClientKit_InABrowser(t *testing.T) {
	t.Parallel()
	needBrowser(t)
	needKit(t)
	installPackages(t, "test/e2e/clients/graphql16")
	servertest.Execute(t, kit, "npx", "tsc", "-p", "recipes")
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	s := servertest.Start(t, "GATEHOUSE_DATABASE_URL=sqlite:"+path, "GATEHOUSE_THROTTLE=account=2")
	db := servertest.OpenDB(t, "sqlite:"+path)
	build := t.TempDir()
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServer(http.Dir(filepath.Join(build, "page"))))
	for name, control := range map[string]func() error{
		"age": func() error { // beneath a server that has cached no session
			s.Stop()
			defer s.Restart()
			_, err := db.Exec("UPDATE sessions SET authenticated_at = '2026-01-01 00:00:00+00:00'")
			return err
		},
		"away": func() error { return os.Rename(path, path+".away") },
		"back": func() error { return os.Rename(path+".away", path) },
	} {
		mux.HandleFunc("/control/"+name, func(w http.ResponseWriter, _ *http.Request) {
			if err := control(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	page := httptest.NewServer(mux)
	defer page.Close()
	t.Log(servertest.Execute(t, ".", "node", "test/e2e/clients/kit/flows.mjs", page.URL, s.URL+"/graphql",
		page.URL+"/control", build))
}
