package password

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

const (
	saltLen = 16 // RFC 9106, section 3.1
	hashLen = 32
)

// ErrInvalidHash says that this package cannot have written a stored hash.
var ErrInvalidHash = errors.New("password: the stored hash cannot be read")

// phcHash is a stored hash: $argon2id$v=19$m=19456,t=2,p=1$salt$hash, the PHC string format.
type phcHash struct {
	cost Cost
	salt []byte
	hash []byte
}

var phcBase64 = base64.RawStdEncoding.Strict()

func (r phcHash) String() string {
	return fmt.Sprintf("$argon2id$v=19$%s$%s$%s", r.cost, phcBase64.EncodeToString(r.salt),
		phcBase64.EncodeToString(r.hash))
}

// parsePHC takes only what String writes, in the same spelling, and only a cost within the bounds. Its errors do not
// repeat the text.
func parsePHC(text string) (phcHash, error) {
	if len(text) > 128 {
		return phcHash{}, fmt.Errorf("%w: too long", ErrInvalidHash)
	}
	parts := strings.Split(text, "$")
	if len(parts) != 6 {
		return phcHash{}, fmt.Errorf("%w: not six parts", ErrInvalidHash)
	}
	cost, err := ParseCost(parts[3])
	if err != nil {
		return phcHash{}, fmt.Errorf("%w: its cost is out of bounds", ErrInvalidHash)
	}
	salt, err1 := phcBase64.DecodeString(parts[4])
	hash, err2 := phcBase64.DecodeString(parts[5])
	r := phcHash{cost: cost, salt: salt, hash: hash}
	if err1 != nil || err2 != nil || len(salt) != saltLen || len(hash) != hashLen || r.String() != text {
		return phcHash{}, fmt.Errorf("%w: not argon2id with our lengths and spelling", ErrInvalidHash)
	}
	return r, nil
}
