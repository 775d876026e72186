package config

import (
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// privateDomains are kept for private use: nobody can register a name below them.
var privateDomains = []string{".localhost", ".internal", ".svc", ".cluster.local"}

var (
	// hostSyntax is of a Host header without user and escapes: an IPv6 address in brackets, without zone (RFC 6874,
	// section 4), or a name or IPv4 address; then a port.
	hostSyntax = regexp.MustCompile(`^(?:\[([0-9a-f:.]+)\]|([a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?))(?::([0-9]+))?$`)
	// numeric ends a name that browsers take for an IPv4 address, such as 2130706433 or 0x7f.1 (WHATWG URL, 3.5).
	numeric = regexp.MustCompile(`(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)\.?$`)
)

// IsOwnHost reports whether a Host header is one by which clients call this server: an IP address, a name that cannot
// be registered (one without a dot, such as localhost or the name of a service, or below a private domain), or the host
// of a listener, of the issuer or of an allowed origin. A client of HTTP/1.0 sends none.
func (c *Config) IsOwnHost(header string) bool {
	if header == "" {
		return true
	}
	parts := hostSyntax.FindStringSubmatch(strings.ToLower(header))
	if parts == nil {
		return false
	}
	v6, name, port := parts[1], parts[2], parts[3]
	if _, err := strconv.ParseUint(port, 10, 16); port != "" && err != nil {
		return false
	}
	if v6 != "" || numeric.MatchString(name) {
		address, err := netip.ParseAddr(v6 + name)
		return err == nil && address.Is6() == (v6 != "")
	}
	name = strings.TrimSuffix(name, ".")
	private := func(domain string) bool { return strings.HasSuffix(name, domain) }
	return !strings.Contains(name, ".") || slices.ContainsFunc(privateDomains, private) ||
		slices.Contains(c.ownHosts(), name)
}

// ownHosts returns the names in the configuration.
func (c *Config) ownHosts() (hosts []string) {
	for _, address := range append([]string{"//" + c.Addr, "//" + c.OpsAddr, c.Issuer}, c.Origins...) {
		if u, err := url.Parse(address); err == nil {
			hosts = append(hosts, strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")))
		}
	}
	return hosts
}

// LocalURL is the public listener's address for a client on this machine.
func (c *Config) LocalURL() string {
	host, port, _ := net.SplitHostPort(c.Addr)
	switch ip, _ := netip.ParseAddr(host); {
	case host == "" || ip == netip.IPv4Unspecified():
		host = "127.0.0.1"
	case ip == netip.IPv6Unspecified():
		host = "::1"
	}
	return "http://" + net.JoinHostPort(host, port)
}
