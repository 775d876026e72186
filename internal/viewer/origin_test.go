package viewer_test

import (
	"fmt"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// Each forged header has a control in which the proxy wrote it.
func TestOrigin_ForwardedAddressesAreTrustedFromProxiesOnly(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, c := range []struct {
		name, peer, want string
		forwarded        []string
	}{
		{"no proxy", "203.0.113.9:5000", "203.0.113.9", nil},
		{"an untrusted peer", "203.0.113.9:5000", "203.0.113.9", []string{"198.51.100.1"}},
		{"the proxy adds", "10.0.0.1:5000", "198.51.100.1", []string{"198.51.100.1"}},
		{"the proxy adds to a forged address", "10.0.0.1:5000", "198.51.100.1", []string{"192.0.2.1, 198.51.100.1"}},
		{"in two headers", "10.0.0.1:5000", "198.51.100.1", []string{"192.0.2.1", "198.51.100.1"}},
		{"two proxies", "10.0.0.1:5000", "198.51.100.1", []string{"192.0.2.1, 198.51.100.1, 10.9.9.9"}},
		{"proxies only", "10.0.0.1:5000", "10.0.0.3", []string{"10.0.0.3, 10.0.0.2"}},
		{"the proxy adds nothing", "10.0.0.1:5000", "10.0.0.1", nil},
		{"the proxy adds no address", "10.0.0.1:5000", "10.0.0.1", []string{"192.0.2.1, unknown"}},
		{"with a port", "10.0.0.1:5000", "198.51.100.1", []string{"198.51.100.1:443"}},
		{"IPv6", "[fd00::1]:5000", "2001:db8::1", []string{"[2001:db8::1]:443"}},
		{"IPv4 in IPv6", "[::ffff:10.0.0.1]:5000", "198.51.100.1", []string{"::ffff:198.51.100.1"}},
		{"a zone", "[fe80::1%eth0]:5000", "fe80::1", nil},
		{"no peer", "", "", []string{"198.51.100.1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/graphql", nil)
			r.RemoteAddr = c.peer
			for _, f := range c.forwarded {
				r.Header.Add("X-Forwarded-For", f)
			}
			testenv.Equal(t, c.want, viewer.OriginOf(r, proxies).Address(), "the address")
		})
	}
}

func TestOrigin_NetworksAreWhatOneCustomerHas(t *testing.T) {
	for address, want := range map[string]string{
		"203.0.113.9":                 "[203.0.113.9/32]",
		"::ffff:203.0.113.9":          "[203.0.113.9/32]",
		"64:ff9b::203.0.113.9":        "[203.0.113.9/32]",
		"64:ff9b:1::203.0.113.9":      "[64:ff9b:1::/48 64:ff9b:1::/56 64:ff9b:1::/64]", // a local prefix (RFC 8215)
		"2001:db8:1:2ff:3:4:5:6":      "[2001:db8:1::/48 2001:db8:1:200::/56 2001:db8:1:2ff::/64]",
		"2001:db8:1:2ff:3:4:5:6%eth0": "[2001:db8:1::/48 2001:db8:1:200::/56 2001:db8:1:2ff::/64]",
		"":                            "[]",
	} {
		ip, _ := netip.ParseAddr(address)
		testenv.Equal(t, want, fmt.Sprint(viewer.Origin{IP: ip}.Networks()), "%s", address)
	}
}

// A trusted proxy's connection belongs to no network, and one without an address to a network of its own kind.
func TestNetworksOf_APeerThatIsNoProxy(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for peer, want := range map[string][]string{
		"203.0.113.9:5000": {"203.0.113.9/32"}, "[2001:db8::1]:5000": {"2001:db8::/48", "2001:db8::/56", "2001:db8::/64"},
		"10.0.0.1:5000": nil, "@": {""},
	} {
		testenv.Equal(t, want, viewer.NetworksOf(address(peer), proxies), "%s", peer)
	}
}

type address string

func (address) Network() string  { return "tcp" }
func (a address) String() string { return string(a) }

func TestOrigin_AgentIsPrintable(t *testing.T) {
	for header, want := range map[string]string{
		"":                                "",
		" Mozilla/5.0 (X11) ":             "Mozilla/5.0 (X11)",
		"a\r\nb\x00c\x1b[31m":             "abc[31m",
		"\xff\xfe":                        "",
		"abc\u202edcba":                   "abcdcba",
		strings.Repeat("\u00e9", 257):     strings.Repeat("\u00e9", 256),
		strings.Repeat("x", 255) + " yes": strings.Repeat("x", 255),
	} {
		r := httptest.NewRequest("POST", "/graphql", nil)
		r.Header["User-Agent"] = []string{header}
		testenv.Equal(t, want, viewer.OriginOf(r, nil).Agent, "%q", header)
	}
}

// Languages are those of the header's beginning, as far as it is whole: what follows is nothing that a browser sends.
func TestOrigin_LanguageIsBounded(t *testing.T) {
	many := strings.Repeat("de-AT;q=0.5, ", 20)
	for header, want := range map[string]string{
		"": "", "de": "de", " de-AT, fr;q=0.5, * ": "de-AT, fr;q=0.5, *", "de, fran\u00e7ais": "de, fran",
		"de, \"x": "de", strings.Repeat("x", 101): "",
		many: strings.Repeat("de-AT;q=0.5, ", 6) + "de-AT;q=0.5",
	} {
		r := httptest.NewRequest("POST", "/graphql", nil)
		r.Header.Set("Accept-Language", header)
		testenv.Equal(t, want, viewer.OriginOf(r, nil).Language, "%q", header)
	}
}
