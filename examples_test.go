package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/dbtest"
)

// TestTypeScriptClientWalksThroughASession builds the example as its README says, and runs it: as a program, and as a
// page in a real browser, whose screenshot is kept in .artifacts/.
func TestTypeScriptClientWalksThroughASession(t *testing.T) {
	need(t, "npm", "install Node.js 20 or newer")
	folder := "examples/typescript"
	execute(t, folder, "npm", "ci", "--no-audit", "--no-fund")
	execute(t, folder, "npm", "run", "generate")
	execute(t, folder, "npm", "run", "build")
	t.Run("as a program", func(t *testing.T) {
		s := start(t, "GATEHOUSE_DATABASE_URL=sqlite:"+filepath.Join(t.TempDir(), "gatehouse.db"))
		execute(t, folder, "npm", "start", "--", s.URL+"/graphql")
	})
	t.Run("as a page, by a cookie that no script can read", func(t *testing.T) {
		needBrowser(t)
		allowed, foreign := httptest.NewUnstartedServer(nil), httptest.NewUnstartedServer(nil)
		api := start(t, "GATEHOUSE_DATABASE_URL="+dbtest.SQLite(t), "GATEHOUSE_ALLOWED_ORIGINS=http://"+allowed.Listener.Addr().String()).URL + "/graphql"
		index := strings.Replace(read(t, folder+"/index.html"), "http://127.0.0.1:8080/graphql", api, 1)
		for _, server := range []*httptest.Server{allowed, foreign} {
			mux := http.NewServeMux()
			mux.Handle("/build/", http.FileServer(http.Dir(folder)))
			mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, index) })
			server.Config.Handler = mux
			server.Start()
			defer server.Close()
		}
		execute(t, ".", "node", "web/test/cookie.mjs", allowed.URL, api, foreign.URL, ".artifacts/cookie.png")
	})
}

func TestGoClientWalksThroughASession(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, url string) {
		s := start(t, "GATEHOUSE_DATABASE_URL="+url)
		execute(t, "examples/go", "go", "run", ".", s.URL+"/graphql")
	})
}
