package servertest

import (
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"testing"
)

// builds are the programs that this test binary has built, by their arguments.
var builds = struct {
	mu    sync.Mutex
	paths map[string]string
}{paths: map[string]string{}}

// Build compiles a program of this module, "." for the server, once for all tests of a folder, and returns its path. The
// server of TEST_PROGRAM, which make test has built, is taken as it is.
func Build(t testing.TB, pkg string, flags ...string) (path string) {
	t.Helper()
	if built := os.Getenv("TEST_PROGRAM"); built != "" && pkg == "." && len(flags) == 0 && !raceDetector() {
		return built
	}
	key := pkg + "\x00" + filepath.Join(flags...)
	builds.mu.Lock()
	defer builds.mu.Unlock()
	if path := builds.paths[key]; path != "" {
		return path
	}
	folder, err := os.MkdirTemp("", "gatehouse-build-")
	Check(t, err)
	path = filepath.Join(folder, "program")
	args := append([]string{"build", "-ldflags=-s -w", "-o", path}, flags...)
	if raceDetector() {
		args = append(args, "-race")
	}
	Execute(t, ".", "go", append(args, pkg)...)
	builds.paths[key] = path
	return path
}

// raceDetector reports whether this test binary was built with it; its children then are too.
func raceDetector() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

func removeBuilds() {
	for _, path := range builds.paths {
		os.RemoveAll(filepath.Dir(path))
	}
}
