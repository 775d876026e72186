package token

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/google/uuid"
)

// FactorKeyLen is the length of the key of FactorKeys, in bytes.
const FactorKeyLen = 32

// FactorKeys seal the secrets of second factors at rest, and key the digests of recovery codes. Their key is random and
// outlives a rotation of the secret, with which it is sealed itself: so a rotation seals one key again, and not the
// secrets of a million users.
type FactorKeys struct {
	sealing   cipher.AEAD
	digestKey []byte
}

// NewFactorKeys takes the key.
func NewFactorKeys(key []byte) (*FactorKeys, error) {
	if len(key) != FactorKeyLen {
		return nil, fmt.Errorf("token: a key of factors of %d bytes, and not of %d", len(key), FactorKeyLen)
	}
	sealKey, err := hkdf.Expand(sha256.New, key, "gatehouse factor seal v1", FactorKeyLen)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(sealKey)
	if err != nil {
		return nil, err
	}
	// Nonces are random, 96 bits: safe for 2^32 secrets (NIST SP 800-38D, section 8.3).
	k := &FactorKeys{}
	if k.sealing, err = cipher.NewGCMWithRandomNonce(block); err != nil {
		return nil, err
	}
	k.digestKey, err = hkdf.Expand(sha256.New, key, "gatehouse recovery code digest v1", sha256.Size)
	return k, err
}

// Seal encrypts the secret of a user's factor (AES-256-GCM). It is bound to the user: in another one's row it is of no
// use.
func (k *FactorKeys) Seal(user uuid.UUID, secret []byte) []byte {
	return k.sealing.Seal(nil, nil, secret, user[:])
}

// Open returns what Seal was given for a user.
func (k *FactorKeys) Open(user uuid.UUID, sealed []byte) ([]byte, error) {
	secret, err := k.sealing.Open(nil, nil, sealed, user[:])
	if err != nil {
		return nil, errors.New("opening the secret of a factor: it was sealed with another key or for another user, or changed")
	}
	return secret, nil
}

// RecoveryDigest returns the 32 bytes that the database stores in place of a user's recovery code.
func (k *FactorKeys) RecoveryDigest(user uuid.UUID, code string) []byte {
	return sum(k.digestKey, append(append([]byte{}, user[:]...), code...))
}

// Format keeps the keys out of logs, whatever the verb.
func (k *FactorKeys) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "token.FactorKeys(hidden)") }
