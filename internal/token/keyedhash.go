package token

import (
	"fmt"

	"github.com/google/uuid"
)

// KeyedHash makes identifiers of values that a table must count but not reveal: HMACs under a subkey of the secret.
// A copy of the table without the secret neither shows the values nor confirms a guess.
type KeyedHash struct{ key []byte }

// NewKeyedHash derives the key of one use. Two uses give the same value two identifiers.
func NewKeyedHash(secret *Secret, use string) (*KeyedHash, error) {
	key, err := secret.subkey("pseudonyms " + use) // the label must stay: it is in stored identifiers
	if err != nil {
		return nil, fmt.Errorf("deriving the key that hashes %s from the secret: %w", use, err)
	}
	return &KeyedHash{key}, nil
}

// ID returns the identifier of a list of values: a UUIDv8 (RFC 9562, section 5.8) of 122 bits of HMAC-SHA256.
func (h *KeyedHash) ID(parts ...string) uuid.UUID {
	var text []byte
	for _, part := range parts { // each with its length, so that no two lists read the same
		text = fmt.Appendf(text, "%d:%s", len(part), part)
	}
	id := uuid.UUID(sum(h.key, text)[:16])
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	return id
}
