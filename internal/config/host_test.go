package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/testenv"

	"github.com/gatehouse/gatehouse/internal/config"
)

// notHosts make of a host that is ours, "%s", texts that are none or another's.
var notHosts = []string{
	"evil%%2e%s", "%s%%2eevil", "%%6c%s", "user@%s", "user:pass@%s", "%s@evil.example", "%s:", "%s:x", "%s:80x",
	"%s:+80", "%s:-1",
	"%s:65536", "%s:80:80", ":%s", " %s", "%s ", "%s/", "/%s", "%s#", "%s?", "%s\\", "%s,%[1]s", "%s\t", "%s\x00",
	"%s..", ".%s", "%s.evil.example",
	"evil.example:%s", "[%s", "%s]", "[%s%%25lo]", "[%s%%lo]", "[[%s]]", "é%s", "*.%s", "%s%%00", "%s;", "\"%s\"",
}

// TestIsOwnHost_OnlyWellFormedHostsOfOurs asks for each host that is ours, with and without a port, and for what is made
// of it.
func TestIsOwnHost_OnlyWellFormedHostsOfOurs(t *testing.T) {
	c := &config.Config{Addr: "gate.example.net:8080", OpsAddr: ":9090", Issuer: "https://Id.example.org",
		Origins: []string{"https://app.example.com:8443", "capacitor://localhost"}}
	own := []string{"localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "192.0.2.7", "id.example.org",
		"app.example.com", "gate.example.net", "gatehouse", "gatehouse_1", "app.localhost", "a.b.svc.cluster.local"}
	for _, host := range own {
		for _, spelled := range []string{host, strings.ToUpper(host), host + ":1", host + ":65535"} {
			if !c.IsOwnHost(spelled) {
				t.Errorf("%q is refused", spelled)
			}
		}
		for _, form := range notHosts {
			if text := fmt.Sprintf(form, host); c.IsOwnHost(text) {
				t.Errorf("%q passes", text)
			}
		}
	}
	for _, text := range append(addressForms(127, 0, 0, 1), "::1", "[127.0.0.1]", "[localhost]", "127.0.0.1.", "[::1].", ":80",
		"evil.example", "localhost.evil.example", "evillocalhost.com", "xn--localhost.evil") {
		if c.IsOwnHost(text) {
			t.Errorf("%q passes", text)
		}
	}
	for _, text := range []string{"", "localhost.", "LOCALHOST.:80", "id.example.org.:443"} {
		if !c.IsOwnHost(text) {
			t.Errorf("%q is refused", text)
		}
	}
}

// addressForms returns the spellings of an IPv4 address that inet_aton reads, but for the usual one: of one to four
// parts, each decimal, octal or hexadecimal.
func addressForms(a, b, c, d uint32) (forms []string) {
	for _, parts := range [][]uint32{{a<<24 | b<<16 | c<<8 | d}, {a, b<<16 | c<<8 | d}, {a, b, c<<8 | d}, {a, b, c, d}} {
		texts := []string{""}
		for i, part := range parts {
			var longer []string
			for _, text := range texts {
				for _, base := range []string{"%d", "0%o", "0x%x", "0X%X"} {
					longer = append(longer, text+strings.Repeat(".", min(i, 1))+fmt.Sprintf(base, part))
				}
			}
			texts = longer
		}
		forms = append(forms, texts...)
	}
	usual := fmt.Sprintf("%d.%d.%d.%d", a, b, c, d)
	others := forms[:0]
	for _, form := range forms {
		if form != usual {
			others = append(others, form, form+":80", form+".")
		}
	}
	return others
}

func TestLocalURL_LeadsToTheListener(t *testing.T) {
	for addr, want := range map[string]string{
		"127.0.0.1:8080": "http://127.0.0.1:8080", "localhost:80": "http://localhost:80", "[::1]:1": "http://[::1]:1",
		"0.0.0.0:8080": "http://127.0.0.1:8080", ":8080": "http://127.0.0.1:8080", "[::]:8080": "http://[::1]:8080",
		"10.0.0.1:8080": "http://10.0.0.1:8080", "id.internal:8080": "http://id.internal:8080",
	} {
		testenv.Equal(t, want, load(t, beyondLoopback[0], "GATEHOUSE_ADDR="+addr).LocalURL(), "%s", addr)
	}
}
