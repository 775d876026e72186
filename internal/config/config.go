// Package config is the only reader of the environment. It reads it once, checks all values, and refuses with a
// sentence that names the variable. It checks the form of a value; what it means beyond that is known by the package
// that uses it.
package config

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// Config is what the environment says, with defaults filled in. The tags are the whole list of variables; `help` is
// their description in `gatehouse help config`.
type Config struct {
	Addr          string        `env:"GATEHOUSE_ADDR" help:"address of the public listener (default 127.0.0.1:8080; PORT alone means 0.0.0.0:$PORT)"`
	OpsAddr       string        `env:"GATEHOUSE_OPS_ADDR" help:"address of a second listener with /metrics (Prometheus) and /readyz, such as 127.0.0.1:9090; every client that reaches it may read both (default off)"`
	Pprof         string        `env:"GATEHOUSE_PPROF" envDefault:"off" help:"on: the second listener also serves Go's profiles at /debug/pprof/, to every client that reaches it"`
	DatabaseURL   string        `env:"GATEHOUSE_DATABASE_URL" file:"line" help:"sqlite:PATH or postgres://…, several hosts as h1:5432,h2:5432 with ?target_session_attrs=read-write; else DATABASE_URL (default sqlite:gatehouse.db)"`
	Connections   int           `env:"GATEHOUSE_DATABASE_CONNECTIONS" help:"connections of one instance to the database, 4 to 1000; one more reads the log of changes (default with Postgres 16; with SQLite one for each processor, at least 4)"`
	Secret        string        `env:"GATEHOUSE_SECRET" file:"created" help:"at least 32 bytes, base64 or raw: seals signing keys, keys the digests of refresh tokens"`
	SecretFile    string        `env:"GATEHOUSE_SECRET_FILE" help:"file with the secret, created when absent (default with SQLite: gatehouse.secret beside the database; with Postgres one of the two is required)"`
	Previous      string        `env:"GATEHOUSE_SECRET_PREVIOUS" file:"raw" help:"while the secret is rotated: the former one, which still opens what it protects (gatehouse help secret rotate)"`
	SigningKey    string        `env:"GATEHOUSE_SIGNING_KEY" help:"path of a PKCS#8 PEM private key: Ed25519, ECDSA P-256 or RSA of 2048 bits or more (default: created and stored in the database, sealed)"`
	KeyRotation   string        `env:"GATEHOUSE_KEY_ROTATION" envDefault:"2160h" help:"how long a signing key of the database signs before the next one does; off: until gatehouse keys rotate"`
	Issuer        string        `env:"GATEHOUSE_ISSUER" help:"iss of every token: the address that clients know (default http://ADDR on loopback; beyond loopback it is required)"`
	Audience      string        `env:"GATEHOUSE_AUDIENCE" envDefault:"gatehouse" help:"aud and client_id of access tokens"`
	AccessTTL     time.Duration `env:"GATEHOUSE_ACCESS_TTL" envDefault:"10m" help:"life of an access token"`
	RefreshTTL    time.Duration `env:"GATEHOUSE_REFRESH_TTL" envDefault:"720h" help:"idle life of a refresh token"`
	SessionTTL    time.Duration `env:"GATEHOUSE_SESSION_TTL" envDefault:"2160h" help:"life of a session in all"`
	Revocations   string        `env:"GATEHOUSE_REVOCATIONS_TOKEN" file:"line" help:"bearer token of the services that read /revocations and ask /introspect, at least 32 characters; two with a comma between while it is changed (default: neither is there)"`
	Origins       []string      `env:"GATEHOUSE_ALLOWED_ORIGINS" help:"origins of the pages that may call from a browser, beside the issuer's own, comma-separated, such as https://app.example.com; those of a custom scheme, such as capacitor://localhost, without the cookie (default none; while listening on loopback with the default issuer, every origin on loopback)"`
	Proxies       []string      `env:"GATEHOUSE_TRUSTED_PROXIES" help:"proxies whose X-Forwarded-For is used: addresses and CIDRs, comma-separated (default none)"`
	Playground    string        `env:"GATEHOUSE_PLAYGROUND" envDefault:"auto" help:"Playground, introspection and /schema.graphql: on, off, or auto (on while listening on loopback with an issuer there)"`
	Registration  string        `env:"GATEHOUSE_REGISTRATION" envDefault:"open" help:"who gets an account: open (whoever registers), confirmed (whoever follows the link of a mail; register tells nobody whether an address is taken), or closed (whom administrators invite)"`
	AdminMFA      string        `env:"GATEHOUSE_ADMIN_MFA" envDefault:"off" help:"required: the role ADMIN counts only in sessions that have proved a second factor; an administrator without one can sign in and set one up"`
	SMTPURL       string        `env:"GATEHOUSE_SMTP_URL" file:"line" help:"mail server that mails are sent by: smtp://USER:PASSWORD@HOST:587 (by STARTTLS, except on loopback) or smtps://USER:PASSWORD@HOST:465 (default: on loopback the page /inbox shows the mails, and beyond it none are sent)"`
	MailFrom      string        `env:"GATEHOUSE_MAIL_FROM" help:"address that mails are from, such as accounts@example.com or Example <accounts@example.com>; required with GATEHOUSE_SMTP_URL"`
	MailTemplates string        `env:"GATEHOUSE_MAIL_TEMPLATES" help:"folder with files in place of the embedded ones of internal/mail/templates, such as de/reset.txt, and with further languages (default none)"`
	AppName       string        `env:"GATEHOUSE_APP_NAME" envDefault:"Gatehouse" help:"name of the product in mails, of their sender when GATEHOUSE_MAIL_FROM has none, and on the pages at /account and /admin"`
	AccountURL    string        `env:"GATEHOUSE_ACCOUNT_URL" help:"address of the pages that links in mails lead to (default ISSUER/account)"`
	Theme         string        `env:"GATEHOUSE_THEME" help:"file with CSS for the pages at /account and /admin, such as :root { --accent: #0a7d4f }; web/account/account.css has the variables (default none)"`
	Retention     time.Duration `env:"GATEHOUSE_AUDIT_RETENTION" envDefault:"8760h" help:"how long the audit log has an event, at least 24h"`
	DeletionGrace time.Duration `env:"GATEHOUSE_DELETION_GRACE" envDefault:"720h" help:"how long the owner of a deleted account can have it again by signing in, at most 8760h; 0 to erase it immediately"`
	Argon2        string        `env:"GATEHOUSE_ARGON2" envDefault:"m=19456,t=2,p=1" help:"cost of hashing a password; less is refused unless listening on loopback"`
	HashWorker    string        `env:"GATEHOUSE_HASH_WORKER" envDefault:"on" help:"passwords are hashed in processes of lower priority: on, or off to hash in the server, where other requests wait longer while many sign in"`
	Limits        string        `env:"GATEHOUSE_LIMITS" help:"bounds of one operation, any subset (default body=64KiB,tokens=1000,depth=8,fields=250,roots=10,aliases=15,page=100)"`
	Throttle      string        `env:"GATEHOUSE_THROTTLE" envDefault:"on" help:"attempts before the next has to wait, any subset: account=5,pair=5,network=100,register=30,refresh=300,mail=30,signin=300 (on is these); off is refused unless listening on loopback"`
	Drain         string        `env:"GATEHOUSE_DRAIN" envDefault:"auto" help:"how long after SIGTERM it goes on serving while /readyz says 503, so that proxies turn away: a duration up to 1m, or auto (0s while listening on loopback, else 5s)"`
	Log           string        `env:"GATEHOUSE_LOG" envDefault:"info" help:"debug, info, warn or error; with ,json behind it for JSON lines"`

	RotateEvery    time.Duration  `env:"-"` // 0: never
	MailServer     MailServer     `env:"-"`
	From           mail.Address   `env:"-"` // of GATEHOUSE_MAIL_FROM
	LogLevel       slog.Level     `env:"-"`
	LogJSON        bool           `env:"-"`
	TrustedProxies []netip.Prefix `env:"-"`
	Files          []File         `env:"-"` // those that hold values of variables
	Traces         Traces         `env:"-"` // by OpenTelemetry's variables
	Warnings       []string       `env:"-"` // about variables that are ignored
	GOGC           bool           `env:"-"` // whether this variable of Go's is set, which its runtime reads
	GOMEMLIMIT     bool           `env:"-"` // the same
}

