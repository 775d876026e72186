package config_test

import (
	"log/slog"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gatehouse/gatehouse/internal/config"
)

// defaults is what an empty environment means; the contract, section 2.
func defaults() *config.Config {
	return &config.Config{
		Addr: "127.0.0.1:8080", DatabaseURL: "sqlite:gatehouse.db", SecretFile: "gatehouse.secret", Audience: "gatehouse",
		AccessTTL: 10 * time.Minute, RefreshTTL: 720 * time.Hour, SessionTTL: 2160 * time.Hour,
		KeyRotation: "2160h", RotateEvery: 2160 * time.Hour,
		Playground: "auto", Argon2: "m=19456,t=2,p=1", HashWorker: "on", Throttle: "on", Drain: "auto", Log: "info", LogLevel: slog.LevelInfo,
	}
}

func TestNothingConfiguredIsADeveloperAtTheirDesk(t *testing.T) {
	for name, environment := range map[string][]string{
		"nothing":       nil,
		"others' names": {"PATH=/bin", "HOME=/root", "gatehouse_addr=x", "XGATEHOUSE_ADDR=x", "GATEHOUSEADDR=x", "no equals sign", "=x", ""},
	} {
		got, err := config.Load(environment)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if d := cmp.Diff(defaults(), got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// TestAnEmptyValueIsNotConfigured: compose files and CI set what they do not know to the empty string.
func TestAnEmptyValueIsNotConfigured(t *testing.T) {
	environment := []string{"PORT=", "DATABASE_URL="}
	for _, v := range config.Variables() {
		environment = append(environment, v.Name+"=")
	}
	got, err := config.Load(environment)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(defaults(), got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

const token32 = "0123456789abcdef0123456789abcdef"

// value is one setting of variables and what becomes of it: a change to the defaults, or a refusal.
type value struct {
	variable, text string
	with           []string // other variables
	want           func(c *config.Config)
	refusedBecause string // part of the sentence; "" is taken
}

func TestEveryVariableTakesGoodValuesAndRefusesBadOnes(t *testing.T) {
	tried := map[string]int{}
	for _, v := range values {
		bad := v.refusedBecause != ""
		tried[v.variable] |= map[bool]int{false: 1, true: 2}[bad]
		got, err := config.Load(append([]string{v.variable + "=" + v.text}, v.with...))
		if bad {
			if err == nil || !strings.HasPrefix(err.Error(), v.variable+": ") || !strings.Contains(err.Error(), v.refusedBecause) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s=%s: %v; want one sentence that names it and says %q", v.variable, v.text, err, v.refusedBecause)
			}
			if got != nil {
				t.Errorf("%s=%s: a configuration beside an error", v.variable, v.text)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s=%s: %v", v.variable, v.text, err)
			continue
		}
		want := defaults()
		v.want(want)
		if d := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Prefix{})); d != "" {
			t.Errorf("%s=%s (-want +got):\n%s", v.variable, v.text, d)
		}
	}
	// Of these, only the room that uses the value knows a bad one.
	elsewhere := []string{"GATEHOUSE_AUDIENCE", "GATEHOUSE_SECRET_FILE", "GATEHOUSE_SIGNING_KEY", "GATEHOUSE_ARGON2", "GATEHOUSE_LIMITS", "GATEHOUSE_THROTTLE"}
	for _, v := range config.Variables() {
		if tried[v.Name]&1 == 0 || tried[v.Name]&2 == 0 && !slices.Contains(elsewhere, v.Name) {
			t.Errorf("%s has no good or no bad value in this test", v.Name)
		}
	}
}

var values = []value{
	{variable: "GATEHOUSE_THROTTLE", text: "account=3", want: func(c *config.Config) { c.Throttle = "account=3" }},
	{variable: "GATEHOUSE_KEY_ROTATION", text: "1h", want: func(c *config.Config) { c.KeyRotation, c.RotateEvery = "1h", time.Hour }},
	{variable: "GATEHOUSE_KEY_ROTATION", text: "off", want: func(c *config.Config) { c.KeyRotation, c.RotateEvery = "off", 0 }},
	{variable: "GATEHOUSE_KEY_ROTATION", text: "59m", refusedBecause: "an hour or more"},
	{variable: "GATEHOUSE_KEY_ROTATION", text: "90 days", refusedBecause: "neither off nor a duration"},
	{variable: "GATEHOUSE_DRAIN", text: "1m", want: func(c *config.Config) { c.Drain = "1m" }},
	{variable: "GATEHOUSE_DRAIN", text: "61s", refusedBecause: "a minute at most"},
	{variable: "GATEHOUSE_DRAIN", text: "soon", refusedBecause: "neither auto nor a duration"},
	{variable: "GATEHOUSE_REVOCATIONS_TOKEN", text: token32, want: func(c *config.Config) { c.Revocations = token32 }},
	{variable: "GATEHOUSE_REVOCATIONS_TOKEN", text: token32 + "," + token32 + "2", want: func(c *config.Config) { c.Revocations = token32 + "," + token32 + "2" }},
	{variable: "GATEHOUSE_REVOCATIONS_TOKEN", text: token32[1:], refusedBecause: "at least 32"},
	{variable: "GATEHOUSE_REVOCATIONS_TOKEN", text: token32 + ",", refusedBecause: "at least 32"},
	{variable: "GATEHOUSE_REVOCATIONS_TOKEN", text: "a token of words, " + token32, refusedBecause: "openssl rand"},
	{variable: "GATEHOUSE_ADDR", text: "0.0.0.0:80", want: func(c *config.Config) { c.Addr = "0.0.0.0:80" }},
	{variable: "GATEHOUSE_ADDR", text: ":0", want: func(c *config.Config) { c.Addr = ":0" }},
	{variable: "GATEHOUSE_ADDR", text: "[::1]:65535", want: func(c *config.Config) { c.Addr = "[::1]:65535" }},
	{variable: "GATEHOUSE_ADDR", text: "host.example:8080", want: func(c *config.Config) { c.Addr = "host.example:8080" }},
	{variable: "GATEHOUSE_ADDR", text: "127.0.0.1:1", with: []string{"PORT=2"}, want: func(c *config.Config) { c.Addr = "127.0.0.1:1" }},
	{variable: "GATEHOUSE_ADDR", text: "127.0.0.1", refusedBecause: "HOST:PORT"},
	{variable: "GATEHOUSE_ADDR", text: "8080", refusedBecause: "HOST:PORT"},
	{variable: "GATEHOUSE_ADDR", text: ":", refusedBecause: "HOST:PORT"},
	{variable: "GATEHOUSE_ADDR", text: "127.0.0.1:", refusedBecause: "HOST:PORT"},
	{variable: "GATEHOUSE_ADDR", text: "127.0.0.1:http", refusedBecause: "HOST:PORT"},
	{variable: "GATEHOUSE_ADDR", text: "127.0.0.1:65536", refusedBecause: "HOST:PORT"},
	{variable: "GATEHOUSE_ADDR", text: "127.0.0.1:-1", refusedBecause: "HOST:PORT"},
	{variable: "GATEHOUSE_ADDR", text: "::1:8080", refusedBecause: "HOST:PORT"},
	{variable: "GATEHOUSE_ADDR", text: "http://127.0.0.1:8080", refusedBecause: "HOST:PORT"},

	{variable: "GATEHOUSE_OPS_ADDR", text: "127.0.0.1:9090", want: func(c *config.Config) { c.OpsAddr = "127.0.0.1:9090" }},
	{variable: "GATEHOUSE_OPS_ADDR", text: ":0", want: func(c *config.Config) { c.OpsAddr = ":0" }},
	{variable: "GATEHOUSE_OPS_ADDR", text: "127.0.0.1:0", with: []string{"GATEHOUSE_ADDR=127.0.0.1:0"}, want: func(c *config.Config) {
		c.Addr, c.OpsAddr = "127.0.0.1:0", "127.0.0.1:0"
	}},
	{variable: "GATEHOUSE_OPS_ADDR", text: "9090", refusedBecause: "HOST:PORT"},
	{variable: "GATEHOUSE_OPS_ADDR", text: "off", refusedBecause: "HOST:PORT"},
	{variable: "GATEHOUSE_OPS_ADDR", text: "127.0.0.1:metrics", refusedBecause: "HOST:PORT"},
	{variable: "GATEHOUSE_OPS_ADDR", text: "127.0.0.1:8080", refusedBecause: "public listener"},
	{variable: "GATEHOUSE_OPS_ADDR", text: "0.0.0.0:9000", with: []string{"PORT=9000"}, refusedBecause: "(PORT)"},

	{variable: "PORT", text: "9000", want: func(c *config.Config) { c.Addr = "0.0.0.0:9000" }},
	{variable: "PORT", text: "abc", refusedBecause: "HOST:PORT"},
	{variable: "PORT", text: "1:2", refusedBecause: "HOST:PORT"},
	{variable: "PORT", text: "65536", refusedBecause: "HOST:PORT"},

	{variable: "GATEHOUSE_DATABASE_URL", text: "sqlite:/var/lib/g/g.db", want: func(c *config.Config) {
		c.DatabaseURL, c.SecretFile = "sqlite:/var/lib/g/g.db", "/var/lib/g/gatehouse.secret"
	}},
	{variable: "GATEHOUSE_DATABASE_URL", text: "sqlite:data/g.db", want: func(c *config.Config) {
		c.DatabaseURL, c.SecretFile = "sqlite:data/g.db", filepath.Join("data", "gatehouse.secret")
	}},
	{variable: "GATEHOUSE_DATABASE_URL", text: "postgres://u:p@h/d", want: func(c *config.Config) { c.DatabaseURL, c.SecretFile = "postgres://u:p@h/d", "" }},
	{variable: "GATEHOUSE_DATABASE_URL", text: "postgresql://h/d", with: []string{"DATABASE_URL=sqlite:x"}, want: func(c *config.Config) {
		c.DatabaseURL, c.SecretFile = "postgresql://h/d", ""
	}},
	{variable: "GATEHOUSE_DATABASE_URL", text: "mysql://u:hunter2@h/d", refusedBecause: "sqlite:PATH"},
	{variable: "GATEHOUSE_DATABASE_URL", text: "gatehouse.db", with: []string{"DATABASE_URL=sqlite:x"}, refusedBecause: "sqlite:PATH"},
	{variable: "DATABASE_URL", text: "postgres://h/d", want: func(c *config.Config) { c.DatabaseURL, c.SecretFile = "postgres://h/d", "" }},
	{variable: "DATABASE_URL", text: "mysql://u:hunter2@h/d", refusedBecause: "sqlite:PATH"},

	{variable: "GATEHOUSE_SECRET", text: "s=e=c ret", want: func(c *config.Config) { c.Secret, c.SecretFile = "s=e=c ret", "" }},
	{variable: "GATEHOUSE_SECRET", text: "hunter2", with: []string{"GATEHOUSE_SECRET_FILE=f"}, refusedBecause: "GATEHOUSE_SECRET_FILE"},
	{variable: "GATEHOUSE_SECRET_FILE", text: "/run/secrets/g", want: func(c *config.Config) { c.SecretFile = "/run/secrets/g" }},
	{variable: "GATEHOUSE_SECRET_FILE", text: "f", with: []string{"DATABASE_URL=postgres://h/d"}, want: func(c *config.Config) {
		c.SecretFile, c.DatabaseURL = "f", "postgres://h/d"
	}},
	{variable: "GATEHOUSE_SIGNING_KEY", text: "key.pem", want: func(c *config.Config) { c.SigningKey = "key.pem" }},

	{variable: "GATEHOUSE_ISSUER", text: "https://id.example.org", want: func(c *config.Config) { c.Issuer = "https://id.example.org" }},
	{variable: "GATEHOUSE_ISSUER", text: "http://127.0.0.1:8080/tenant/", want: func(c *config.Config) { c.Issuer = "http://127.0.0.1:8080/tenant/" }},
	{variable: "GATEHOUSE_ISSUER", text: "id.example.org", refusedBecause: "http or https"},
	{variable: "GATEHOUSE_ISSUER", text: "ftp://id.example.org", refusedBecause: "http or https"},
	{variable: "GATEHOUSE_ISSUER", text: "https://", refusedBecause: "http or https"},
	{variable: "GATEHOUSE_ISSUER", text: "https://:443", refusedBecause: "http or https"},
	{variable: "GATEHOUSE_ISSUER", text: "https://id.example.org?a=b", refusedBecause: "query"},
	{variable: "GATEHOUSE_ISSUER", text: "https://id.example.org?", refusedBecause: "query"},
	{variable: "GATEHOUSE_ISSUER", text: "https://id.example.org#a", refusedBecause: "fragment"},
	{variable: "GATEHOUSE_ISSUER", text: "https://id.example.org#", refusedBecause: "fragment"},
	{variable: "GATEHOUSE_ISSUER", text: "https://ada@id.example.org", refusedBecause: "user"},
	{variable: "GATEHOUSE_ISSUER", text: "https://id example.org", refusedBecause: "http or https"},
	{variable: "GATEHOUSE_AUDIENCE", text: "api", want: func(c *config.Config) { c.Audience = "api" }},

	{variable: "GATEHOUSE_ACCESS_TTL", text: "1s", want: func(c *config.Config) { c.AccessTTL = time.Second }},
	{variable: "GATEHOUSE_ACCESS_TTL", text: "24h", want: func(c *config.Config) { c.AccessTTL = 24 * time.Hour }},
	{variable: "GATEHOUSE_ACCESS_TTL", text: "soon", refusedBecause: "soon"},
	{variable: "GATEHOUSE_ACCESS_TTL", text: "600", refusedBecause: "600"},
	{variable: "GATEHOUSE_ACCESS_TTL", text: "0s", refusedBecause: "whole seconds"},
	{variable: "GATEHOUSE_ACCESS_TTL", text: "-1s", refusedBecause: "whole seconds"},
	{variable: "GATEHOUSE_ACCESS_TTL", text: "1500ms", refusedBecause: "whole seconds"},
	{variable: "GATEHOUSE_ACCESS_TTL", text: "24h1s", refusedBecause: "whole seconds"},
	{variable: "GATEHOUSE_REFRESH_TTL", text: "10m", want: func(c *config.Config) { c.RefreshTTL = 10 * time.Minute }},
	{variable: "GATEHOUSE_REFRESH_TTL", text: "9m59s", refusedBecause: "GATEHOUSE_ACCESS_TTL"},
	{variable: "GATEHOUSE_REFRESH_TTL", text: "30d", refusedBecause: "30d"},
	{variable: "GATEHOUSE_REFRESH_TTL", text: "99999999h", refusedBecause: "99999999h"},
	{variable: "GATEHOUSE_SESSION_TTL", text: "720h", want: func(c *config.Config) { c.SessionTTL = 720 * time.Hour }},
	{variable: "GATEHOUSE_SESSION_TTL", text: "719h", refusedBecause: "GATEHOUSE_REFRESH_TTL"},
	{variable: "GATEHOUSE_SESSION_TTL", text: "x", refusedBecause: "x"},

	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "https://app.example.com", want: func(c *config.Config) {
		c.Origins = []string{"https://app.example.com"}
	}},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "https://a.example:8443, http://[::1]:5173,http://localhost", want: func(c *config.Config) {
		c.Origins = []string{"https://a.example:8443", "http://[::1]:5173", "http://localhost"}
	}},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "http://192.0.2.7:5173", want: func(c *config.Config) { c.Origins = []string{"http://192.0.2.7:5173"} }},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "http://localhost:5173", with: []string{"GATEHOUSE_ISSUER=https://a.example"}, want: func(c *config.Config) {
		c.Origins, c.Issuer = []string{"http://localhost:5173"}, "https://a.example"
	}},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "http://app.example.com", with: []string{"GATEHOUSE_ISSUER=https://a.example"}, refusedBecause: "serve the page over https"},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "https://app.example.com/", refusedBecause: "write https://app.example.com"},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "https://app.example.com/page", refusedBecause: "write https://app.example.com"},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "https://app.example.com?a=b", refusedBecause: "write https://app.example.com"},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "https://app.example.com#", refusedBecause: "write https://app.example.com"},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "https://ann@app.example.com", refusedBecause: "write https://app.example.com"},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "https://App.example.com", refusedBecause: "write https://app.example.com"},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "HTTPS://app.example.com", refusedBecause: "write https://app.example.com"},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "https://app.example.com:443", refusedBecause: "write https://app.example.com"},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "https://app.example.com:", refusedBecause: "write https://app.example.com"},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "https://bücher.example", refusedBecause: "is not an origin"},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "http://localhost:80", refusedBecause: "write http://localhost"},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "https://a.example,b.example", refusedBecause: `"b.example" is not an origin`},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "https://a.example,", refusedBecause: `"" is not an origin`},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "*", refusedBecause: "is not an origin"},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "https://*.example.com", refusedBecause: "is not an origin"},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "null", refusedBecause: "is not an origin"},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "ftp://a.example", refusedBecause: "is not an origin"},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "https://:443", refusedBecause: "is not an origin"},

	{variable: "GATEHOUSE_TRUSTED_PROXIES", text: "10.0.0.0/8, 192.0.2.7,2001:db8::/32,::1", want: func(c *config.Config) {
		c.Proxies = []string{"10.0.0.0/8", " 192.0.2.7", "2001:db8::/32", "::1"}
		c.TrustedProxies = []netip.Prefix{
			netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.7/32"),
			netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("::1/128"),
		}
	}},
	{variable: "GATEHOUSE_TRUSTED_PROXIES", text: "10.0.0.0/33", refusedBecause: "CIDR"},
	{variable: "GATEHOUSE_TRUSTED_PROXIES", text: "proxy.example", refusedBecause: "CIDR"},
	{variable: "GATEHOUSE_TRUSTED_PROXIES", text: "10.0.0.1,", refusedBecause: "CIDR"},
	{variable: "GATEHOUSE_TRUSTED_PROXIES", text: "10.0.0.1:80", refusedBecause: "CIDR"},
	{variable: "GATEHOUSE_TRUSTED_PROXIES", text: "::ffff:10.0.0.1", refusedBecause: "CIDR"},
	{variable: "GATEHOUSE_TRUSTED_PROXIES", text: "10.1.2.3/8", refusedBecause: "write 10.1.2.3 or 10.0.0.0/8"},

	{variable: "GATEHOUSE_HASH_WORKER", text: "on", want: func(c *config.Config) { c.HashWorker = "on" }},
	{variable: "GATEHOUSE_HASH_WORKER", text: "off", want: func(c *config.Config) { c.HashWorker = "off" }},
	{variable: "GATEHOUSE_HASH_WORKER", text: "false", refusedBecause: "on nor off"},
	{variable: "GATEHOUSE_PLAYGROUND", text: "on", want: func(c *config.Config) { c.Playground = "on" }},
	{variable: "GATEHOUSE_PLAYGROUND", text: "off", want: func(c *config.Config) { c.Playground = "off" }},
	{variable: "GATEHOUSE_PLAYGROUND", text: "true", refusedBecause: "on or off"},
	{variable: "GATEHOUSE_PLAYGROUND", text: "OFF", refusedBecause: "on or off"},
	{variable: "GATEHOUSE_ARGON2", text: "m=8,t=1,p=1", want: func(c *config.Config) { c.Argon2 = "m=8,t=1,p=1" }},
	{variable: "GATEHOUSE_LIMITS", text: "depth=5", want: func(c *config.Config) { c.Limits = "depth=5" }},

	{variable: "GATEHOUSE_LOG", text: "debug", want: func(c *config.Config) { c.Log, c.LogLevel = "debug", slog.LevelDebug }},
	{variable: "GATEHOUSE_LOG", text: "warn,json", want: func(c *config.Config) { c.Log, c.LogLevel, c.LogJSON = "warn,json", slog.LevelWarn, true }},
	{variable: "GATEHOUSE_LOG", text: "error", want: func(c *config.Config) { c.Log, c.LogLevel = "error", slog.LevelError }},
	{variable: "GATEHOUSE_LOG", text: "INFO", refusedBecause: "debug, info, warn or error"},
	{variable: "GATEHOUSE_LOG", text: "info,", refusedBecause: ",json"},
	{variable: "GATEHOUSE_LOG", text: "info,text", refusedBecause: ",json"},
	{variable: "GATEHOUSE_LOG", text: "info,json,json", refusedBecause: ",json"},
	{variable: "GATEHOUSE_LOG", text: ",json", refusedBecause: "debug, info, warn or error"},

	{variable: "GATEHOUSE_ADRR", text: "127.0.0.1:1", refusedBecause: "help config"},
	{variable: "GATEHOUSE_", text: "", refusedBecause: "help config"},
	{variable: "GATEHOUSE_addr", text: "127.0.0.1:1", refusedBecause: "help config"},
	{variable: "GATEHOUSE_ADDR ", text: "127.0.0.1:1", refusedBecause: "help config"},
	{variable: "GATEHOUSE_SECRET_KEY", text: "hunter2", refusedBecause: "help config"},
}

