package cli

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestCommands_WaitForABusyFile: while others write to the SQLite file for longer than a request would wait, each command
// that wants its lock waits, and the others do not.
func TestCommands_WaitForABusyFile(t *testing.T) {
	t.Parallel()
	const held = 6 * time.Second
	waiting := map[string][]string{
		"admin create": {"eve@example.com"}, "admin promote": {"root@example.com"}, "admin reset": {"ann@example.com"},
		"sessions end": {"--all"}, "mail retry": {"--all"}, "keys rotate": nil, "secret rotate": nil,
		"keys list": nil, "audit export": nil, // they look after the signing keys
	}
	reading := []string{"migrate", "migrate status", "database check", "mail list"}
	others := strings.Fields("serve health hash version config access admin audit database keys mail secret sessions")
	others = append(others, "access scopes", "mail test", "audit verify") // which wants a seal of a server
	url := dbtest.SQLite(t)
	run := func(path string, args ...string) (code int, said string) {
		var out strings.Builder
		return Run(t.Context(), Process{
			Args:  append(strings.Fields(path), args...),
			Env:   []string{"GATEHOUSE_DATABASE_URL=" + url, "GATEHOUSE_SECRET=" + strings.Repeat("secret", 8)},
			Stdin: strings.NewReader("correct horse battery"), Stdout: &out, Stderr: &out,
		}), out.String()
	}
	for _, email := range []string{"root@example.com", "ann@example.com"} {
		if code, said := run("admin create", email); code != ExitDone {
			t.Fatal(said)
		}
	}
	lock, err := dbtest.OpenRaw(t, url).BeginTx(t.Context(), nil)
	testenv.Check(t, err)
	var readers, waiters sync.WaitGroup
	began := time.Now()
	for _, path := range leaves(commands(Process{})) {
		args, waits := waiting[path]
		group := &waiters
		switch {
		case slices.Contains(reading, path):
			group = &readers
		case slices.Contains(others, path):
			continue
		case !waits:
			t.Errorf("%q: say here whether it writes", path)
		}
		group.Go(func() {
			code, said := run(path, args...)
			if took := time.Since(began); code != ExitDone || waits && took < held {
				t.Errorf("%s: exit code %d after %v: %s", path, code, took, said)
			}
		})
	}
	readers.Wait() // while the lock is held, however slow the machine is
	time.Sleep(time.Until(began.Add(held)))
	testenv.Check(t, lock.Rollback())
	waiters.Wait()
}

// leaves are the paths of the commands that run something.
func leaves(c *cobra.Command) (paths []string) {
	for _, sub := range c.Commands() {
		paths = append(paths, leaves(sub)...)
	}
	if c.RunE != nil && c.HasParent() {
		paths = append(paths, strings.TrimPrefix(c.CommandPath(), "gatehouse "))
	}
	return paths
}
