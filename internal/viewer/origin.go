package viewer

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"unicode"
)

// maxAgentLen bounds Origin.Agent, in characters.
const maxAgentLen = 256

// Origin is where a request comes from.
type Origin struct {
	IP    netip.Addr // the client's address; zero when it is unknown
	Agent string     // the User-Agent header: its printable characters, at most 256
}

// Address returns the client's address as text, "" when it is unknown.
func (o Origin) Address() string {
	if !o.IP.IsValid() {
		return ""
	}
	return o.IP.String()
}

// originOf reads a request's origin. X-Forwarded-For is read from its last address to its first, and only as long as a
// trusted proxy appended the address: any client may have written the addresses before.
func originOf(r *http.Request, trusted []netip.Prefix) Origin {
	o := Origin{IP: parseAddr(r.RemoteAddr), Agent: cleanAgent(r.UserAgent())}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
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