// Load reads the configuration from an environment of NAME=value lines. Its error names every fault.
func Load(environment []string) (*Config, error) {
	values := env.ToMap(environment)
	c := &Config{}
	var all faults
	c.readFiles(&all, values)
	checkEnvironment(&all, values)
	if err := env.ParseWithOptions(c, env.Options{Environment: values}); err != nil {
		nameVariables(&all, err)
		return nil, errors.Join(all.errs...)
	}
	c.Traces = loadTraces(values)
	c.GOGC, c.GOMEMLIMIT = values["GOGC"] != "", values["GOMEMLIMIT"] != ""
	c.Warnings = warnOfGuesses(values)
	addrFrom, databaseFrom := c.setFromPlatform(values)
	c.check(&all, addrFrom, databaseFrom)
	if len(all.errs) > 0 {
		return nil, errors.Join(all.errs...)
	}
	c.setSecretFile()
	return c, nil
}

// setSecretFile puts the secret beside a SQLite database when no other place is configured.
func (c *Config) setSecretFile() {
	if path, ok := strings.CutPrefix(c.DatabaseURL, "sqlite:"); ok && c.Secret == "" && c.SecretFile == "" {
		c.SecretFile = filepath.Join(filepath.Dir(path), "gatehouse.secret")
	}
}

