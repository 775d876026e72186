package config_test

import (
	"log/slog"
	"net/netip"
	"path/filepath"
	"time"

	"github.com/gatehouse/gatehouse/internal/config"
)

const token32 = "0123456789abcdef0123456789abcdef"

// value is one setting of variables and what becomes of it: a change to the defaults, or a refusal.
type value struct {
	variable, text string
	with           []string // other variables
	want           func(c *config.Config)
	refusedBecause string // part of the sentence; "" is taken
}

var values = []value{
	{variable: "GATEHOUSE_THROTTLE", text: "account=3", want: func(c *config.Config) { c.Throttle = "account=3" }},
	{variable: "GATEHOUSE_KEY_ROTATION", text: "1h",
		want: func(c *config.Config) { c.KeyRotation, c.RotateEvery = "1h", time.Hour }},
	{variable: "GATEHOUSE_KEY_ROTATION", text: "off",
		want: func(c *config.Config) { c.KeyRotation, c.RotateEvery = "off", 0 }},
	{variable: "GATEHOUSE_KEY_ROTATION", text: "59m", refusedBecause: "an hour or more"},
	{variable: "GATEHOUSE_KEY_ROTATION", text: "90 days", refusedBecause: "neither off nor a duration"},
	{variable: "GATEHOUSE_DRAIN", text: "1m", want: func(c *config.Config) { c.Drain = "1m" }},
	{variable: "GATEHOUSE_DRAIN", text: "61s", refusedBecause: "a minute at most"},
	{variable: "GATEHOUSE_DRAIN", text: "soon", refusedBecause: "neither auto nor a duration"},
	{variable: "GATEHOUSE_REVOCATIONS_TOKEN", text: token32, want: func(c *config.Config) { c.Revocations = token32 }},
	{variable: "GATEHOUSE_REVOCATIONS_TOKEN", text: token32 + "," + token32 + "2",
		want: func(c *config.Config) { c.Revocations = token32 + "," + token32 + "2" }},
	{variable: "GATEHOUSE_REVOCATIONS_TOKEN", text: token32[1:], refusedBecause: "at least 32"},
	{variable: "GATEHOUSE_REVOCATIONS_TOKEN", text: token32 + ",", refusedBecause: "at least 32"},
	{variable: "GATEHOUSE_REVOCATIONS_TOKEN", text: "a token of words, " + token32, refusedBecause: "openssl rand"},
	{variable: "GATEHOUSE_ADDR", text: "0.0.0.0:80", want: func(c *config.Config) { c.Addr = "0.0.0.0:80" }},
	{variable: "GATEHOUSE_ADDR", text: ":0", want: func(c *config.Config) { c.Addr = ":0" }},
	{variable: "GATEHOUSE_ADDR", text: "[::1]:65535", want: func(c *config.Config) { c.Addr = "[::1]:65535" }},
	{variable: "GATEHOUSE_ADDR", text: "host.example:8080",
		want: func(c *config.Config) { c.Addr = "host.example:8080" }},
	{variable: "GATEHOUSE_ADDR", text: "127.0.0.1:1", with: []string{"PORT=2"},
		want: func(c *config.Config) { c.Addr = "127.0.0.1:1" }},
	{variable: "GATEHOUSE_ADDR", text: "127.0.0.1", refusedBecause: "HOST:PORT"},
	{variable: "GATEHOUSE_ADDR", text: "8080", refusedBecause: "HOST:PORT"},
	{variable: "GATEHOUSE_ADDR", text: ":", refusedBecause: "HOST:PORT"},
	{variable: "GATEHOUSE_ADDR", text: "127.0.0.1:", refusedBecause: "HOST:PORT"},
	{variable: "GATEHOUSE_ADDR", text: "127.0.0.1:http", refusedBecause: "HOST:PORT"},
	{variable: "GATEHOUSE_ADDR", text: "127.0.0.1:65536", refusedBecause: "HOST:PORT"},
	{variable: "GATEHOUSE_ADDR", text: "127.0.0.1:-1", refusedBecause: "HOST:PORT"},
	{variable: "GATEHOUSE_ADDR", text: "::1:8080", refusedBecause: "HOST:PORT"},
	{variable: "GATEHOUSE_ADDR", text: "http://127.0.0.1:8080", refusedBecause: "HOST:PORT"},

	{variable: "GATEHOUSE_OPS_ADDR", text: "127.0.0.1:9090",
		want: func(c *config.Config) { c.OpsAddr = "127.0.0.1:9090" }},
	{variable: "GATEHOUSE_OPS_ADDR", text: ":0", want: func(c *config.Config) { c.OpsAddr = ":0" }},
	{variable: "GATEHOUSE_OPS_ADDR", text: "127.0.0.1:0", with: []string{"GATEHOUSE_ADDR=127.0.0.1:0"},
		want: func(c *config.Config) {
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
	{variable: "GATEHOUSE_DATABASE_URL", text: "postgres://u:p@h/d",
		want: func(c *config.Config) { c.DatabaseURL, c.SecretFile = "postgres://u:p@h/d", "" }},
	{variable: "GATEHOUSE_DATABASE_URL", text: "postgresql://h/d", with: []string{"DATABASE_URL=sqlite:x"},
		want: func(c *config.Config) {
			c.DatabaseURL, c.SecretFile = "postgresql://h/d", ""
		}},
	{variable: "GATEHOUSE_DATABASE_URL", text: "mysql://u:hunter2@h/d", refusedBecause: "sqlite:PATH"},
	{variable: "GATEHOUSE_DATABASE_URL", text: "gatehouse.db", with: []string{"DATABASE_URL=sqlite:x"},
		refusedBecause: "sqlite:PATH"},
	{variable: "DATABASE_URL", text: "postgres://h/d",
		want: func(c *config.Config) { c.DatabaseURL, c.SecretFile = "postgres://h/d", "" }},
	{variable: "DATABASE_URL", text: "mysql://u:hunter2@h/d", refusedBecause: "sqlite:PATH"},

	{variable: "GATEHOUSE_SECRET", text: "s=e=c ret",
		want: func(c *config.Config) { c.Secret, c.SecretFile = "s=e=c ret", "" }},
	{variable: "GATEHOUSE_SECRET", text: "hunter2", with: []string{"GATEHOUSE_SECRET_FILE=f"},
		refusedBecause: "GATEHOUSE_SECRET_FILE"},
	{variable: "GATEHOUSE_SECRET_FILE", text: "/run/secrets/g",
		want: func(c *config.Config) { c.SecretFile = "/run/secrets/g" }},
	{variable: "GATEHOUSE_SECRET_FILE", text: "f", with: []string{"DATABASE_URL=postgres://h/d"},
		want: func(c *config.Config) {
			c.SecretFile, c.DatabaseURL = "f", "postgres://h/d"
		}},
	{variable: "GATEHOUSE_SIGNING_KEY", text: "key.pem", want: func(c *config.Config) { c.SigningKey = "key.pem" }},

	{variable: "GATEHOUSE_ISSUER", text: "https://id.example.org",
		want: func(c *config.Config) { c.Issuer = "https://id.example.org" }},
	{variable: "GATEHOUSE_ISSUER", text: "http://127.0.0.1:8080/tenant/",
		want: func(c *config.Config) { c.Issuer = "http://127.0.0.1:8080/tenant/" }},
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
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "https://a.example:8443, http://[::1]:5173,http://localhost",
		want: func(c *config.Config) {
			c.Origins = []string{"https://a.example:8443", "http://[::1]:5173", "http://localhost"}
		}},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "http://192.0.2.7:5173",
		want: func(c *config.Config) { c.Origins = []string{"http://192.0.2.7:5173"} }},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "http://localhost:5173",
		with: []string{"GATEHOUSE_ISSUER=https://a.example"}, want: func(c *config.Config) {
			c.Origins, c.Issuer = []string{"http://localhost:5173"}, "https://a.example"
		}},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "http://app.example.com",
		with: []string{"GATEHOUSE_ISSUER=https://a.example"}, refusedBecause: "serve the page over https"},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "capacitor://localhost,ionic://localhost,tauri://localhost",
		with: []string{"GATEHOUSE_ISSUER=https://a.example"}, want: func(c *config.Config) {
			c.Origins = []string{"capacitor://localhost", "ionic://localhost", "tauri://localhost"}
			c.Issuer = "https://a.example"
		}},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "capacitor://localhost/", refusedBecause: "write capacitor://localhost"},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "file://localhost", refusedBecause: "is not an origin"},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "wss://a.example", refusedBecause: "is not an origin"},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "https://app.example.com/",
		refusedBecause: "write https://app.example.com"},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "https://app.example.com/page",
		refusedBecause: "write https://app.example.com"},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "https://app.example.com?a=b",
		refusedBecause: "write https://app.example.com"},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "https://app.example.com#",
		refusedBecause: "write https://app.example.com"},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "https://ann@app.example.com",
		refusedBecause: "write https://app.example.com"},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "https://App.example.com",
		refusedBecause: "write https://app.example.com"},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "HTTPS://app.example.com",
		refusedBecause: "write https://app.example.com"},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "https://app.example.com:443",
		refusedBecause: "write https://app.example.com"},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "https://app.example.com:",
		refusedBecause: "write https://app.example.com"},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "https://bücher.example", refusedBecause: "is not an origin"},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "http://localhost:80", refusedBecause: "write http://localhost"},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "https://a.example,b.example",
		refusedBecause: `"b.example" is not an origin`},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "https://a.example,", refusedBecause: `"" is not an origin`},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "*", refusedBecause: "is not an origin"},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "https://*.example.com", refusedBecause: "is not an origin"},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "null", refusedBecause: "is not an origin"},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "ftp://a.example", refusedBecause: "is not an origin"},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", text: "https://:443", refusedBecause: "is not an origin"},

	{variable: "GATEHOUSE_TRUSTED_PROXIES", text: "10.0.0.0/8, 192.0.2.7,2001:db8::/32,::1",
		want: func(c *config.Config) {
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

	{variable: "GATEHOUSE_LOG", text: "debug",
		want: func(c *config.Config) { c.Log, c.LogLevel = "debug", slog.LevelDebug }},
	{variable: "GATEHOUSE_LOG", text: "warn,json",
		want: func(c *config.Config) { c.Log, c.LogLevel, c.LogJSON = "warn,json", slog.LevelWarn, true }},
	{variable: "GATEHOUSE_LOG", text: "error",
		want: func(c *config.Config) { c.Log, c.LogLevel = "error", slog.LevelError }},
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
