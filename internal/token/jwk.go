package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/big"
)

// jwk is a public key in the members that RFC 7638, section 3.2, and RFC 8037, section 2, call required, and in the
// order in which they are hashed. It has no member that could hold a private part.
type jwk struct {
	Crv string `json:"crv,omitempty"`
	E   string `json:"e,omitempty"`
	Kty string `json:"kty"`
	N   string `json:"n,omitempty"`
	X   string `json:"x,omitempty"`
	Y   string `json:"y,omitempty"`
}

func publicJWK(public crypto.PublicKey) (jwk, error) {
	text := base64url.EncodeToString
	switch p := public.(type) {
	case ed25519.PublicKey:
		return jwk{Kty: "OKP", Crv: "Ed25519", X: text(p)}, nil
	case *ecdsa.PublicKey:
		point, err := p.Bytes() // 4, then x and y of 32 bytes each
		if err != nil {
			return jwk{}, fmt.Errorf("reading a public key: %w", err)
		}
		return jwk{Kty: "EC", Crv: "P-256", X: text(point[1:33]), Y: text(point[33:])}, nil
	case *rsa.PublicKey:
		return jwk{Kty: "RSA", N: text(p.N.Bytes()), E: text(big.NewInt(int64(p.E)).Bytes())}, nil
	default:
		return jwk{}, fmt.Errorf("reading a public key: unknown kind %T", public)
	}
}

// thumbprint is the key's name: RFC 7638 with SHA-256.
func (k jwk) thumbprint() string {
	text, _ := json.Marshal(k) // strings only: it cannot fail
	sum := sha256.Sum256(text)
	return base64url.EncodeToString(sum[:])
}

// publishedJWK is a jwk as the key set shows it.
type publishedJWK struct {
	Alg string `json:"alg"`
	jwk
	Kid string `json:"kid"`
	Use string `json:"use"`
}

// writeJWKS returns the keys as a JWK Set (RFC 7517, section 5), in this order.
func writeJWKS(keys []*PublicKey) []byte {
	list := []publishedJWK{} // never null
	for _, key := range keys {
		list = append(list, publishedJWK{Alg: key.Algorithm(), jwk: key.jwk, Kid: key.id, Use: "sig"})
	}
	text, _ := json.Marshal(map[string]any{"keys": list}) // strings only: it cannot fail
	return text
}
