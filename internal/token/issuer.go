package token

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

const (
	// MaxLength bounds the text of an access token, in bytes.
	MaxLength = 8 << 10
	// MaxTTL bounds the lifetime of an access token. Verify holds every token to it, so that a leaked key cannot sign a
	// token that lasts for years. It does not use the TTL, which may have been longer when the token was issued.
	MaxTTL = 24 * time.Hour
	// Leeway is how far the clock of the issuing instance may be ahead of the verifying one. It is granted to nbf, iat
	// and auth_time; expiry is exact.
	Leeway = 30 * time.Second
)

// Config configures an Issuer.
type Config struct {
	Keys     *Keys            // required
	Issuer   string           // required: iss, compared byte for byte
	Audience string           // required: aud, compared byte for byte; also client_id
	TTL      time.Duration    // default 10 minutes: whole seconds, at most MaxTTL
	Clock    func() time.Time // default time.Now
	Rand     io.Reader        // default crypto/rand: draws each jti

	CacheBytes int // as in VerifierConfig
}

// Issuer signs access tokens, and verifies them with its keys. It may be used concurrently.
type Issuer struct {
	*Verifier
	config Config
}

// NewIssuer checks the configuration.
func NewIssuer(c Config) (*Issuer, error) {
	if c.TTL == 0 {
		c.TTL = 10 * time.Minute
	}
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	switch {
	case c.Keys == nil || c.Keys.set.Load() == nil:
		return nil, errors.New("an issuer of access tokens needs signing keys")
	case c.TTL < time.Second || c.TTL > MaxTTL || c.TTL%time.Second != 0:
		return nil, fmt.Errorf("the lifetime of access tokens cannot be %v: use whole seconds, at most %v", c.TTL,
			MaxTTL)
	}
	verifier, err := NewVerifier(VerifierConfig{Find: c.Keys.find, Issuer: c.Issuer, Audience: c.Audience,
		Clock: c.Clock, CacheBytes: c.CacheBytes})
	if err != nil {
		return nil, err
	}
	c.Clock = verifier.config.Clock
	return &Issuer{verifier, c}, nil
}

// Keys returns the schedule of keys that sign.
func (i *Issuer) Keys() *Keys { return i.config.Keys }

// TTL returns the lifetime of the tokens of Issue, unless Claims ask for a shorter one.
func (i *Issuer) TTL() time.Duration { return i.config.TTL }

// Issue signs an access token that Verify accepts, with the current signing key. It fails for claims that Verify would
// refuse, without randomness, and when every key has ended.
func (i *Issuer) Issue(c Claims) (string, error) {
	if err := i.complete(&c); err != nil {
		return "", fmt.Errorf("issuing an access token: %w", err)
	}
	key := i.config.Keys.Signing(i.config.Clock())
	if key == nil {
		return "", errors.New("issuing an access token: every signing key has ended")
	}
	claims := jwt.MapClaims{
		"iss":       i.config.Issuer,
		"aud":       i.config.Audience,
		"client_id": i.config.Audience, // the one client that there is
		"sub":       c.UserID.String(),
		"sid":       c.SessionID.String(),
		"iat":       c.IssuedAt.Unix(),
		"nbf":       c.IssuedAt.Unix(),
		"exp":       c.ExpiresAt.Unix(),
		"jti":       c.ID,
		"auth_time": c.AuthenticatedAt.Unix(),
		"roles":     append([]string{}, c.Roles...), // [] and not null
	}
	if c.AMR != 0 {
		claims["amr"], claims["acr"] = c.AMR.List(), c.AMR.ACR()
	}
	if len(c.Scopes) > 0 { // RFC 6749, section 3.3, knows no empty scope
		claims["scope"] = strings.Join(c.Scopes, " ")
	}
	token := jwt.NewWithClaims(key.public.method, claims)
	token.Header["typ"] = accessType
	token.Header["kid"] = key.ID()
	text, err := token.SignedString(key.private)
	if err != nil {
		return "", fmt.Errorf("signing an access token: %w", err)
	}
	if len(text) > MaxLength {
		return "", fmt.Errorf("issuing an access token: %d bytes are more than %d", len(text), MaxLength)
	}
	return text, nil
}

// complete sets the defaults of zero fields and refuses what Verify would refuse.
func (i *Issuer) complete(c *Claims) error {
	if c.IssuedAt.IsZero() {
		c.IssuedAt = i.config.Clock()
	}
	latest := c.IssuedAt.Add(i.config.TTL)
	if c.ExpiresAt.IsZero() {
		c.ExpiresAt = latest
	}
	if c.ID == "" {
		id := make([]byte, 16)
		if _, err := io.ReadFull(i.config.Rand, id); err != nil {
			return fmt.Errorf("drawing a jti: %w", err)
		}
		c.ID = base64url.EncodeToString(id)
	}
	switch {
	case c.UserID == uuid.Nil || c.SessionID == uuid.Nil:
		return errors.New("a user and a session are required")
	case c.ExpiresAt.After(latest) || c.ExpiresAt.Unix() <= c.IssuedAt.Unix():
		return fmt.Errorf("it must end after it begins, and within %v", i.config.TTL)
	case !inRange(c.IssuedAt) || !inRange(c.ExpiresAt) || !inRange(c.AuthenticatedAt):
		return errors.New("a time is missing or out of range")
	case c.AuthenticatedAt.After(c.IssuedAt.Add(Leeway)):
		return errors.New("auth_time is after iat")
	case !validID(c.ID) || !validRoles(c.Roles) || !validScopes(c.Scopes):
		return errors.New("the id, a role or a scope cannot be written")
	}
	return nil
}
