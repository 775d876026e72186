package server

import (
	"net/http"
	"strings"
	"sync/atomic"
)

// ownHosts refuses requests for hosts that are not the server's. A browser counts a page as the server's own when the
// page's name was made to resolve to the server's address (DNS rebinding), and lets it read every response; but it
// sends that name as Host. The last host that was the server's is not parsed again.
func ownHosts(isOwn func(host string) bool, next http.Handler) http.Handler {
	var last atomic.Pointer[string]
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if known := last.Load(); known == nil || *known != r.Host {
			if !isOwn(r.Host) {
				http.Error(w, "This listener answers for localhost, IP addresses, names without a dot, and the hosts of "+
					"GATEHOUSE_ISSUER and GATEHOUSE_ALLOWED_ORIGINS. Use one of these in the address, or have the proxy send one "+
					"as Host.", http.StatusMisdirectedRequest)
				return
			}
			host := strings.Clone(r.Host) // the rest of the header is not kept
			last.Store(&host)
		}
		next.ServeHTTP(w, r)
	})
}
