//go:build !unix

package httpserver

import (
	"net"
	"net/http"
)

// limitConnections limits nothing: there is no limit of open files to derive one from.
func limitConnections(_ *http.Server, l net.Listener) net.Listener { return l }