// setFromPlatform reads the variables that platforms set, where ours are not set. It returns the variables that the
// address and the URL of the database are from.
func (c *Config) setFromPlatform(values map[string]string) (addrFrom, databaseFrom string) {
	addrFrom, databaseFrom = "GATEHOUSE_ADDR", "GATEHOUSE_DATABASE_URL"
	if port := values["PORT"]; c.Addr == "" && port != "" {
		c.Addr, addrFrom = "0.0.0.0:"+port, "PORT"
	}
	if address := values["DATABASE_URL"]; c.DatabaseURL == "" && address != "" {
		c.DatabaseURL, databaseFrom = address, "DATABASE_URL"
	}
	c.Addr, c.DatabaseURL = cmp.Or(c.Addr, "127.0.0.1:8080"), cmp.Or(c.DatabaseURL, "sqlite:gatehouse.db")
	return addrFrom, databaseFrom
}

// Invalid names the variable whose value cannot be used, and why.
func Invalid(name string, why error) error { return fmt.Errorf("%s: %w", name, why) }

// faults are values that cannot be used, one sentence for each: the first fault that was found in it.
type faults struct {
	errs  []error
	files []File // whose variables are named in place of those whose values they hold
}

func (f *faults) add(name, format string, args ...any) {
	if !f.has(name) {
		f.errs = append(f.errs, Invalid(f.source(name), fmt.Errorf(format, args...)))
	}
}

// source returns the variable that gives the value of another.
func (f *faults) source(name string) string {
	if i := slices.IndexFunc(f.files, func(file File) bool { return file.Variable == name+fileSuffix }); i >= 0 {
		return f.files[i].Variable
	}
	return name
}

func (f *faults) has(name string) bool {
	name = f.source(name)
	return slices.ContainsFunc(f.errs, func(fault error) bool { return strings.HasPrefix(fault.Error(), name+": ") })
}

