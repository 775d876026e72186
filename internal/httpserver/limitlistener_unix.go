//go:build unix

package httpserver

import (
	"net"
	"syscall"

	"golang.org/x/net/netutil"
)

// limitConnections accepts at most half as many connections as this process may have open files. The other half is
// left to the database, so that no number of clients takes its connections away. Further clients wait in the
// listener's queue until a connection closes; connections that send nothing are closed after ReadHeaderTimeout.
func limitConnections(l net.Listener) net.Listener {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return l
	}
	return netutil.LimitListener(l, int(min(uint64(files.Cur)/2, 1<<30)))
}