// TestARefusalKeepsSecrets: what may be a password or a secret is not repeated.
func TestARefusalKeepsSecrets(t *testing.T) {
	_, err := config.Load([]string{"GATEHOUSE_SECRET=hunter2", "GATEHOUSE_SECRET_FILE=f", "GATEHOUSE_SECRET_KEY=hunter2",
		"GATEHOUSE_DATABASE_URL=mysql://u:hunter2@h/d", "DATABASE_URL=mysql://u:hunter2@h/d"})
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
}

func TestEveryFaultIsReportedAtOnce(t *testing.T) {
	cases := map[string]struct{ environment, named []string }{
		"values": {
			[]string{"GATEHOUSE_ADDR=x", "GATEHOUSE_ISSUER=x", "GATEHOUSE_PLAYGROUND=x", "GATEHOUSE_LOG=x", "GATEHOUSE_ACCESS_TTL=1ms"},
			[]string{"GATEHOUSE_ADDR", "GATEHOUSE_ISSUER", "GATEHOUSE_PLAYGROUND", "GATEHOUSE_LOG", "GATEHOUSE_ACCESS_TTL"},
		},
		"values that are no durations": {
			[]string{"GATEHOUSE_ACCESS_TTL=x", "GATEHOUSE_REFRESH_TTL=y", "GATEHOUSE_SESSION_TTL=z"},
			[]string{"GATEHOUSE_ACCESS_TTL", "GATEHOUSE_REFRESH_TTL", "GATEHOUSE_SESSION_TTL"},
		},
		"unknown names":                                 {[]string{"GATEHOUSE_A=1", "GATEHOUSE_B=1"}, []string{"GATEHOUSE_A, GATEHOUSE_B"}},
		"unknown names and values":                      {[]string{"GATEHOUSE_A=1", "GATEHOUSE_LOG=x"}, []string{"GATEHOUSE_A", "GATEHOUSE_LOG"}},
		"unknown names and values that are no duration": {[]string{"GATEHOUSE_A=1", "GATEHOUSE_ACCESS_TTL=x"}, []string{"GATEHOUSE_A", "GATEHOUSE_ACCESS_TTL"}},
	}
	for name, c := range cases {
		_, err := config.Load(c.environment)
		if err == nil {
			t.Errorf("%s: taken", name)
			continue
		}
		lines := strings.Split(err.Error(), "\n")
		for _, n := range c.named {
			if !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, n+": ") }) {
				t.Errorf("%s: no line names %s:\n%v", name, n, err)
			}
		}
		if len(lines) != len(c.named) {
			t.Errorf("%s: %d lines for %d faults:\n%v", name, len(lines), len(c.named), err)
		}
	}
}

