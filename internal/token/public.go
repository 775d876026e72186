package token

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"

	"github.com/golang-jwt/jwt/v5"
)

// PublicKey is a key that verifies. It has exactly one algorithm (RFC 8725, section 3.1): Ed25519 is for EdDSA, ECDSA
// P-256 for ES256, RSA of 2048 to 8192 bits for RS256. A token whose alg is another is refused.
type PublicKey struct {
	method jwt.SigningMethod
	public crypto.PublicKey
	jwk    jwk
	id     string
}

// newPublicKey takes a key of the three kinds; its errors say what the key is instead. The kid is the thumbprint.
func newPublicKey(public crypto.PublicKey) (*PublicKey, error) {
	k := &PublicKey{public: public}
	switch p := public.(type) {
	case ed25519.PublicKey:
		k.method = jwt.SigningMethodEdDSA
	case *ecdsa.PublicKey:
		if p.Curve != elliptic.P256() {
			return nil, errors.New("is ECDSA on the curve " + p.Curve.Params().Name)
		}
		k.method = jwt.SigningMethodES256
	case *rsa.PublicKey:
		if bits := p.N.BitLen(); bits < 2048 || bits > 8192 {
			return nil, fmt.Errorf("is RSA of %d bits", bits)
		}
		if p.E < 65537 {
			return nil, fmt.Errorf("is RSA with the public exponent %d; 65537 is the usual one", p.E)
		}
		k.method = jwt.SigningMethodRS256
	case *ecdh.PublicKey:
		return nil, errors.New("is for key agreement and cannot sign")
	default:
		return nil, errors.New("is of an unknown kind")
	}
	var err error
	if k.jwk, err = publicJWK(public); err != nil {
		return nil, err
	}
	k.id = k.jwk.thumbprint()
	return k, nil
}

// ID returns the kid by which a token names the key.
func (k *PublicKey) ID() string { return k.id }

// Algorithm returns the JWS name of the key's one algorithm: EdDSA, ES256 or RS256.
func (k *PublicKey) Algorithm() string { return k.method.Alg() }

// equal reports whether both are one key under one kid; nil equals nothing.
func (k *PublicKey) equal(other *PublicKey) bool {
	return k != nil && other != nil && k.id == other.id && k.jwk == other.jwk
}
