package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
)

// TestTypeScriptExample_WalksThroughASession builds the example as its README says, and runs it: as a program, and as a
// page in a real browser, whose screenshot is in .artifacts/.
func TestTypeScriptExample_WalksThroughASession(t *testing.T) {
	t.Parallel()
	folder := "examples/typescript"
	needKit(t) // of which it is built
	installPackages(t, folder)
	servertest.Execute(t, folder, "npm", "run", "generate")
	servertest.Execute(t, folder, "npm", "run", "build")
	t.Run("as a program", func(t *testing.T) {
		s := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+dbtest.SQLite(t))
		servertest.Execute(t, folder, "npm", "start", "--", s.URL+"/graphql")
	})
	t.Run("as a page, by a cookie that no script can read", func(t *testing.T) {
		needBrowser(t)
		allowed, foreign := httptest.NewUnstartedServer(nil), httptest.NewUnstartedServer(nil)
		api := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+dbtest.SQLite(t),
			"GATEHOUSE_ALLOWED_ORIGINS=http://"+allowed.Listener.Addr().String()).URL + "/graphql"
		index := strings.Replace(servertest.ReadFile(t, folder+"/index.html"), "http://127.0.0.1:8080/graphql", api, 1)
		for _, server := range []*httptest.Server{allowed, foreign} {
			mux := http.NewServeMux()
			mux.Handle("/build/", http.FileServer(http.Dir(folder)))
			mux.Handle("/node_modules/@gatehouse/client/build/", http.FileServer(http.Dir(folder)))
			mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, index) })
			server.Config.Handler = mux
			server.Start()
			defer server.Close()
		}
		servertest.Execute(t, ".", "node", "web/test/cookie.mjs", allowed.URL, api, foreign.URL, ".artifacts/cookie.png")
	})
}

func TestGoExample_WalksThroughASession(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, url string) {
		s := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+url)
		servertest.Execute(t, "examples/go", "go", "run", ".", s.URL+"/graphql")
	})
}
