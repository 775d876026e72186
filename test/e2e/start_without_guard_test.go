package e2e

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
)

// TestStart_WithoutTheGuardIsRefused builds the program without its guard, as a careless change could, and starts it.
func TestStart_WithoutTheGuardIsRefused(t *testing.T) {
	t.Parallel()
	const guarded = "[]graphql.HandlerExtension{s.guard}"
	text := servertest.ReadFile(t, "internal/server/server.go")
	if strings.Count(text, guarded) != 1 {
		t.Fatalf("server.go does not have %q once", guarded)
	}
	file, err := filepath.Abs("internal/server/server.go")
	servertest.Check(t, err)
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{
		file: servertest.WriteFile(t, strings.Replace(text, guarded, "[]graphql.HandlerExtension{}", 1)),
	}})
	servertest.Check(t, err)
	program := servertest.Build(t, ".", "-overlay="+servertest.WriteFile(t, string(overlay)))
	ctx, cancel := context.WithTimeout(t.Context(), servertest.HangGuard) // it serves until then if nothing refuses it
	defer cancel()
	start := exec.CommandContext(ctx, program)
	start.Env = append(os.Environ(), "GATEHOUSE_DATABASE_URL="+dbtest.SQLite(t), "GATEHOUSE_ADDR=127.0.0.1:0")
	said, err := start.CombinedOutput()
	if err == nil || !strings.Contains(string(said), "authorization is not enforced") {
		t.Errorf("it ends with %v:\n%s", err, said)
	}
}
