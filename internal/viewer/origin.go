package viewer

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"unicode"
)

const (
	maxAgentLen    = 256 // of Origin.Agent, in characters
	maxLanguageLen = 100 // of Origin.Language, in bytes
)

// Origin is where a request comes from.
type Origin struct {
	IP     netip.Addr // the client's address; zero when it is unknown
	Agent  string     // the User-Agent header: its printable characters, at most 256
	Device string     // the device token that came in a cookie; "" when there is none

	Language string // the Accept-Language header, as far as it is whole; at most 100 bytes
}

// Address returns the client's address as text, "" when it is unknown.
func (o Origin) Address() string {
	if !o.IP.IsValid() {
		return ""
	}
	return o.IP.String()
}

// nat64 is the well-known prefix under which IPv6 networks reach IPv4 addresses (RFC 6052, section 2.1).
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// Networks returns the networks of which the client may have every address, from the widest to the narrowest: the IPv4
// address alone, or the IPv6 /48, /56 and /64. An IPv4 address that is written as IPv6 (mapped, or by NAT64) counts as
// IPv4. There are none when the address is unknown.
func (o Origin) Networks() (all []netip.Prefix) {
	ip := o.IP.Unmap().WithZone("")
	if nat64.Contains(ip) {
		bytes := ip.As16()
		ip, _ = netip.AddrFromSlice(bytes[12:])
	}
	switch {
	case ip.Is4():
		return []netip.Prefix{netip.PrefixFrom(ip, 32)}
	case ip.Is6():
		for _, bits := range []int{48, 56, 64} {
			all = append(all, netip.PrefixFrom(ip, bits).Masked())
		}
	}
	return all
}

// NetworksOf names the Networks of a peer's address, and none for one of these proxies.
func NetworksOf(peer net.Addr, proxies []netip.Prefix) []string {
	o := Origin{IP: parseAddr(peer.String())}
	if isTrusted(o.IP, proxies) {
		return nil
	}
	if !o.IP.IsValid() {
		return []string{""}
	}
	return o.Names()
}

// Names returns the Networks as text.
func (o Origin) Names() (names []string) {
	for _, network := range o.Networks() {
		names = append(names, network.String())
	}
	return names
}

// originOf reads a request's origin. X-Forwarded-For is read from its last address to its first, and only as long as a
// trusted proxy appended the address: any client may have written the addresses before.
func originOf(r *http.Request, trusted []netip.Prefix) Origin {
	o := Origin{IP: parseAddr(r.RemoteAddr), Agent: cleanAgent(r.UserAgent()),
		Language: cleanLanguage(r.Header.Get("Accept-Language"))}
	forwarded := r.Header.Values("X-Forwarded-For")
	if len(forwarded) == 0 {
		return o
	}
	for _, hop := range slices.Backward(strings.Split(strings.Join(forwarded, ","), ",")) {
		if !isTrusted(o.IP, trusted) {
			break
		}
		before := parseAddr(strings.TrimSpace(hop))
		if !before.IsValid() {
			break
		}
		o.IP = before
	}
	return o
}

// parseAddr parses an address with or without a port. An IPv4-mapped IPv6 address becomes the IPv4 address.
func parseAddr(text string) netip.Addr {
	if peer, err := netip.ParseAddrPort(text); err == nil {
		return peer.Addr().Unmap().WithZone("")
	}
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	}
	address, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return address.Unmap().WithZone("")
}

func isTrusted(address netip.Addr, trusted []netip.Prefix) bool {
	return slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(address) })
}

// cleanAgent removes control and formatting characters: the client chose the text, and a user reads it.
func cleanAgent(text string) string {
	text = strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, text))
	if runes := []rune(text); len(runes) > maxAgentLen {
		return strings.TrimSpace(string(runes[:maxAgentLen]))
	}
	return text
}

// cleanLanguage returns the beginning of an Accept-Language header that is written as RFC 9110, section 12.5.4, says, up
// to the last range that fits.
func cleanLanguage(text string) string {
	if end := strings.IndexFunc(text, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-*,;=. \t", r))
	}); end >= 0 {
		text = text[:end]
	}
	for len(text) > maxLanguageLen {
		text = text[:max(0, strings.LastIndexByte(text, ','))]
	}
	return strings.Trim(text, ", \t")
}
