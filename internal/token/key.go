package token

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"io"

	"github.com/golang-jwt/jwt/v5"
)

// Key is a private signing key with exactly one algorithm (RFC 8725, section 3.1): Ed25519 signs EdDSA, ECDSA P-256
// signs ES256, RSA of 2048 to 8192 bits signs RS256. A token that names another algorithm is not this key's.
type Key struct {
	method  jwt.SigningMethod
	private crypto.Signer
	public  jwk
	id      string
}

// NewKey draws an Ed25519 key.
func NewKey() (*Key, error) {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, fmt.Errorf("drawing a signing key: %w", err)
	}
	return newKey(private)
}

// UnmarshalKey reads what Marshal wrote.
func UnmarshalKey(der []byte) (*Key, error) {
	private, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		// The cause is left out: x509's sentences advise Go programmers.
		return nil, refuseKey("cannot be read as PKCS#8")
	}
	return newKey(private)
}

func newKey(private any) (*Key, error) {
	k := &Key{}
	switch p := private.(type) {
	case ed25519.PrivateKey:
		k.method, k.private = jwt.SigningMethodEdDSA, p
	case *ecdsa.PrivateKey:
		if p.Curve != elliptic.P256() {
			return nil, refuseKey("is ECDSA on the curve " + p.Curve.Params().Name)
		}
		k.method, k.private = jwt.SigningMethodES256, p
	case *rsa.PrivateKey:
		if bits := p.N.BitLen(); bits < 2048 || bits > 8192 {
			return nil, refuseKey(fmt.Sprintf("is RSA of %d bits", bits))
		}
		if p.E < 65537 {
			return nil, refuseKey(fmt.Sprintf("is RSA with the public exponent %d; 65537 is the usual one", p.E))
		}
		k.method, k.private = jwt.SigningMethodRS256, p
	case *ecdh.PrivateKey:
		return nil, refuseKey("is for key agreement and cannot sign")
	default:
		return nil, refuseKey("is of a kind that is not known here")
	}
	var err error
	if k.public, err = publicJWK(k.private.Public()); err != nil {
		return nil, err
	}
	k.id = k.public.thumbprint()
	return k, nil
}

// Marshal returns the key as PKCS#8 DER, in clear: seal it before it is kept.
func (k *Key) Marshal() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.private)
	if err != nil {
		return nil, fmt.Errorf("writing a signing key: %w", err)
	}
	return der, nil
}

// ID returns the kid: the RFC 7638 thumbprint of the public key. It is public.
func (k *Key) ID() string { return k.id }

// Algorithm returns the JWS name of the key's one algorithm: EdDSA, ES256 or RS256.
func (k *Key) Algorithm() string { return k.method.Alg() }

// Format keeps the private part out of logs, whatever the verb.
func (k *Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "token.Key("+k.id+")") }
