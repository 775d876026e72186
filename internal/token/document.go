package token

import (
	"errors"
	"time"
)

// documentContext begins what a document's signature is of. No token begins so: a JWS has no space (RFC 7515, section
// 7.1). So no signature of a document makes a token valid.
const documentContext = "gatehouse document "

// SignDocument signs what is no token.
func (k *Key) SignDocument(document []byte) ([]byte, error) {
	return k.public.method.Sign(documentContext+string(document), k.private)
}

// VerifyDocument returns an error unless SignDocument of this key's private part returned the signature.
func (k *PublicKey) VerifyDocument(document, signature []byte) error {
	return k.method.Verify(documentContext+string(document), signature, k.public)
}

// JWKS returns the key as a JWK Set (RFC 7517, section 5).
func (k *PublicKey) JWKS() string { return string(writeJWKS([]*PublicKey{k})) }

// ParsePublicKey reads what JWKS returned: a set of one key, whose kid is its thumbprint.
func ParsePublicKey(jwks string) (*PublicKey, error) {
	keys, err := ParseJWKS([]byte(jwks))
	if err != nil {
		return nil, err
	}
	if len(keys) != 1 || keys[0].jwk.thumbprint() != keys[0].id {
		return nil, errors.New("a key set without exactly one key under its thumbprint")
	}
	return keys[0], nil
}

// Verifies reports whether tokens that the key of a kid signs are valid at a time.
func (k *Keys) Verifies(kid string, now time.Time) bool { return k.find(kid, now) != nil }

// VerifyDocument returns an error unless a key made the signature whose tokens are valid at a time.
func (k *Keys) VerifyDocument(document, signature []byte, now time.Time) error {
	for _, id := range k.IDs(now) {
		if key := k.find(id, now); key != nil && key.VerifyDocument(document, signature) == nil {
			return nil
		}
	}
	return errors.New("no signing key of this moment made the signature")
}
