//go:build unix

package httpserver

import (
	"net"
	"net/http"
	"syscall"
)

// limitConnections accepts at most half as many connections as this process may have open files. The other half is
// left to the database, so that no number of clients takes its connections away. Connections that send nothing are
// closed after headerTimeout, and idle ones after as long when a client waits for a place.
func limitConnections(server *http.Server, l net.Listener) net.Listener {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return l
	}
	limited := newLimitListener(l, int(min(uint64(files.Cur)/2, 1<<20)), headerTimeout)
	server.ConnState = limited.onState
	return limited
}
