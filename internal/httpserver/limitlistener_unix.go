//go:build unix

package httpserver

import (
	"net"
	"syscall"

	"golang.org/x/net/netutil"
)

// LimitConnections leaves half of the files that this process may have open to the database, so that no number of clients takes its
// connections away. Clients beyond the other half wait until one goes; the silent among them go after five seconds.
func LimitConnections(l net.Listener) net.Listener {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return l
	}
	return netutil.LimitListener(l, int(min(uint64(files.Cur)/2, 1<<30)))
}
