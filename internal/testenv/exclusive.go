package testenv

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Exclusive waits until no other test binary of this user on this machine holds the lock, and takes it: `go test ./...`
// runs packages side by side, and those that bound times or load the processors would disturb each other. The lock ends
// with the process, or by unlock. Call it in TestMain, where waiting counts in no test's time.
func Exclusive() (unlock func(), err error) {
	path := filepath.Join(os.TempDir(), fmt.Sprintf("gatehouse-exclusive-%d.lock", os.Getuid()))
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the lock of tests that run alone: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, fmt.Errorf("waiting for the tests that run alone: %w", err)
	}
	return func() { f.Close() }, nil
}
