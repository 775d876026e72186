package token

import (
	"crypto/elliptic"
	"math/big"

	"github.com/golang-jwt/jwt/v5"
)

// scalar is the length in bytes of each of the two numbers, r and s, of an ES256 signature (RFC 7518, section 3.4).
const scalar = 32

// canonical returns the signature in its one spelling. Where (r, s) is an ECDSA signature, so is (r, n-s), which anyone
// can compute without the key; the one whose s is in the lower half is ours. EdDSA and RS256 have one spelling by
// themselves (RFC 8032, section 5.1.7; RFC 8017, section 8.2.2).
func canonical(method jwt.SigningMethod, signature []byte) []byte {
	if isCanonical(method, signature) {
		return signature
	}
	s := new(big.Int).SetBytes(signature[scalar:])
	s.Sub(elliptic.P256().Params().N, s).FillBytes(signature[scalar:])
	return signature
}

// isCanonical reports whether a signature is not the second spelling of another. Its length is not judged here.
func isCanonical(method jwt.SigningMethod, signature []byte) bool {
	if method != jwt.SigningMethodES256 || len(signature) != 2*scalar {
		return true
	}
	half := new(big.Int).Rsh(elliptic.P256().Params().N, 1)
	return new(big.Int).SetBytes(signature[scalar:]).Cmp(half) <= 0
}
