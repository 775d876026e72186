package viewer

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"unicode"
)

// maxAgent bounds what is kept of a User-Agent header, in characters.
const maxAgent = 256

// Origin is where a request comes from, as far as it can be known.
type Origin struct {
	IP    netip.Addr // the client's address; the zero value when it is not known
	Agent string     // what the client's program calls itself: printable, at most 256 characters; "" when it does not
}

// Address returns the client's address as text, "" when it is not known.
func (o Origin) Address() string {
	if !o.IP.IsValid() {
		return ""
	}
	return o.IP.String()
}

// originOf reads a request's origin. X-Forwarded-For is believed only of a peer in trusted, and only as far as each
// address in it, from the last to the first, was written by one: what stands before that anybody may have written.
func originOf(r *http.Request, trusted []netip.Prefix) Origin {
	o := Origin{IP: peer(r.RemoteAddr), Agent: agent(r.UserAgent())}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !isTrusted(o.IP, trusted) {
			break
		}
		before := peer(strings.TrimSpace(hop))
		if !before.IsValid() {
			break
		}
		o.IP = before
	}
	return o
}

// peer reads an address with a port or without. An IPv4 address in IPv6 form is the IPv4 address.
func peer(text string) netip.Addr {
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

// agent keeps what can be shown of a User-Agent header: it is a stranger's text, and a user will read it.
func agent(text string) string {
	text = strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, text))
	if runes := []rune(text); len(runes) > maxAgent {
		return strings.TrimSpace(string(runes[:maxAgent]))
	}
	return text
}
