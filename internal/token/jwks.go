package token

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
	"slices"
)

const (
	// MaxJWKS bounds the text of a JWK Set, in bytes.
	MaxJWKS = 64 << 10
	// maxJWKs bounds the keys of a set.
	maxJWKs = 32
)

// privateMembers are those of RFC 7518, section 6, that hold a private or a shared key.
var privateMembers = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"}

// ParseJWKS reads the keys of a JWK Set (RFC 7517, section 5) that can verify access tokens, each under its kid in the
// set. It skips keys for another use, of another kind, curve or algorithm, and without a kid, since no token could name
// them. It refuses the complete set when that is too long, or has a kid twice, a private or shared key, or a key of our
// kinds that is broken or weak. A set without a key of our kinds is valid; then no token verifies.
func ParseJWKS(text []byte) ([]*PublicKey, error) {
	if len(text) > MaxJWKS {
		return nil, fmt.Errorf("a key set of more than %d bytes", MaxJWKS)
	}
	set, err := readObject(text)
	if err != nil {
		return nil, fmt.Errorf("reading a key set: %w", err)
	}
	list, ok := set.members["keys"].([]any)
	if !ok {
		return nil, errors.New("a key set without an array of keys")
	}
	if len(list) > maxJWKs {
		return nil, fmt.Errorf("a key set of more than %d keys", maxJWKs)
	}
	var keys []*PublicKey
	taken := map[string]bool{}
	for n, value := range list {
		key, kid, err := parseJWK(value)
		if err != nil {
			return nil, fmt.Errorf("key %d of a key set: %w", n+1, err)
		}
		if kid != "" && taken[kid] {
			return nil, fmt.Errorf("key %d of a key set: its kid occurs twice", n+1)
		}
		taken[kid] = true
		if key != nil && kid != "" {
			key.id = kid
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// parseJWK returns one key of a set and its kid. The key is nil where it is to be skipped.
func parseJWK(value any) (key *PublicKey, kid string, err error) {
	o, err := asObject(value)
	if err != nil {
		return nil, "", err
	}
	for _, name := range privateMembers {
		if o.has(name) {
			return nil, "", errors.New("it holds a private or a shared key, which is now public: replace that key")
		}
	}
	if o.has("kid") {
		kid = o.text("kid")
	}
	kty := o.text("kty")
	verifies := mayVerify(&o)
	if o.err != nil || !verifies {
		return nil, kid, o.err
	}
	switch {
	case kty == "OKP" && o.text("crv") == "Ed25519":
		key, err = ed25519Key(&o)
	case kty == "EC" && o.text("crv") == "P-256":
		key, err = p256Key(&o)
	case kty == "RSA":
		key, err = rsaKey(&o)
	}
	if err != nil {
		return nil, kid, err
	}
	if key != nil && o.has("alg") && o.text("alg") != key.Algorithm() {
		key = nil
	}
	return key, kid, o.err
}

// mayVerify reports whether use and key_ops, where they are there, allow to verify signatures (RFC 7517, sections 4.2
// and 4.3).
func mayVerify(o *object) bool {
	if o.has("use") && o.text("use") != "sig" {
		return false
	}
	return !o.has("key_ops") || slices.Contains(o.list("key_ops"), "verify")
}

// bytes returns a member that must be base64url, of exactly n bytes where n is not 0.
func (o *object) bytes(name string, n int) []byte {
	data, ok := decode(o.text(name))
	if !ok || n != 0 && len(data) != n {
		o.fail(name, "is not base64url of the right length")
	}
	return data
}

// ed25519Key reads RFC 8037, section 2.
func ed25519Key(o *object) (*PublicKey, error) {
	x := o.bytes("x", ed25519.PublicKeySize)
	if o.err != nil {
		return nil, o.err
	}
	return newPublicKey(ed25519.PublicKey(x))
}

// p256Key reads RFC 7518, section 6.2.1.
func p256Key(o *object) (*PublicKey, error) {
	x, y := o.bytes("x", 32), o.bytes("y", 32)
	if o.err != nil {
		return nil, o.err
	}
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, x, y))
	if err != nil {
		return nil, errors.New("it is no point of P-256")
	}
	return newPublicKey(public)
}

// rsaKey reads RFC 7518, section 6.3.1: numbers without leading zeros.
func rsaKey(o *object) (*PublicKey, error) {
	n, e := o.bytes("n", 0), o.bytes("e", 0)
	if o.err != nil {
		return nil, o.err
	}
	exponent := new(big.Int).SetBytes(e)
	if n[0] == 0 || e[0] == 0 || len(e) > 4 || exponent.Bit(0) == 0 || exponent.BitLen() > 31 || n[len(n)-1]&1 == 0 {
		return nil, errors.New("it is not RSA: n and e are odd and have no leading zeros, and e is below 2^31")
	}
	key, err := newPublicKey(&rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(exponent.Int64())})
	if err != nil {
		return nil, fmt.Errorf("it %w", err)
	}
	return key, nil
}