func TestThePlaygroundIsShownOnLoopbackUnlessSaidOtherwise(t *testing.T) {
	cases := map[string]bool{ // is loopback
		"127.0.0.1:8080": true, "127.9.9.9:80": true, "[::1]:80": true, "localhost:80": true, "[::ffff:127.0.0.1]:80": true,
		"0.0.0.0:80": false, ":80": false, "[::]:80": false, "10.0.0.1:80": false, "192.168.1.1:80": false, "169.254.169.254:80": false,
		"example.com:80": false, "localhost.example.com:80": false, "127.0.0.1.example.com:80": false, "0:80": false,
		"[::ffff:10.0.0.1]:80": false, "2130706433:80": false, "127.1:80": false,
	}
	for addr, loopback := range cases {
		for setting, shown := range map[string]bool{"": loopback, "auto": loopback, "on": true, "off": false} {
			c, err := config.Load([]string{"GATEHOUSE_ADDR=" + addr, "GATEHOUSE_PLAYGROUND=" + setting})
			if err != nil {
				t.Errorf("%s: %v", addr, err)
				continue
			}
			if c.Loopback() != loopback || c.ShowPlayground() != shown {
				t.Errorf("%s, %q: loopback %v, shown %v; want %v, %v", addr, setting, c.Loopback(), c.ShowPlayground(), loopback, shown)
			}
		}
	}
	c, err := config.Load([]string{"PORT=8080"})
	if err != nil || c.Loopback() || c.ShowPlayground() {
		t.Errorf("PORT alone: %v, loopback", err)
	}
}

