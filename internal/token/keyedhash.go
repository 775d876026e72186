package token

import (
	"fmt"

	"github.com/google/uuid"
)

// Pseudonyms are names for what a table must count or remember and must not tell: keyed digests under a subkey of the
// secret. Who has the table alone can neither read them nor look for a guess.
type KeyedHash struct{ key []byte }

// NewKeyedHash derives the key of one use. Two uses give the same thing two names.
func NewKeyedHash(secret *Secret, use string) (*KeyedHash, error) {
	key, err := secret.subkey("pseudonyms " + use)
	if err != nil {
		return nil, fmt.Errorf("deriving the key of the pseudonyms for %s from the secret: %w", use, err)
	}
	return &KeyedHash{key}, nil
}

// Of returns the name of what its parts say together: a UUIDv8 (RFC 9562, section 5.8) of 122 bits of HMAC-SHA256.
func (p *KeyedHash) ID(parts ...string) uuid.UUID {
	var text []byte
	for _, part := range parts { // each with its length, so that no two lists read the same
		text = fmt.Appendf(text, "%d:%s", len(part), part)
	}
	name := uuid.UUID(sum(p.key, text)[:16])
	name[6] = name[6]&0x0f | 0x80
	name[8] = name[8]&0x3f | 0x80
	return name
}
