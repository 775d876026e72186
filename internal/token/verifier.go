package token

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"
	lru "github.com/hashicorp/golang-lru/v2"
)

const (
	// cacheSize is how many verified tokens a Verifier caches. Only tokens that the keys signed get in, so that no
	// other client can fill the cache or make it large.
	cacheSize = 8192
	// MaxCacheBytes is how many bytes of memory the cached tokens of a Verifier hold, with a dozen roles or scopes
	// each.
	MaxCacheBytes = cacheSize << 10
)

// VerifierConfig configures a Verifier.
type VerifierConfig struct {
	// Find returns the key of a kid that may verify at a time, or nil. It is asked about every token, also about one
	// that was verified before. Required.
	Find     func(kid string, now time.Time) *PublicKey
	Issuer   string           // required: iss, compared byte for byte
	Audience string           // required: aud, compared byte for byte
	Clock    func() time.Time // default time.Now
}

// Verifier verifies access tokens with public keys alone. It may be used concurrently.
type Verifier struct {
	config VerifierConfig
	parser *jwt.Parser
	hits   atomic.Uint64
	misses atomic.Uint64
	cache  *lru.Cache[[sha256.Size]byte, verified]
}

// verified is a token that has passed once.
type verified struct {
	key       *PublicKey
	claims    Claims
	validFrom time.Time
}

// NewVerifier checks the configuration.
func NewVerifier(c VerifierConfig) (*Verifier, error) {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	switch {
	case c.Find == nil:
		return nil, errors.New("a verifier of access tokens needs keys")
	case !validText(c.Issuer) || !validText(c.Audience):
		return nil, errors.New("access tokens need an issuer and an audience, in UTF-8")
	}
	cache, err := lru.New[[sha256.Size]byte, verified](cacheSize)
	if err != nil {
		return nil, fmt.Errorf("making a verifier of access tokens: %w", err)
	}
	return &Verifier{config: c, cache: cache, parser: jwt.NewParser(
		jwt.WithValidMethods([]string{EdDSA, ES256, RS256}), jwt.WithStrictDecoding(), jwt.WithIssuer(c.Issuer),
		jwt.WithAudience(c.Audience), jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(Leeway),
		jwt.WithTimeFunc(c.Clock),
	)}, nil
}

// Verify returns the claims of an access token, or ErrExpired, or ErrInvalid. It never panics, and touches nothing but
// memory. The claims are the caller's own: nothing that is written into them reaches another caller.
//
// Verified tokens are cached by SHA-256, which skips parsing and signature checks. What can change meanwhile is checked
// each time: the key must still be found, and the clock, which may be set back, must be within the token's lifetime.
func (v *Verifier) Verify(text string) (Claims, error) {
	if len(text) > MaxLength {
		return Claims{}, invalid("too long")
	}
	now, digest := v.config.Clock(), sha256.Sum256([]byte(text))
	c, ok := v.cache.Get(digest)
	if ok && c.key.equal(v.config.Find(c.key.id, now)) && c.checkTimes(now) == nil {
		v.hits.Add(1)
		return c.claims.clone(), nil
	}
	v.misses.Add(1)
	c, err := v.parse(text, now)
	if err != nil {
		return Claims{}, err
	}
	if err := c.checkTimes(now); err != nil {
		return Claims{}, err
	}
	v.cache.Add(digest, c)
	return c.claims.clone(), nil
}

// checkTimes grants the leeway to the beginning alone: golang-jwt's option, which is the same for both, would let a
// token live for longer than the issuer says.
func (c verified) checkTimes(now time.Time) error {
	if !now.Before(c.claims.ExpiresAt) {
		return ErrExpired
	}
	if now.Before(c.validFrom) {
		return invalid("payload: nbf, iat or auth_time lies ahead")
	}
	return nil
}

func (c Claims) clone() Claims {
	c.Roles, c.Scopes = slices.Clone(c.Roles), slices.Clone(c.Scopes)
	return c
}

// Stats says how often a token was in the cache, and how often it had to be parsed and its signature checked.
type Stats struct{ Hits, Misses uint64 }

// Stats returns the numbers since the start.
func (v *Verifier) Stats() Stats { return Stats{v.hits.Load(), v.misses.Load()} }
