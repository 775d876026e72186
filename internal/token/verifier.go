package token

import (
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/bytecache"
)

const (
	// usualLength is what most tokens are shorter than, in bytes: a digest of them is made without allocating.
	usualLength = 1 << 10
	// defaultCacheBytes is room for about 30,000 tokens.
	defaultCacheBytes = 8 << 20
	// mapEntryBytes is a digest and a pointer in a map that has just grown: it is half empty.
	mapEntryBytes = 92
	// sliceBytes bounds what a short text or list takes beyond its bytes.
	sliceBytes = 16
)

// VerifierConfig configures a Verifier.
type VerifierConfig struct {
	// Find returns the key of a kid that may verify at a time, or nil. It is asked about every token, also about one
	// that was verified before. Required.
	Find     func(kid string, now time.Time) *PublicKey
	Issuer   string           // required: iss, compared byte for byte
	Audience string           // required: aud, compared byte for byte
	Clock    func() time.Time // default time.Now

	// CacheBytes bounds the memory of verified tokens. Only tokens that the keys signed get in, so that no other client
	// can fill it. Default 8 MiB.
	CacheBytes int
}

// Verifier verifies access tokens with public keys alone. It may be used concurrently.
type Verifier struct {
	config VerifierConfig
	parser *jwt.Parser
	hits   atomic.Uint64
	misses atomic.Uint64

	mu    sync.Mutex
	cache *bytecache.Cache[[sha256.Size]byte, *verified]
}

// verified is a token that has passed once.
type verified struct {
	key                                     *PublicKey
	user, session                           uuid.UUID
	id                                      string
	authenticated, issued, expires, validAt int64 // microseconds since 1970
	roles, scopes                           []string
	amr                                     AMR
}

func newVerified(key *PublicKey, c Claims, validFrom time.Time) *verified {
	return &verified{
		key: key, user: c.UserID, session: c.SessionID, id: strings.Clone(c.ID), roles: apart(c.Roles), scopes: apart(c.Scopes),
		authenticated: c.AuthenticatedAt.UnixMicro(), issued: c.IssuedAt.UnixMicro(), expires: c.ExpiresAt.UnixMicro(), validAt: validFrom.UnixMicro(),
		amr: c.AMR,
	}
}

// apart returns a copy that keeps nothing else of the payload in memory.
func apart(list []string) []string {
	own := slices.Clone(list)
	for i, text := range own {
		own[i] = strings.Clone(text)
	}
	return slices.Clip(own)
}

// size is how much a token holds, with its place in the cache.
func (c *verified) size() int {
	bytes := int(unsafe.Sizeof(*c)) + mapEntryBytes + sliceBytes + len(c.id)
	for _, list := range [][]string{c.roles, c.scopes} {
		for _, text := range list {
			bytes += 2*sliceBytes + len(text)
		}
	}
	return bytes
}

// claims are the caller's own.
func (c *verified) claims() Claims {
	moment := func(micros int64) time.Time { return time.UnixMicro(micros).UTC() }
	return Claims{
		UserID: c.user, SessionID: c.session, ID: c.id, AuthenticatedAt: moment(c.authenticated), IssuedAt: moment(c.issued),
		ExpiresAt: moment(c.expires), AMR: c.amr, Roles: slices.Clone(c.roles), Scopes: slices.Clone(c.scopes),
	}
}

// NewVerifier checks the configuration.
func NewVerifier(c VerifierConfig) (*Verifier, error) {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	switch {
	case c.Find == nil:
		return nil, errors.New("a verifier of access tokens needs keys")
	case !validText(c.Issuer) || !validText(c.Audience):
		return nil, errors.New("access tokens need an issuer and an audience, in UTF-8")
	}
	if c.CacheBytes == 0 {
		c.CacheBytes = defaultCacheBytes
	}
	v := &Verifier{config: c, parser: jwt.NewParser(
		jwt.WithValidMethods([]string{EdDSA, ES256, RS256}), jwt.WithStrictDecoding(), jwt.WithIssuer(c.Issuer),
		jwt.WithAudience(c.Audience), jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(Leeway),
		jwt.WithTimeFunc(c.Clock),
	)}
	v.cache = bytecache.New(bytecache.Config[[sha256.Size]byte, *verified]{
		Bytes: c.CacheBytes, Size: (*verified).size,
		Useless: func(t *verified) bool { return t.expires <= c.Clock().UnixMicro() },
	})
	return v, nil
}

// Verify returns the claims of an access token, or ErrExpired, or ErrInvalid. It never panics, and touches nothing but
// memory. The claims are the caller's own: nothing that is written into them reaches another caller.
//
// Verified tokens are cached by SHA-256, which skips parsing and signature checks. What can change meanwhile is checked
// each time: the key must still be found, and the clock, which may be set back, must be within the token's lifetime.
func (v *Verifier) Verify(text string) (Claims, error) {
	if len(text) > MaxLength {
		return Claims{}, invalid("too long")
	}
	now, digest := v.config.Clock(), sha256.Sum256(append(make([]byte, 0, usualLength), text...))
	v.mu.Lock()
	c, ok := v.cache.Get(digest)
	v.mu.Unlock()
	if ok && c.key.equal(v.config.Find(c.key.id, now)) && c.checkTimes(now) == nil {
		v.hits.Add(1)
		return c.claims(), nil
	}
	v.misses.Add(1)
	c, err := v.parse(text, now)
	if err != nil {
		return Claims{}, err
	}
	if err := c.checkTimes(now); err != nil {
		return Claims{}, err
	}
	v.mu.Lock()
	v.cache.Add(digest, c)
	v.mu.Unlock()
	return c.claims(), nil
}

// checkTimes grants the leeway to the beginning alone: golang-jwt's option, which is the same for both, would let a
// token live for longer than the issuer says.
func (c *verified) checkTimes(now time.Time) error {
	if !now.Before(time.UnixMicro(c.expires)) {
		return ErrExpired
	}
	if now.Before(time.UnixMicro(c.validAt)) {
		return invalid("payload: nbf, iat or auth_time lies ahead")
	}
	return nil
}

// Stats says how often a token was in the cache, and how often it had to be parsed and its signature checked.
type Stats struct{ Hits, Misses uint64 }

// Stats returns the numbers since the start.
func (v *Verifier) Stats() Stats { return Stats{v.hits.Load(), v.misses.Load()} }
