//go:build !unix

package httpserver

import "net"

// LimitConnections returns the listener as it is.
func LimitConnections(l net.Listener) net.Listener { return l } // there is no such limit
