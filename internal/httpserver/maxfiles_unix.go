//go:build unix

package httpserver

import (
	"math"
	"syscall"
)

// maxFiles is how many files this process may have open.
func maxFiles() int {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return math.MaxInt
	}
	return int(min(uint64(files.Cur), math.MaxInt))
}
