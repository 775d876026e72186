package verify

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/token"
)

const (
	isInvalid = `Bearer error="invalid_token", error_description="the access token is invalid"`
	isExpired = `Bearer error="invalid_token", error_description="the access token is expired"`
)

// TestMiddleware_AnswersAsRFC6750Says tries each kind of secret that a Gatehouse and its neighbours hand out: only an
// access token for this audience passes.
func TestMiddleware_AnswersAsRFC6750Says(t *testing.T) {
	g := newGatehouse(t)
	v := g.plain()
	good := g.issue()
	secret := must(token.NewSecret(bytes.Repeat([]byte("0123456789abcdef"), 2)))
	refresh := must(must(token.NewRefreshTokens(must(token.NewSecrets(secret)), nil)).New(theUser, theSession))
	foreignKeys := lone(newKey())
	by := func(c token.Config, of token.Claims) []string {
		return []string{"Bearer " + g.issueBy(g.another(c), of)}
	}
	past := g.claims()
	past.IssuedAt = g.clock.now().Add(-time.Hour)
	past.AuthenticatedAt = past.IssuedAt
	g.clock.forward(unknownKidInterval) // so that an unknown kid may be fetched
	for name, c := range map[string]struct {
		headers   []string
		status    int
		challenge string
	}{
		"an access token":     {[]string{"Bearer " + good}, 200, ""},
		"another case":        {[]string{"bEaReR " + good}, 200, ""},
		"nothing":             {nil, 401, `Bearer realm="gatehouse"`},
		"the scheme alone":    {[]string{"Bearer "}, 401, `Bearer realm="gatehouse"`},
		"another scheme":      {[]string{"Basic YTpi"}, 401, isInvalid},
		"a tab":               {[]string{"Bearer\t" + good}, 401, isInvalid},
		"two spaces":          {[]string{"Bearer  " + good}, 200, ""},
		"two headers":         {[]string{"Bearer " + good, "Bearer " + good}, 400, `Bearer error="invalid_request"`},
		"a refresh token":     {[]string{"Bearer " + refresh.Text()}, 401, isInvalid},
		"the feed's token":    {[]string{"Bearer " + feedToken}, 401, isInvalid},
		"a changed one":       {[]string{"Bearer " + good[:len(good)-8] + "AAAAAAAA"}, 401, isInvalid},
		"an expired one":      {[]string{"Bearer " + g.issueBy(g.issuer, past)}, 401, isExpired},
		"expired and changed": {by(token.Config{Keys: foreignKeys}, past), 401, isInvalid},
		"another audience":    {by(token.Config{Audience: "billing"}, g.claims()), 401, isInvalid},
		"another issuer":      {by(token.Config{Issuer: "https://x"}, g.claims()), 401, isInvalid},
		"another key":         {by(token.Config{Keys: foreignKeys}, g.claims()), 401, isInvalid},
		"a megabyte of dot":   {[]string{"Bearer " + strings.Repeat(".", 1<<20)}, 401, isInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			response := call(v, c.headers...)
			text := body(t, response)
			if response.StatusCode != c.status || response.Header.Get("WWW-Authenticate") != c.challenge {
				t.Errorf("%d, %q; want %d, %q", response.StatusCode, response.Header.Get("WWW-Authenticate"), c.status, c.challenge)
			}
			if let := text == theUser.String()+" USER"; let != (c.status == 200) {
				t.Errorf("let in: %v, with %q", let, text)
			}
			if c.status != 200 && response.Header.Get("Cache-Control") != "no-store" {
				t.Error("a refusal may be cached")
			}
		})
	}
	for _, secretText := range []string{good, refresh.Text(), feedToken} {
		if strings.Contains(g.log.String(), secretText) {
			t.Errorf("the log holds a token:\n%s", g.log)
		}
	}
}

