package testenv

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Stop stops a process by SIGSTOP, and returns when it has stopped. A thread without a processor takes note of a signal
// when it gets one, which a process of low priority waits for on a busy machine, and its other threads run on.
func Stop(t testing.TB, pid int) {
	t.Helper()
	Check(t, syscall.Kill(pid, syscall.SIGSTOP))
	Eventually(t, "the process has stopped", HangGuard, func() bool {
		threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid)) // none but on Linux
		for _, path := range threads {
			stat, _ := os.ReadFile(path)
			if _, rest, _ := strings.Cut(string(stat), ") "); rest != "" && strings.ContainsAny(rest[:1], "RSDI") {
				return false
			}
		}
		return true
	})
}
