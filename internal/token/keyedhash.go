package token

import (
	"fmt"

	"github.com/google/uuid"
)

// KeyedHashKeyLen is the length of the key of a KeyedHash, in bytes.
const KeyedHashKeyLen = 32

// KeyedHash makes identifiers of values that a table must count but not reveal: HMACs under a key. A copy of the table
// without the key neither shows the values nor confirms a guess. The key outlives a rotation of the secret, so that
// what was counted still counts.
type KeyedHash struct{ key []byte }

// NewKeyedHash takes the key.
func NewKeyedHash(key []byte) (*KeyedHash, error) {
	if len(key) != KeyedHashKeyLen {
		return nil, fmt.Errorf("token: a key of %d bytes, and not of %d", len(key), KeyedHashKeyLen)
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
