package token

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// remembered is how many verified tokens a Verifier keeps: of tokens with a few roles, about 8 MiB. Only what our keys
// signed gets in, so that nobody else can fill it or make it large.
const remembered = 8192

// VerifierConfig is what a Verifier is made of.
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
	hits   atomic.Uint64
	misses atomic.Uint64
	seen   *lru.Cache[[sha256.Size]byte, checked]
}

// checked is a token whose signature held and whose claims are right, but for the times.
type checked struct {
	key       *PublicKey
	claims    Claims
	notBefore time.Time
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
		return nil, errors.New("a verifier of access tokens needs an issuer and an audience, in UTF-8")
	}
	seen, err := lru.New[[sha256.Size]byte, checked](remembered)
	if err != nil {
		return nil, fmt.Errorf("making a verifier of access tokens: %w", err)
	}
	return &Verifier{config: c, seen: seen}, nil
}

// Verify returns the claims of an access token, or ErrExpired, or ErrInvalid. It never panics, and touches nothing but
// memory. The claims are the caller's own: nothing that is written into them reaches another caller.
//
// Each token has one spelling: base64url is strict, and of the two forms of an ECDSA signature, (r, s) and (r, n-s),
// only the one with the smaller s is taken. So a token may be told by its text.
//
// A token that has passed is remembered by the digest of its whole text, which saves the signature and the parsing the
// next time. What can change meanwhile is judged each time: its key must still be found, and its times must still be
// right by the clock, even by one that went back.
func (v *Verifier) Verify(text string) (Claims, error) {
	if len(text) > MaxLength {
		return Claims{}, invalid("too long")
	}
	now, digest := v.config.Clock(), sha256.Sum256([]byte(text))
	c, known := v.seen.Get(digest)
	if known {
		known = c.key.same(v.config.Find(c.key.id, now))
	}
	if known {
		v.hits.Add(1)
	} else {
		v.misses.Add(1)
		var err error
		if c, err = v.check(text, now); err != nil {
			return Claims{}, err
		}
	}
	if err := c.judge(now); err != nil {
		return Claims{}, err
	}
	if !known {
		v.seen.Add(digest, c)
	}
	claims := c.claims
	claims.Roles, claims.Scopes = slices.Clone(claims.Roles), slices.Clone(claims.Scopes)
	return claims, nil
}

// Stats says how often a token was found among those that had been verified before.
type Stats struct{ Hits, Misses uint64 }

// Stats returns the numbers since the start.
func (v *Verifier) Stats() Stats { return Stats{v.hits.Load(), v.misses.Load()} }
