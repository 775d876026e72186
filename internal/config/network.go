package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// AllowsOrigin reports whether pages of an origin may call from a browser. With the defaults, on loopback, those are
// all pages of this machine: development servers use many ports, and go by both names, localhost and 127.0.0.1.
func (c *Config) AllowsOrigin(origin string) bool {
	if len(c.Origins) > 0 || !c.Loopback() || c.Issuer != "" {
		return slices.Contains(c.Origins, origin)
	}
	u, err := url.Parse(origin)
	return err == nil && isWeb(u) && isLoopback(u.Hostname()) && Origin(u) == origin
}

// AllowsCookie reports whether pages of an origin may use the cookie. Those of a custom scheme, such as
// capacitor://localhost, may not: a browser counts them as another site.
func (c *Config) AllowsCookie(origin string) bool {
	u, err := url.Parse(origin)
	return err == nil && isWeb(u) && c.AllowsOrigin(origin)
}

func isWeb(u *url.URL) bool { return u.Scheme == "http" || u.Scheme == "https" }

// noOriginSchemes are those of addresses whose pages have no origin of their own, or of no pages at all.
var noOriginSchemes = []string{"", "file", "ftp", "ws", "wss", "data", "blob", "javascript"}

// checkOrigins accepts origins only in the form in which browsers send them, because they are compared byte for byte.
func (c *Config) checkOrigins() error {
	for i, text := range c.Origins {
		text = strings.TrimSpace(text)
		u, err := url.Parse(text)
		if err != nil || u.Hostname() == "" || slices.Contains(noOriginSchemes, u.Scheme) ||
			strings.ContainsFunc(text, notInOrigins) {
			return fmt.Errorf(
				"%q is not an origin; write scheme://host or scheme://host:port, such as https://app.example.com", text)
		}
		if origin := Origin(u); text != origin {
			return fmt.Errorf("%q is not as browsers write it; write %s", text, origin)
		}
		if u.Scheme == "http" && strings.HasPrefix(c.Issuer, "https:") && !isLoopback(u.Hostname()) {
			return fmt.Errorf(
				"%s can be changed on its way to the browser, and the issuer is https; serve the page over https", text)
		}
		c.Origins[i] = text
	}
	return nil
}

// notInOrigins matches wildcards, which are not supported, and letters that browsers write in ASCII form, xn--….
func notInOrigins(r rune) bool { return r == '*' || r > unicode.MaxASCII }

// Origin returns an address's origin as browsers write it (RFC 6454, section 6.2).
func Origin(u *url.URL) string {
	port := map[string]string{"http": ":80", "https": ":443"}[u.Scheme]
	return u.Scheme + "://" + strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(u.Host), port), ":")
}

// setTrustedProxies reads addresses and CIDRs. An IPv4 address in IPv6 form is refused: it would never match.
func (c *Config) setTrustedProxies() error {
	for _, text := range c.Proxies {
		text = strings.TrimSpace(text)
		prefix, err := netip.ParsePrefix(text)
		if address, notOne := netip.ParseAddr(text); notOne == nil {
			prefix, err = netip.PrefixFrom(address, address.BitLen()), nil
		}
		switch {
		case err != nil || prefix.Addr().Is4In6():
			return fmt.Errorf("%q is not an address or a CIDR, such as 10.0.0.0/8, 192.0.2.7 or 2001:db8::/32", text)
		case prefix != prefix.Masked():
			return fmt.Errorf("%q names one address and a whole network; write %v or %v", text, prefix.Addr(),
				prefix.Masked())
		}
		c.TrustedProxies = append(c.TrustedProxies, prefix)
	}
	return nil
}