// check refuses values that cannot be used, and sets what is made of the others.
func (c *Config) check(all *faults, addrFrom, databaseFrom string) {
	c.checkAddresses(all, addrFrom)
	scheme, _, _ := strings.Cut(c.DatabaseURL, ":")
	if !slices.Contains([]string{"sqlite", "postgres", "postgresql"}, scheme) {
		all.add(databaseFrom, "is neither sqlite:PATH nor postgres://USER:PASSWORD@HOST/NAME")
	}
	if c.Connections != 0 && (c.Connections < 4 || c.Connections > 1000) {
		all.add("GATEHOUSE_DATABASE_CONNECTIONS", "%d is not a number from 4 to 1000", c.Connections)
	}
	c.checkTokens(all)
	c.checkSwitches(all)
	c.checkMail(all)
	for _, v := range []struct {
		name string
		set  func() error
	}{
		{"GATEHOUSE_KEY_ROTATION", c.setKeyRotation},
		{"GATEHOUSE_ALLOWED_ORIGINS", c.checkOrigins},
		{"GATEHOUSE_TRUSTED_PROXIES", c.setTrustedProxies},
		{"GATEHOUSE_LOG", c.setLog},
	} {
		if err := v.set(); err != nil {
			all.add(v.name, "%w", err)
		}
	}
}

func (c *Config) checkAddresses(all *faults, addrFrom string) {
	if !isAddr(c.Addr) {
		all.add(addrFrom, "%q is not HOST:PORT with a number as the port, such as 127.0.0.1:8080", c.Addr)
	}
	if c.OpsAddr != "" && !isAddr(c.OpsAddr) {
		all.add("GATEHOUSE_OPS_ADDR", "%q is not HOST:PORT with a number as the port, such as 127.0.0.1:9090", c.OpsAddr)
	}
	if _, port, _ := net.SplitHostPort(c.Addr); c.OpsAddr == c.Addr && port != "0" {
		all.add("GATEHOUSE_OPS_ADDR", "%s is the public listener's address (%s); give another one: "+
			"what it serves is not for the public", c.OpsAddr, addrFrom)
	}
	if c.Issuer == "" && !c.Loopback() && !all.has(addrFrom) {
		all.add("GATEHOUSE_ISSUER", "is required, because %s=%s is reached from other machines; give the address that "+
			"clients know, such as https://id.example.com", addrFrom, c.Addr)
	}
	if c.Issuer != "" && !isIssuer(c.Issuer) {
		all.add("GATEHOUSE_ISSUER", "%q is not an http or https address without user, query and fragment", c.Issuer)
	}
}

func (c *Config) checkTokens(all *faults) {
	if c.AccessTTL < time.Second || c.AccessTTL > 24*time.Hour || c.AccessTTL%time.Second != 0 {
		all.add("GATEHOUSE_ACCESS_TTL", "%v is not a number of whole seconds between 1s and 24h", c.AccessTTL)
	}
	if c.RefreshTTL < c.AccessTTL {
		all.add("GATEHOUSE_REFRESH_TTL", "%v is shorter than GATEHOUSE_ACCESS_TTL (%v)", c.RefreshTTL, c.AccessTTL)
	}
	if c.SessionTTL < c.RefreshTTL {
		all.add("GATEHOUSE_SESSION_TTL", "%v is shorter than GATEHOUSE_REFRESH_TTL (%v)", c.SessionTTL, c.RefreshTTL)
	}
	if c.Retention < 24*time.Hour {
		all.add("GATEHOUSE_AUDIT_RETENTION", "%v is less than 24h", c.Retention)
	}
	if c.DeletionGrace < 0 || c.DeletionGrace > 8760*time.Hour {
		all.add("GATEHOUSE_DELETION_GRACE", "%v is not between 0 and 8760h", c.DeletionGrace)
	}
	if slices.ContainsFunc(c.RevocationTokens(), isWeakToken) {
		all.add("GATEHOUSE_REVOCATIONS_TOKEN",
			"each token needs at least 32 visible ASCII characters; make one with: openssl rand -hex 32")
	}
}

