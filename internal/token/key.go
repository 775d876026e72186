package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"io"
)

// Key is a private signing key. It has one algorithm, that of its public key.
type Key struct {
	public  *PublicKey
	private crypto.Signer
}

// The algorithms that a key may have, by their JWS names (RFC 7518, RFC 8037).
const (
	EdDSA = "EdDSA" // Ed25519
	ES256 = "ES256" // ECDSA P-256
	RS256 = "RS256" // RSA
)

// rsaBits is the size of generated RSA keys: 128 bits of security (NIST SP 800-57, part 1, table 2).
const rsaBits = 3072

// GenerateKey returns a new key for an algorithm.
func GenerateKey(algorithm string) (*Key, error) {
	var private any
	var err error
	switch algorithm {
	case EdDSA:
		_, private, err = ed25519.GenerateKey(nil)
	case ES256:
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case RS256:
		private, err = rsa.GenerateKey(rand.Reader, rsaBits)
	default:
		return nil, fmt.Errorf("unknown signing algorithm %q: use EdDSA, ES256 or RS256", algorithm)
	}
	if err != nil {
		return nil, fmt.Errorf("generating a signing key: %w", err)
	}
	return newKey(private)
}

// UnmarshalKey reads what Marshal returned.
func UnmarshalKey(der []byte) (*Key, error) {
	private, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		// The cause is left out: x509's sentences advise Go programmers.
		return nil, refuseKey("cannot be read as PKCS#8")
	}
	return newKey(private)
}

// newKey takes a private key of any type of the standard library; newPublicKey checks its type.
func newKey(private any) (*Key, error) {
	pair, ok := private.(interface{ Public() crypto.PublicKey })
	if !ok {
		return nil, refuseKey("is of an unknown kind")
	}
	public, err := newPublicKey(pair.Public())
	if err != nil {
		return nil, refuseKey(err.Error())
	}
	signer, ok := private.(crypto.Signer)
	if !ok {
		return nil, refuseKey("cannot sign")
	}
	return &Key{public: public, private: signer}, nil
}

// Marshal returns the key as PKCS#8 DER, in clear: seal it before it is stored.
func (k *Key) Marshal() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.private)
	if err != nil {
		return nil, fmt.Errorf("writing a signing key: %w", err)
	}
	return der, nil
}

// Public returns the public key.
func (k *Key) Public() *PublicKey { return k.public }

// ID returns the kid: the RFC 7638 thumbprint of the public key.
func (k *Key) ID() string { return k.public.id }

// Algorithm returns the JWS name of the key's one algorithm: EdDSA, ES256 or RS256.
func (k *Key) Algorithm() string { return k.public.Algorithm() }

// Format keeps the private part out of logs, whatever the verb.
func (k *Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "token.Key("+k.ID()+")") }
