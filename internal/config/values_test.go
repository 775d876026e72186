package config_test

import (
	"log/slog"
	"net/mail"
	"net/netip"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"github.com/gatehouse/gatehouse/internal/config"
)

const token32 = "0123456789abcdef0123456789abcdef"

// values are settings of one variable and what becomes of each: its field holds the text, or it is refused.
type values struct {
	variable string
	texts    []string
	with     []string               // other variables
	also     func(c *config.Config) // what else changes
	refused  string                 // part of the sentence; "" is taken
}

var beyondLoopback = []string{"GATEHOUSE_ISSUER=https://id.example.org"}

func issued(c *config.Config) { c.Issuer = "https://id.example.org" }

var from = []string{"GATEHOUSE_MAIL_FROM=app@example.com"}

func relayed(server config.MailServer) func(*config.Config) {
	return func(c *config.Config) {
		c.MailServer, c.MailFrom, c.From = server, "app@example.com", mail.Address{Address: "app@example.com"}
	}
}

var allValues = []values{
	{variable: "GATEHOUSE_THROTTLE", texts: []string{"account=3"}},
	{variable: "GATEHOUSE_KEY_ROTATION", texts: []string{"1h"}, also: func(c *config.Config) { c.RotateEvery = time.Hour }},
	{variable: "GATEHOUSE_KEY_ROTATION", texts: []string{"off"}, also: func(c *config.Config) { c.RotateEvery = 0 }},
	{variable: "GATEHOUSE_KEY_ROTATION", texts: []string{"59m"}, refused: "an hour or more"},
	{variable: "GATEHOUSE_KEY_ROTATION", texts: []string{"90 days"}, refused: "neither off nor a duration"},
	{variable: "GATEHOUSE_DRAIN", texts: []string{"1m"}},
	{variable: "GATEHOUSE_DRAIN", texts: []string{"61s"}, refused: "a minute at most"},
	{variable: "GATEHOUSE_DRAIN", texts: []string{"soon"}, refused: "neither auto nor a duration"},
	{variable: "GATEHOUSE_REVOCATIONS_TOKEN", texts: []string{token32, token32 + "," + token32 + "2"}},
	{variable: "GATEHOUSE_REVOCATIONS_TOKEN", texts: []string{token32[1:], token32 + ","}, refused: "at least 32"},
	{variable: "GATEHOUSE_REVOCATIONS_TOKEN", texts: []string{"a token of words, " + token32}, refused: "openssl rand"},

	{variable: "GATEHOUSE_ADDR", texts: []string{"[::1]:65535", "localhost:0"}},
	{variable: "GATEHOUSE_ADDR", texts: []string{"0.0.0.0:80", ":0", "host.example:8080"}, with: beyondLoopback,
		also: issued},
	{variable: "GATEHOUSE_ADDR", texts: []string{"127.0.0.1:1"}, with: []string{"PORT=2"}},
	{variable: "GATEHOUSE_ADDR", texts: []string{
		"127.0.0.1", "8080", ":", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:65536", "127.0.0.1:-1", "::1:8080",
		"http://127.0.0.1:8080",
	}, refused: "HOST:PORT"},
	{variable: "GATEHOUSE_OPS_ADDR", texts: []string{"127.0.0.1:9090", ":0"}},
	{variable: "GATEHOUSE_OPS_ADDR", texts: []string{"127.0.0.1:0"}, with: []string{"GATEHOUSE_ADDR=127.0.0.1:0"},
		also: func(c *config.Config) { c.Addr = "127.0.0.1:0" }},
	{variable: "GATEHOUSE_OPS_ADDR", texts: []string{"9090", "off", "127.0.0.1:metrics"}, refused: "HOST:PORT"},
	{variable: "GATEHOUSE_OPS_ADDR", texts: []string{"127.0.0.1:8080"}, refused: "public listener"},
	{variable: "GATEHOUSE_OPS_ADDR", texts: []string{"0.0.0.0:9000"}, with: append(beyondLoopback, "PORT=9000"),
		refused: "(PORT)"},
	{variable: "GATEHOUSE_PPROF", texts: []string{"on"}, with: []string{"GATEHOUSE_OPS_ADDR=127.0.0.1:9090"},
		also: func(c *config.Config) { c.OpsAddr = "127.0.0.1:9090" }},
	{variable: "GATEHOUSE_PPROF", texts: []string{"on"}, refused: "GATEHOUSE_OPS_ADDR"},
	{variable: "GATEHOUSE_PPROF", texts: []string{"yes", "1"}, refused: "neither on nor off"},
	{variable: "PORT", texts: []string{"9000"}, with: beyondLoopback,
		also: func(c *config.Config) { issued(c); c.Addr = "0.0.0.0:9000" }},
	{variable: "PORT", texts: []string{"abc", "1:2", "65536"}, refused: "HOST:PORT"},

	{variable: "GATEHOUSE_DATABASE_URL", texts: []string{"sqlite:/var/lib/g/g.db"},
		also: func(c *config.Config) { c.SecretFile = "/var/lib/g/gatehouse.secret" }},
	{variable: "GATEHOUSE_DATABASE_URL", texts: []string{"sqlite:data/g.db"},
		also: func(c *config.Config) { c.SecretFile = filepath.Join("data", "gatehouse.secret") }},
	{variable: "GATEHOUSE_DATABASE_URL", texts: []string{"postgres://u:p@h/d", "postgresql://h/d"},
		with: []string{"DATABASE_URL=sqlite:x"}, also: func(c *config.Config) { c.SecretFile = "" }},
	{variable: "GATEHOUSE_DATABASE_URL", texts: []string{"mysql://u:hunter2@h/d"}, refused: "sqlite:PATH"},
	{variable: "GATEHOUSE_DATABASE_URL", texts: []string{"gatehouse.db"}, with: []string{"DATABASE_URL=sqlite:x"},
		refused: "sqlite:PATH"},
	{variable: "DATABASE_URL", texts: []string{"postgres://h/d"},
		also: func(c *config.Config) { c.DatabaseURL, c.SecretFile = "postgres://h/d", "" }},
	{variable: "DATABASE_URL", texts: []string{"mysql://u:hunter2@h/d"}, refused: "sqlite:PATH"},
	{variable: "GATEHOUSE_DATABASE_CONNECTIONS", texts: []string{"4"}, also: func(c *config.Config) { c.Connections = 4 }},
	{variable: "GATEHOUSE_DATABASE_CONNECTIONS", texts: []string{"1000"}, also: func(c *config.Config) { c.Connections = 1000 }},
	{variable: "GATEHOUSE_DATABASE_CONNECTIONS", texts: []string{"3", "-1", "1001"}, refused: "4 to 1000"},
	{variable: "GATEHOUSE_DATABASE_CONNECTIONS", texts: []string{"many", "16.5"}, refused: "not a whole number"},
	{variable: "GATEHOUSE_SECRET", texts: []string{"s=e=c ret"}, also: func(c *config.Config) { c.SecretFile = "" }},
	{variable: "GATEHOUSE_SECRET_PREVIOUS", texts: []string{"the former s=e=c ret"},
		also: func(c *config.Config) { c.Previous = "the former s=e=c ret" }},
	{variable: "GATEHOUSE_SECRET", texts: []string{"hunter2"}, with: []string{"GATEHOUSE_SECRET_FILE=f"},
		refused: "GATEHOUSE_SECRET_FILE"},
	{variable: "GATEHOUSE_SECRET_FILE", texts: []string{"/run/secrets/g"}},
	{variable: "GATEHOUSE_SECRET_FILE", texts: []string{"f"}, with: []string{"DATABASE_URL=postgres://h/d"},
		also: func(c *config.Config) { c.DatabaseURL = "postgres://h/d" }},
	{variable: "GATEHOUSE_SIGNING_KEY", texts: []string{"key.pem"}},

	{variable: "GATEHOUSE_ISSUER", texts: []string{"https://id.example.org", "http://127.0.0.1:8080/tenant/"}},
	{variable: "GATEHOUSE_ISSUER", texts: []string{
		"id.example.org", "ftp://id.example.org", "https://", "https://:443", "https://id example.org",
	}, refused: "http or https"},
	{variable: "GATEHOUSE_ISSUER", texts: []string{"https://id.example.org?a=b", "https://id.example.org?"},
		refused: "query"},
	{variable: "GATEHOUSE_ISSUER", texts: []string{"https://id.example.org#a", "https://id.example.org#"},
		refused: "fragment"},
	{variable: "GATEHOUSE_ISSUER", texts: []string{"https://ada@id.example.org"}, refused: "user"},
	{variable: "GATEHOUSE_ISSUER", texts: []string{""}, with: []string{"GATEHOUSE_ADDR=0.0.0.0:80"}, refused: "required"},
	{variable: "GATEHOUSE_ISSUER", texts: []string{""}, with: []string{"PORT=80"}, refused: "PORT=0.0.0.0:80 is reached"},
	{variable: "GATEHOUSE_AUDIENCE", texts: []string{"api"}},
	{variable: "GATEHOUSE_ACCESS_TTL", texts: []string{"1s", "24h"}},
	{variable: "GATEHOUSE_ACCESS_TTL", texts: []string{"soon"}, refused: "soon"},
	{variable: "GATEHOUSE_ACCESS_TTL", texts: []string{"600"}, refused: "600"},
	{variable: "GATEHOUSE_ACCESS_TTL", texts: []string{"0s", "-1s", "1500ms", "24h1s"}, refused: "whole seconds"},
	{variable: "GATEHOUSE_REFRESH_TTL", texts: []string{"10m"}},
	{variable: "GATEHOUSE_REFRESH_TTL", texts: []string{"9m59s"}, refused: "GATEHOUSE_ACCESS_TTL"},
	{variable: "GATEHOUSE_REFRESH_TTL", texts: []string{"30d"}, refused: "30d"},
	{variable: "GATEHOUSE_REFRESH_TTL", texts: []string{"99999999h"}, refused: "99999999h"},
	{variable: "GATEHOUSE_SESSION_TTL", texts: []string{"720h"}},
	{variable: "GATEHOUSE_SESSION_TTL", texts: []string{"719h"}, refused: "GATEHOUSE_REFRESH_TTL"},
	{variable: "GATEHOUSE_SESSION_TTL", texts: []string{"x"}, refused: "x"},
	{variable: "GATEHOUSE_AUDIT_RETENTION", texts: []string{"24h", "87600h"}},
	{variable: "GATEHOUSE_AUDIT_RETENTION", texts: []string{"23h59m"}, refused: "less than 24h"},
	{variable: "GATEHOUSE_AUDIT_RETENTION", texts: []string{"1y"}, refused: "1y"},
	{variable: "GATEHOUSE_DELETION_GRACE", texts: []string{"0", "0s", "1h", "8760h"}},
	{variable: "GATEHOUSE_DELETION_GRACE", texts: []string{"-1s", "8761h"}, refused: "between 0 and 8760h"},
	{variable: "GATEHOUSE_DELETION_GRACE", texts: []string{"30d"}, refused: "30d"},

	{variable: "GATEHOUSE_ALLOWED_ORIGINS", texts: []string{
		"https://app.example.com", "https://a.example:8443,http://[::1]:5173,http://localhost", "http://192.0.2.7:5173",
	}},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", texts: []string{"https://a.example, http://localhost"},
		also: func(c *config.Config) { c.Origins = []string{"https://a.example", "http://localhost"} }},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", texts: []string{"http://localhost:5173"},
		with: []string{"GATEHOUSE_ISSUER=https://a.example"},
		also: func(c *config.Config) { c.Issuer = "https://a.example" }},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", texts: []string{"http://app.example.com"},
		with: []string{"GATEHOUSE_ISSUER=https://a.example"}, refused: "serve the page over https"},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", texts: []string{
		"https://app.example.com/", "https://app.example.com/page", "https://app.example.com?a=b",
		"https://app.example.com#", "https://ann@app.example.com", "https://App.example.com", "HTTPS://app.example.com",
		"https://app.example.com:443", "https://app.example.com:",
	}, refused: "write https://app.example.com"},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", texts: []string{"http://localhost:80"}, refused: "write http://localhost"},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", texts: []string{"https://a.example,b.example"},
		refused: `"b.example" is not an origin`},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", texts: []string{"https://a.example,"}, refused: `"" is not an origin`},
	{variable: "GATEHOUSE_ALLOWED_ORIGINS", texts: []string{
		"https://bücher.example", "*", "https://*.example.com", "null", "ftp://a.example", "https://:443",
	}, refused: "is not an origin"},
	{variable: "GATEHOUSE_TRUSTED_PROXIES", texts: []string{"10.0.0.0/8, 192.0.2.7,2001:db8::/32,::1"},
		also: func(c *config.Config) {
			for _, prefix := range []string{"10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32", "::1/128"} {
				c.TrustedProxies = append(c.TrustedProxies, netip.MustParsePrefix(prefix))
			}
		}},
	{variable: "GATEHOUSE_TRUSTED_PROXIES", texts: []string{
		"10.0.0.0/33", "proxy.example", "10.0.0.1,", "10.0.0.1:80", "::ffff:10.0.0.1",
	}, refused: "CIDR"},
	{variable: "GATEHOUSE_TRUSTED_PROXIES", texts: []string{"10.1.2.3/8"}, refused: "write 10.1.2.3 or 10.0.0.0/8"},

	{variable: "GATEHOUSE_SMTP_URL", texts: []string{"smtp://app:p%40s%3As@mail.example.com"}, with: from, also: relayed(
		config.MailServer{Host: "mail.example.com", Port: 587, User: "app", Password: "p@s:s"})},
	{variable: "GATEHOUSE_SMTP_URL", texts: []string{"smtps://a%40b.example:p@[::1]/"}, with: from, also: relayed(
		config.MailServer{Host: "::1", Port: 465, TLS: true, User: "a@b.example", Password: "p"})},
	{variable: "GATEHOUSE_SMTP_URL", texts: []string{"smtp://localhost:25"}, with: from, also: relayed(
		config.MailServer{Host: "localhost", Port: 25})},
	{variable: "GATEHOUSE_SMTP_URL", texts: []string{
		"mail.example.com:587", "http://mail.example.com", "smtp://", "smtp://:587", "smtp://h:0", "smtp://h:65536",
		"smtp://h:smtp", "smtp://h/path", "smtp://h?tls=off", "smtp://h#x", "smtp://user@h", "smtp://:password@h",
		"smtp://user:p%zz@h", "smtp://user:p/word@h", "smtp://a b@h",
	}, with: from, refused: "smtp://USER:PASSWORD@HOST:587"},
	{variable: "GATEHOUSE_MAIL_FROM", texts: []string{"app@example.com"},
		also: func(c *config.Config) { c.From = mail.Address{Address: "app@example.com"} }},
	{variable: "GATEHOUSE_MAIL_FROM", texts: []string{"An App <app@example.com>"},
		also: func(c *config.Config) { c.From = mail.Address{Name: "An App", Address: "app@example.com"} }},
	{variable: "GATEHOUSE_MAIL_FROM", texts: []string{"app", "app@host", "a@example.com, b@example.com", "@example.com"},
		refused: "accounts@example.com"},
	{variable: "GATEHOUSE_MAIL_FROM", texts: []string{""}, with: []string{"GATEHOUSE_SMTP_URL=smtp://h"},
		refused: "required with GATEHOUSE_SMTP_URL"},
	{variable: "GATEHOUSE_MAIL_TEMPLATES", texts: []string{"/etc/gatehouse/mail"}},
	{variable: "GATEHOUSE_THEME", texts: []string{"/etc/gatehouse/theme.css"}},
	{variable: "GATEHOUSE_APP_NAME", texts: []string{"Example Shop & Söhne"}},
	{variable: "GATEHOUSE_APP_NAME", texts: []string{strings.Repeat("ä", 61)}, refused: "61 letters"},
	{variable: "GATEHOUSE_ACCOUNT_URL", texts: []string{"https://example.com/me", "http://localhost:5173"}},
	{variable: "GATEHOUSE_ACCOUNT_URL", texts: []string{"example.com", "https://example.com?a=b", "https://example.com#a",
		"https://ann@example.com", "javascript:alert(1)"}, refused: "http or https"},

	{variable: "GATEHOUSE_REGISTRATION", texts: []string{"open", "confirmed", "closed"}},
	{variable: "GATEHOUSE_REGISTRATION", texts: []string{"on", "CLOSED", "invited"}, refused: "open, confirmed or closed"},

	{variable: "GATEHOUSE_ADMIN_MFA", texts: []string{"off", "required"}},
	{variable: "GATEHOUSE_ADMIN_MFA", texts: []string{"on", "true", "Required"}, refused: "neither off nor required"},

	{variable: "GATEHOUSE_HASH_WORKER", texts: []string{"on", "off"}},
	{variable: "GATEHOUSE_HASH_WORKER", texts: []string{"false"}, refused: "on nor off"},
	{variable: "GATEHOUSE_PLAYGROUND", texts: []string{"on", "off"}},
	{variable: "GATEHOUSE_PLAYGROUND", texts: []string{"true", "OFF"}, refused: "on or off"},
	{variable: "GATEHOUSE_ARGON2", texts: []string{"m=8,t=1,p=1"}},
	{variable: "GATEHOUSE_LIMITS", texts: []string{"depth=5"}},
	{variable: "GATEHOUSE_LOG", texts: []string{"debug"}, also: func(c *config.Config) { c.LogLevel = slog.LevelDebug }},
	{variable: "GATEHOUSE_LOG", texts: []string{"warn,json"},
		also: func(c *config.Config) { c.LogLevel, c.LogJSON = slog.LevelWarn, true }},
	{variable: "GATEHOUSE_LOG", texts: []string{"error"}, also: func(c *config.Config) { c.LogLevel = slog.LevelError }},
	{variable: "GATEHOUSE_LOG", texts: []string{"INFO"}, refused: "debug, info, warn or error"},
	{variable: "GATEHOUSE_LOG", texts: []string{"info,", "info,text", "info,json,json"}, refused: ",json"},
}

// want returns the defaults with the variable's field set to the text, and what else changes.
func (v values) want(text string) *config.Config {
	c := defaults()
	for f, field := range reflect.ValueOf(c).Elem().Fields() {
		if f.Tag.Get("env") != v.variable {
			continue
		}
		switch to := field.Addr().Interface().(type) {
		case *string:
			*to = text
		case *[]string:
			*to = strings.Split(text, ",")
		case *time.Duration:
			*to, _ = time.ParseDuration(text)
		}
	}
	if v.also != nil {
		v.also(c)
	}
	return c
}
