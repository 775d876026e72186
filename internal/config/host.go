package config

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// privateDomains are kept for private use: nobody can register a name below them.
var privateDomains = []string{".localhost", ".internal", ".svc", ".cluster.local"}

// IsOwnHost reports whether a Host header is one by which clients call this server: an IP address, a name that cannot
// be registered (one without a dot, such as localhost or the name of a service, or below a private domain), or the host
// of a listener, of the issuer or of an allowed origin. A client of HTTP/1.0 sends none.
func (c *Config) IsOwnHost(header string) bool {
	host := hostOf(header)
	private := func(domain string) bool { return strings.HasSuffix(host, domain) }
	_, err := netip.ParseAddr(host)
	return err == nil || !strings.Contains(host, ".") || slices.ContainsFunc(privateDomains, private) ||
		slices.Contains(c.ownHosts(), host)
}

func (c *Config) ownHosts() []string {
	hosts := []string{hostOf(c.Addr), hostOf(c.OpsAddr)}
	for _, address := range append([]string{c.Issuer}, c.Origins...) {
		if u, err := url.Parse(address); err == nil && u.Host != "" {
			hosts = append(hosts, hostOf(u.Host))
		}
	}
	return hosts
}

// hostOf returns the host of HOST or HOST:PORT, without brackets and the dot at the end.
func hostOf(text string) string {
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(text, "[]"), "."))
}
