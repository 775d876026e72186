package config

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// IsOwnHost reports whether a Host header is one by which this machine's clients call the server: localhost, an IP
// address, or the host of the listener, of the issuer or of an allowed origin. A client of HTTP/1.0 sends none.
func (c *Config) IsOwnHost(header string) bool {
	host := hostOf(header)
	_, err := netip.ParseAddr(host)
	return err == nil || host == "" || host == "localhost" || strings.HasSuffix(host, ".localhost") ||
		slices.Contains(c.ownHosts(), host)
}

// IsOpsHost is IsOwnHost for the second listener. Beyond loopback that is called by the names of services too, which
// nobody can register: those without a dot, and those below domains that are kept for private use.
func (c *Config) IsOpsHost(header string) bool {
	host := hostOf(header)
	if c.IsOwnHost(header) || host == hostOf(c.OpsAddr) {
		return true
	}
	private := slices.ContainsFunc([]string{".internal", ".svc", ".cluster.local"}, func(domain string) bool {
		return strings.HasSuffix(host, domain)
	})
	return !c.OpsLoopback() && (private || !strings.Contains(host, "."))
}

func (c *Config) ownHosts() []string {
	hosts := []string{hostOf(c.Addr)}
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
