package token

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// MinSecret is the least length of a secret, in bytes.
const MinSecret = 32

// minDifferent is the least number of byte values in a secret. Of 32 random bytes, and of 32 random hexadecimal digits,
// less than one in ten million has fewer.
const minDifferent = 8

const secretAdvice = "; make one with: openssl rand -base64 32"

// Secret is the root of every key that must outlive the process: it seals signing keys at rest and keys the digests of
// refresh tokens. Each use has a subkey of its own (HKDF-SHA256, RFC 5869), so that none reveals another.
type Secret struct {
	root        []byte // HKDF's pseudorandom key; the secret itself is not stored
	fingerprint []byte
	sealing     cipher.AEAD
}

// NewSecret takes at least MinSecret bytes. It refuses bytes of fewer than minDifferent values, such as 32 zeros or one
// short word repeated: they are not random. It cannot detect other weak secrets, such as a published sentence.
func NewSecret(raw []byte) (*Secret, error) {
	if len(raw) < MinSecret {
		return nil, fmt.Errorf("the secret has %d bytes and needs at least %d%s", len(raw), MinSecret, secretAdvice)
	}
	if n := different(raw); n < minDifferent {
		return nil, fmt.Errorf("the secret has only %d different bytes and can be guessed%s", n, secretAdvice)
	}
	s, err := deriveSecret(raw)
	if err != nil {
		return nil, fmt.Errorf("deriving keys from the secret: %w", err)
	}
	return s, nil
}

func deriveSecret(raw []byte) (*Secret, error) {
	root, err := hkdf.Extract(sha256.New, raw, nil)
	if err != nil {
		return nil, err
	}
	s := &Secret{root: root}
	if s.fingerprint, err = s.subkey(forFingerprint); err != nil {
		return nil, err
	}
	key, err := s.subkey(forSealing)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	// Nonces are random, 96 bits: safe for 2^32 seals (NIST SP 800-38D, section 8.3), and we seal a few keys a year.
	s.sealing, err = cipher.NewGCMWithRandomNonce(block)
	return s, err
}

// ParseSecret reads a secret as people write it. White space round it does not count. Text that is base64 (either
// alphabet, padded or not) of at least MinSecret bytes stands for those bytes; any other text stands for itself.
func ParseSecret(text string) (*Secret, error) {
	text = strings.TrimSpace(text)
	for _, encoding := range []*base64.Encoding{
		base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding,
	} {
		if raw, err := encoding.Strict().DecodeString(text); err == nil && len(raw) >= MinSecret {
			return NewSecret(raw)
		}
	}
	return NewSecret([]byte(text))
}

func different(raw []byte) int {
	var seen [256]bool
	n := 0
	for _, b := range raw {
		if !seen[b] {
			seen[b] = true
			n++
		}
	}
	return n
}

// use is what a subkey is for. Its text must stay: all that was made with the subkey depends on it.
type use string

const (
	forFingerprint   use = "fingerprint"
	forSealing       use = "seal"
	forRefreshTag    use = "refresh tag"
	forRefreshNext   use = "refresh next"
	forRefreshDigest use = "refresh digest"
	forDevice        use = "device"
	forDeviceAddress use = "device address"
	forOneTimeTag    use = "one-time tag"
	forOneTimeCode   use = "one-time code"
	forOneTimeDigest use = "one-time digest"
)

// Uses lists what the secret is used for. Each must survive its rotation.
func Uses() []string {
	var all []string
	for _, u := range uses() {
		all = append(all, string(u))
	}
	return all
}

func uses() []use {
	return []use{forFingerprint, forSealing, forRefreshTag, forRefreshNext, forRefreshDigest, forDevice, forDeviceAddress,
		forOneTimeTag, forOneTimeCode, forOneTimeDigest}
}

// Purpose is what something sealed is. Its text must stay.
type Purpose string

// What is sealed in the database. Rotating the secret seals each again.
const (
	SigningKeyPurpose  Purpose = "signing key"
	CounterKeyPurpose  Purpose = "counter key"
	FactorKeyPurpose   Purpose = "factor key"
	PersonalKeyPurpose Purpose = "personal access token key"
)

// Purposes lists what is sealed.
func Purposes() []Purpose {
	return []Purpose{SigningKeyPurpose, CounterKeyPurpose, FactorKeyPurpose, PersonalKeyPurpose}
}

// subkey returns the 32-byte key for one use.
func (s *Secret) subkey(u use) ([]byte, error) {
	if !slices.Contains(uses(), u) {
		return nil, fmt.Errorf("token: %q is not in the list of uses", u)
	}
	return hkdf.Expand(sha256.New, s.root, "gatehouse "+string(u)+" v1", sha256.Size)
}

// Fingerprint returns 32 bytes that tell this secret from others. They are a derived key of no other use, so the
// database may store them in clear. They would confirm a guess, which only matters for a secret that can be guessed.
func (s *Secret) Fingerprint() []byte { return bytes.Clone(s.fingerprint) }

// Seal encrypts and authenticates (AES-256-GCM, nonce in front). The purpose is bound to the result and not part of it:
// Open with another purpose fails, so that one sealed thing cannot stand in for another.
func (s *Secret) Seal(purpose Purpose, plaintext []byte) []byte {
	return s.sealing.Seal(nil, nil, plaintext, []byte(purpose))
}

// Open returns what Seal was given. Its only error means: another secret, another purpose, or changed bytes.
func (s *Secret) Open(purpose Purpose, sealed []byte) ([]byte, error) {
	plaintext, err := s.sealing.Open(nil, nil, sealed, []byte(purpose))
	if err != nil {
		return nil, errors.New("opening a sealed " + string(purpose) + ": it was sealed with another secret, or changed")
	}
	return plaintext, nil
}

// Format keeps the secret out of logs, whatever the verb.
func (s *Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "token.Secret(hidden)") }
