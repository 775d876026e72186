package main

import (
	"path/filepath"
	"testing"

	"github.com/gatehouse/gatehouse/internal/database/dbtest"
)

// TestTypeScriptClientWalksThroughASession builds the example as its README says and runs it against a server.
func TestTypeScriptClientWalksThroughASession(t *testing.T) {
	need(t, "npm", "install Node.js 20 or newer")
	folder := "examples/typescript"
	execute(t, folder, "npm", "ci", "--no-audit", "--no-fund")
	execute(t, folder, "npm", "run", "generate")
	execute(t, folder, "npm", "run", "check")
	s := start(t, "GATEHOUSE_DATABASE_URL=sqlite:"+filepath.Join(t.TempDir(), "gatehouse.db"))
	execute(t, folder, "npm", "start", "--", s.URL+"/graphql")
}

func TestGoClientWalksThroughASession(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, url string) {
		s := start(t, "GATEHOUSE_DATABASE_URL="+url)
		execute(t, "examples/go", "go", "run", ".", s.URL+"/graphql")
	})
}