func (c *Config) checkSwitches(all *faults) {
	if !slices.Contains([]string{"on", "off"}, c.HashWorker) {
		all.add("GATEHOUSE_HASH_WORKER", "%q is neither on nor off", c.HashWorker)
	}
	if !slices.Contains([]string{"off", "required"}, c.AdminMFA) {
		all.add("GATEHOUSE_ADMIN_MFA", "%q is neither off nor required", c.AdminMFA)
	}
	if !slices.Contains([]string{"on", "off"}, c.Pprof) {
		all.add("GATEHOUSE_PPROF", "%q is neither on nor off", c.Pprof)
	}
	if c.Pprof == "on" && c.OpsAddr == "" {
		all.add("GATEHOUSE_PPROF", "on needs GATEHOUSE_OPS_ADDR, the listener that serves the profiles")
	}
	if !slices.Contains([]string{"auto", "on", "off"}, c.Playground) {
		all.add("GATEHOUSE_PLAYGROUND", "%q is not auto, on or off", c.Playground)
	}
	if d, err := time.ParseDuration(c.Drain); c.Drain != "auto" && (err != nil || d < 0 || d > time.Minute) {
		all.add("GATEHOUSE_DRAIN", "%q is neither auto nor a duration of a minute at most, such as 5s", c.Drain)
	}
}

func isAddr(text string) bool {
	_, port, err := net.SplitHostPort(text)
	_, noNumber := strconv.ParseUint(port, 10, 16)
	return err == nil && noNumber == nil
}

// isIssuer checks an issuer by RFC 8414, section 2, except that it accepts http, which a server on loopback has.
func isIssuer(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.User == nil &&
		!strings.ContainsAny(text, "?#")
}

func (c *Config) setKeyRotation() error {
	if c.KeyRotation == "off" {
		return nil
	}
	d, err := time.ParseDuration(c.KeyRotation)
	if err != nil || d < time.Hour {
		return fmt.Errorf("%q is neither off nor a duration of an hour or more, such as 2160h", c.KeyRotation)
	}
	c.RotateEvery = d
	return nil
}

func isWeakToken(text string) bool {
	return len(text) < 32 || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}

// RevocationTokens returns the tokens that may read the feed of revocations. Without any, there is no feed.
func (c *Config) RevocationTokens() []string {
	if c.Revocations == "" {
		return nil
	}
	return strings.Split(c.Revocations, ",")
}

func (c *Config) setLog() error {
	level, form, json := strings.Cut(c.Log, ",")
	levels := map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
	}
	l, ok := levels[level]
	if !ok || json && form != "json" {
		return fmt.Errorf("%q is not debug, info, warn or error, with ,json behind it or not", c.Log)
	}
	c.LogLevel, c.LogJSON = l, json
	return nil
}

// Loopback reports whether the public listener is reachable from this machine only.
func (c *Config) Loopback() bool {
	return addrIsLoopback(c.Addr)
}

// MayBeProxied reports whether the public listener is on loopback and its clients know it by another address: a proxy of
// this machine may show it to everybody.
func (c *Config) MayBeProxied() bool {
	u, err := url.Parse(c.Issuer)
	return err == nil && u.Hostname() != "" && !isLoopback(u.Hostname()) && c.Loopback()
}

// OpsLoopback reports whether the second listener is reachable from this machine only.
func (c *Config) OpsLoopback() bool { return addrIsLoopback(c.OpsAddr) }

func addrIsLoopback(addr string) bool {
	host, _, _ := net.SplitHostPort(addr)
	return isLoopback(host)
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// DrainTime is how long the server still answers requests after the signal to stop.
func (c *Config) DrainTime() time.Duration {
	if c.Drain == "auto" && !c.Loopback() {
		return 5 * time.Second
	}
	d, _ := time.ParseDuration(c.Drain) // 0 with auto
	return d
}

// ShowPlayground reports whether the Playground, introspection and the SDL are served.
func (c *Config) ShowPlayground() bool {
	return c.Playground == "on" || c.Playground == "auto" && c.Loopback() && !c.MayBeProxied()
}

// ReadSigningKey returns the PEM file that GATEHOUSE_SIGNING_KEY names, or nil when it is not set.
func (c *Config) ReadSigningKey() ([]byte, error) {
	if c.SigningKey == "" {
		return nil, nil
	}
	text, err := os.ReadFile(c.SigningKey)
	if err != nil {
		return nil, Invalid("GATEHOUSE_SIGNING_KEY", err)
	}
	return text, nil
}