// TestVariablesListsExactlyTheStruct: `gatehouse help config` can forget nothing and invent nothing.
func TestVariablesListsExactlyTheStruct(t *testing.T) {
	inStruct := map[string]string{}
	for f := range reflect.TypeFor[config.Config]().Fields() {
		name, ok := f.Tag.Lookup("env")
		if !ok {
			t.Errorf("the field %s says neither its variable nor env:\"-\"", f.Name)
		}
		if name != "-" {
			inStruct[name] = f.Tag.Get("envDefault")
		}
	}
	listed := map[string]string{}
	for _, v := range config.Variables() {
		if _, twice := listed[v.Name]; twice || !strings.HasPrefix(v.Name, "GATEHOUSE_") || v.Help == "" || strings.Contains(v.Help, "\n") {
			t.Errorf("%+v", v)
		}
		listed[v.Name] = v.Default
	}
	if d := cmp.Diff(inStruct, listed); d != "" {
		t.Errorf("(-struct +listed):\n%s", d)
	}
	for _, name := range []string{"PORT", "DATABASE_URL"} { // are read too
		if !slices.ContainsFunc(config.Variables(), func(v config.Variable) bool { return strings.Contains(v.Help, name) }) {
			t.Errorf("%s is described nowhere", name)
		}
	}
	if len(slices.Collect(maps.Keys(listed))) < 14 {
		t.Errorf("only %d variables", len(listed))
	}
}

func TestTheSigningKeyFileIsReadWhenNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key.pem")
	c, err := config.Load([]string{"GATEHOUSE_SIGNING_KEY=" + path})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.ReadSigningKey(); err == nil || !strings.HasPrefix(err.Error(), "GATEHOUSE_SIGNING_KEY: ") || !strings.Contains(err.Error(), path) {
		t.Errorf("a file that is not there: %v", err)
	}
	if err := os.WriteFile(path, []byte("PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := c.ReadSigningKey(); string(text) != "PEM" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if text, err := defaults().ReadSigningKey(); text != nil || err != nil {
		t.Errorf("not named: %q, %v", text, err)
	}
}
