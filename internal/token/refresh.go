package token

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/google/uuid"
)

// A refresh token is the base64url of: user (16 bytes), session (16), generation (4, big-endian), secret (32), tag (16).
// The user is in it so that tables which are divided by user are asked in one place.
const (
	sessionAt    = 16
	generationAt = sessionAt + 16
	secretAt     = generationAt + 4
	tagAt        = secretAt + 32
	refreshLen   = tagAt + 16
)

// RefreshTokens makes and parses refresh tokens under three subkeys of the secret. To clients they are opaque. The tag
// lets a forged text be refused without a database query; the database stores only the digest.
type RefreshTokens struct {
	perSecret[*refreshKeys]
	rand io.Reader
}

type refreshKeys struct{ tagKey, nextKey, digestKey []byte }

// Refresh is one refresh token: the newest of its session, or an older one.
type Refresh struct {
	User       uuid.UUID // whose session it is
	Session    uuid.UUID
	Generation uint32 // how many refresh tokens of the session came before it
	secret     [32]byte
	keys       *refreshKeys // which made it
	tokens     *RefreshTokens
}

// NewRefreshTokens derives the keys. Random draws the secret of each first token; nil is crypto/rand.
func NewRefreshTokens(secrets *Secrets, random io.Reader) (*RefreshTokens, error) {
	if random == nil {
		random = rand.Reader
	}
	keys, err := newPerSecret(secrets, deriveRefreshKeys)
	return &RefreshTokens{keys, random}, err
}

func deriveRefreshKeys(secret *Secret) (*refreshKeys, error) {
	k := &refreshKeys{}
	for u, key := range map[use]*[]byte{
		forRefreshTag: &k.tagKey, forRefreshNext: &k.nextKey, forRefreshDigest: &k.digestKey,
	} {
		var err error
		if *key, err = secret.subkey(u); err != nil {
			return nil, fmt.Errorf("deriving the %s key from the secret: %w", u, err)
		}
	}
	return k, nil
}

// New draws the first refresh token of a user's session, generation 0, with 256 random bits.
func (k *RefreshTokens) New(user, session uuid.UUID) (Refresh, error) {
	if user == uuid.Nil || session == uuid.Nil {
		return Refresh{}, errors.New("a refresh token needs a user and a session")
	}
	r := Refresh{User: user, Session: session, keys: k.inUse(), tokens: k}
	if _, err := io.ReadFull(k.rand, r.secret[:]); err != nil {
		return Refresh{}, fmt.Errorf("drawing a refresh token: %w", err)
	}
	return r, nil
}

// Parse reads what Text returned, or returns ErrInvalid: for any other spelling, and for any text that was not made
// with this secret. Whether the token may still be used is for the database to decide.
func (k *RefreshTokens) Parse(text string) (Refresh, error) {
	if len(text) != base64url.EncodedLen(refreshLen) {
		return Refresh{}, invalid("not a refresh token: another length")
	}
	data, ok := decode(text)
	if !ok {
		return Refresh{}, invalid("not a refresh token: not base64url")
	}
	body, tag := data[:tagAt], data[tagAt:]
	i := slices.IndexFunc(k.keys, func(one *refreshKeys) bool { return hmac.Equal(tag, one.tag(body)) })
	if i < 0 {
		return Refresh{}, invalid("not a refresh token: the tag does not hold")
	}
	r := Refresh{
		User:       uuid.UUID(body[:sessionAt]),
		Session:    uuid.UUID(body[sessionAt:generationAt]),
		Generation: binary.BigEndian.Uint32(body[generationAt:secretAt]),
		secret:     [32]byte(body[secretAt:]),
		keys:       k.keys[i],
		tokens:     k,
	}
	if r.Generation == math.MaxUint32 { // so that Next never wraps
		return Refresh{}, invalid("not a refresh token: the last generation")
	}
	return r, nil
}

// Next returns the successor, made with the secret in use. It is always the same one, so that a client that lost the
// response and tries again, or tries twice concurrently, gets one token and not two. It cannot be computed without the
// secret.
func (r Refresh) Next() Refresh { return r.nextBy(r.tokens.inUse()) }

// Successor returns the successor of a digest from the database, which an instance may have made with either secret,
// and false when the digest is of none.
func (r Refresh) Successor(digest []byte) (Refresh, bool) {
	for _, keys := range r.tokens.keys {
		if next := r.nextBy(keys); next.Matches(digest) {
			return next, true
		}
	}
	return Refresh{}, false
}

func (r Refresh) nextBy(keys *refreshKeys) Refresh {
	next := r
	next.Generation++
	next.keys = keys
	next.secret = [32]byte(sum(keys.nextKey, next.body()))
	return next
}

// Text returns the token as the client gets it: 112 characters.
func (r Refresh) Text() string {
	body := r.body()
	return base64url.EncodeToString(append(body, r.keys.tag(body)...))
}

// Digest returns the 32 bytes that the database stores in place of the token.
func (r Refresh) Digest() []byte { return sum(r.keys.digestKey, r.body()) }

// Matches reports, in constant time, whether a digest from the database is this token's.
func (r Refresh) Matches(digest []byte) bool { return hmac.Equal(digest, r.Digest()) }

// Format keeps the token out of logs, whatever the verb.
func (r Refresh) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "token.Refresh(%s, %d)", r.Session, r.Generation)
}

func (r Refresh) body() []byte {
	body := make([]byte, 0, refreshLen)
	body = append(body, r.User[:]...)
	body = append(body, r.Session[:]...)
	body = binary.BigEndian.AppendUint32(body, r.Generation)
	return append(body, r.secret[:]...)
}

func (k *refreshKeys) tag(body []byte) []byte { return sum(k.tagKey, body)[:refreshLen-tagAt] }

func sum(key, data []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(data)
	return mac.Sum(nil)
}
