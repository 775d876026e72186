package server

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// directOnly serves requests that a client of this machine sent itself, by a name of this machine. What a proxy passes on
// is refused: its clients may be anybody. Proxies name their client in a header, or send the host that the client asked
// for; one that does neither speaks HTTP/1.0, as nginx does where it is not told otherwise.
func directOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isDirect(r) {
			http.Error(w, "This page is for the machine that the server runs on: open it there, at localhost, without a proxy.",
				http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func isDirect(r *http.Request) bool {
	for name := range r.Header {
		switch name {
		case "Forwarded", "Via", "X-Real-Ip", "True-Client-Ip", "Cf-Connecting-Ip":
			return false
		}
		if strings.HasPrefix(name, "X-Forwarded-") {
			return false
		}
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && peer.Addr().Unmap().IsLoopback() && namesLoopback(r.Host) && r.ProtoAtLeast(1, 1)
}

// namesLoopback reports whether a Host header is localhost or a loopback address.
func namesLoopback(header string) bool {
	host, _, err := net.SplitHostPort(header)
	if err != nil {
		host = strings.Trim(header, "[]")
	}
	address, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && address.Unmap().IsLoopback()
}