func TestVerify_ReturnsTheClaims(t *testing.T) {
	g := newGatehouse(t)
	v := g.plain()
	now := g.clock.now().UTC().Truncate(time.Second)
	text := g.issueBy(g.issuer, token.Claims{
		UserID: theUser, SessionID: theSession, ID: "one", AuthenticatedAt: now.Add(-time.Hour), IssuedAt: now,
		Roles: []string{"ADMIN", "USER"}, Scopes: []string{"read"}, AMR: token.Password,
	})
	said := &Token{
		UserID: theUser, SessionID: theSession, ID: "one", AuthTime: now.Add(-time.Hour), IssuedAt: now,
		ExpiresAt: now.Add(10 * time.Minute), Roles: []string{"ADMIN", "USER"}, Scopes: []string{"read"}, AMR: []string{"pwd"},
	}
	for range 2 {
		read := must(v.Verify(t.Context(), text))
		if diff := cmp.Diff(said, read); diff != "" {
			t.Errorf("(-said +read)\n%s", diff)
		}
		read.Roles[1], read.AMR[0], read.UserID = "ADMIN", "mfa", uuid.Nil
	}
}

func TestNew_BadConfigurationIsRefused(t *testing.T) {
	good := func() Config {
		return Config{Issuer: "https://id.example.org", Revocations: &Feed{Token: feedToken}}
	}
	v, err := New(good())
	if err != nil || v.keys.url != "https://id.example.org/.well-known/jwks.json" ||
		v.feed.URL != "https://id.example.org/revocations" || v.feed.MaxSilence != time.Second {
		t.Fatalf("the positive control: %v", err)
	}
	for name, spoil := range map[string]func(*Config){
		"no issuer":              func(c *Config) { c.Issuer = "" },
		"an issuer without host": func(c *Config) { c.Issuer = "id.example.org" },
		"a file":                 func(c *Config) { c.JWKS = "file:///etc/passwd" },
		"another scheme":         func(c *Config) { c.JWKS = "ftp://id.example.org/keys" },
		"data":                   func(c *Config) { c.JWKS = "data:,{}" },
		"a password in the URL":  func(c *Config) { c.JWKS = "https://a:b@id.example.org/" },
		"an audience not UTF-8":  func(c *Config) { c.Audience = "\xff" },
		"no feed token":          func(c *Config) { c.Revocations.Token = "" },
		"a feed token of lines":  func(c *Config) { c.Revocations.Token = "a\r\nb" },
		"a feed by file":         func(c *Config) { c.Revocations.URL = "file:///x" },
		"an introspection file":  func(c *Config) { c.Introspection = "file:///x" },
		"tokens without a feed":  func(c *Config) { c.PersonalAccessTokens, c.Revocations = true, nil },
		"a short silence":        func(c *Config) { c.Revocations.MaxSilence = 499 * time.Millisecond },
	} {
		c := good()
		spoil(&c)
		if _, err := New(c); err == nil || strings.Contains(err.Error(), feedToken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The control is an unknown kid alone, for which the issuer's own key set is fetched.
func TestVerify_AddressInTheHeaderIsNotFetched(t *testing.T) {
	g := newGatehouse(t)
	v := g.plain()
	want(t, v, g.issue(), nil)
	fetched := g.fetches.Load()
	g.failKeys()
	g.clock.forward(unknownKidInterval)
	_, rest, _ := strings.Cut(g.issue(), ".")
	verify := func(err error, header map[string]string) {
		t.Helper()
		want(t, v, base64.RawURLEncoding.EncodeToString(must(json.Marshal(header)))+"."+rest, err)
	}
	address := g.URL + "/.well-known/jwks.json"
	verify(ErrInvalid, map[string]string{"alg": "EdDSA", "typ": "at+jwt", "kid": "x", "jku": address})
	if g.fetches.Load() != fetched {
		t.Error("the address was fetched")
	}
	verify(ErrUnavailable, map[string]string{"alg": "EdDSA", "typ": "at+jwt", "kid": "x"})
}
