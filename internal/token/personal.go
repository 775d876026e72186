package token

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"
)

// PersonalPrefix begins every personal access token, so that people and secret scanners know one when they see it.
const PersonalPrefix = "gh_pat_"

// IntrospectionTTL is how long another service may cache what the issuer said of a personal access token. For as long,
// at least, the issuer's feed names what ended or changed since. docs/clients.md says it to services in other languages.
const IntrospectionTTL = time.Minute

// A personal access token is PersonalPrefix and the base64url of: secret (32 bytes), tag (12), checksum (4,
// big-endian). The checksum is the CRC-32 (IEEE 802.3) of the prefix and the 44 bytes before it. Everybody can compute
// it: a scanner tells a token from other text by it. The tag is keyed, and tells a token from a forged one.
const (
	personalTagAt      = 32
	personalChecksumAt = personalTagAt + 12
	personalLen        = personalChecksumAt + 4
)

// PersonalKeyLen is the length of the key of PersonalTokens, in bytes.
const PersonalKeyLen = 32

// PersonalTokens makes and parses personal access tokens. A forged text is refused without a database query; the
// database stores only the digest. The key outlives a rotation of the secret, as the tokens must: programs have them
// for months.
type PersonalTokens struct {
	tagKey, digestKey []byte
	rand              io.Reader
}

// Personal is one personal access token. Whose it is, and whether it may still be used, is for the database to say.
type Personal struct {
	secret [personalTagAt]byte
	tokens *PersonalTokens
}

// NewPersonalTokens derives the subkeys of a key. Random draws the secret of each token; nil is crypto/rand.
func NewPersonalTokens(key []byte, random io.Reader) (*PersonalTokens, error) {
	if len(key) != PersonalKeyLen {
		return nil, fmt.Errorf("token: a key of %d bytes, and not of %d", len(key), PersonalKeyLen)
	}
	if random == nil {
		random = rand.Reader
	}
	k := &PersonalTokens{rand: random}
	for name, subkey := range map[string]*[]byte{"tag": &k.tagKey, "digest": &k.digestKey} {
		var err error
		if *subkey, err = hkdf.Expand(sha256.New, key, "gatehouse personal "+name+" v1", sha256.Size); err != nil {
			return nil, fmt.Errorf("deriving the key of a personal access token's %s: %w", name, err)
		}
	}
	return k, nil
}

// New draws a token, with 256 random bits.
func (k *PersonalTokens) New() (Personal, error) {
	p := Personal{tokens: k}
	if _, err := io.ReadFull(k.rand, p.secret[:]); err != nil {
		return Personal{}, fmt.Errorf("drawing a personal access token: %w", err)
	}
	return p, nil
}

// Parse reads what Text returned, or returns ErrInvalid: for any other spelling, and for any text that was not made
// with this key.
func (k *PersonalTokens) Parse(text string) (Personal, error) {
	data, err := decodePersonal(text)
	if err != nil {
		return Personal{}, err
	}
	p := Personal{secret: [personalTagAt]byte(data), tokens: k}
	if !hmac.Equal(data[personalTagAt:personalChecksumAt], p.tag()) {
		return Personal{}, invalid("not a personal access token: the tag does not hold")
	}
	return p, nil
}

// LooksPersonal reports whether a text is spelled as a personal access token is, its checksum included. Everybody can
// spell one; whether it is one, its issuer says.
func LooksPersonal(text string) bool {
	_, err := decodePersonal(text)
	return err == nil
}

func decodePersonal(text string) ([]byte, error) {
	encoded, ok := strings.CutPrefix(text, PersonalPrefix)
	if !ok || len(encoded) != base64url.EncodedLen(personalLen) {
		return nil, invalid("not a personal access token: another prefix or length")
	}
	data, ok := decode(encoded)
	if !ok {
		return nil, invalid("not a personal access token: not base64url")
	}
	if binary.BigEndian.Uint32(data[personalChecksumAt:]) != personalChecksum(data[:personalChecksumAt]) {
		return nil, invalid("not a personal access token: the checksum does not hold")
	}
	return data, nil
}

// Text returns the token as its program gets it: 71 characters.
func (p Personal) Text() string {
	data := append(make([]byte, 0, personalLen), p.secret[:]...)
	data = append(data, p.tag()...)
	data = binary.BigEndian.AppendUint32(data, personalChecksum(data))
	return PersonalPrefix + base64url.EncodeToString(data)
}

// Digest returns the 32 bytes that the database stores in place of the token.
func (p Personal) Digest() []byte { return sum(p.tokens.digestKey, p.secret[:]) }

// CacheKey names the token of a digest among cached ones: a UUIDv8 (RFC 9562, section 5.8), which no session has as its
// id.
func CacheKey(digest []byte) uuid.UUID {
	key := uuid.UUID(digest[:16])
	key[6] = key[6]&0x0f | 0x80
	key[8] = key[8]&0x3f | 0x80
	return key
}

// Format keeps the token out of logs, whatever the verb.
func (p Personal) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "token.Personal(hidden)") }

func (p Personal) tag() []byte {
	return sum(p.tokens.tagKey, p.secret[:])[:personalChecksumAt-personalTagAt]
}

func personalChecksum(data []byte) uint32 {
	return crc32.Update(crc32.ChecksumIEEE([]byte(PersonalPrefix)), crc32.IEEETable, data)
}
