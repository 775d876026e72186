package token

import (
	"errors"
	"time"
)

// VerifierConfig is what a Verifier is made of.
type VerifierConfig struct {
	// Find returns the key of a kid that may verify at a time, or nil. Required.
	Find     func(kid string, now time.Time) *PublicKey
	Issuer   string           // required: iss, compared byte for byte
	Audience string           // required: aud, compared byte for byte
	Clock    func() time.Time // default time.Now
}

// Verifier verifies access tokens with public keys alone. It may be used concurrently.
type Verifier struct{ config VerifierConfig }

// checked is a token whose signature held and whose claims are right, but for the times.
type checked struct {
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
	return &Verifier{config: c}, nil
}

// Verify returns the claims of an access token, or ErrExpired, or ErrInvalid. It never panics, and touches nothing but
// memory.
//
// Each token has one spelling: base64url is strict, and of the two forms of an ECDSA signature, (r, s) and (r, n-s),
// only the one with the smaller s is taken. So a token may be told by its text.
func (v *Verifier) Verify(text string) (Claims, error) {
	if len(text) > MaxLength {
		return Claims{}, invalid("too long")
	}
	now := v.config.Clock()
	c, err := v.check(text, now)
	if err != nil {
		return Claims{}, err
	}
	if err := c.judge(now); err != nil {
		return Claims{}, err
	}
	return c.claims, nil
}
