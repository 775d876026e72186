package token

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Scheduled is a key and its times. It is published before it signs, so that every verifier has it by then. It verifies
// until the last token that it signed has expired.
type Scheduled struct {
	Key     *Key      // required
	SignsAt time.Time // from when it signs, until the next key does; zero is always
	EndsAt  time.Time // from when it neither verifies nor is published; zero is not known yet
}

// WithoutSchedule is the schedule of a lone key: it signs always, and no end is known.
func (k *Key) WithoutSchedule() Scheduled { return Scheduled{Key: k} }

func (s Scheduled) begun(now time.Time) bool { return !s.SignsAt.After(now) }
func (s Scheduled) ended(now time.Time) bool { return !s.EndsAt.IsZero() && !s.EndsAt.After(now) }

// Keys is the schedule of signing keys. At each moment one key signs, and all that have not ended verify. The time is a
// parameter, so that instances with the same schedule change keys at the same moment without a reload. Keys may be used
// and replaced concurrently; a verification meanwhile uses the old schedule or the new one, never a mixture.
type Keys struct{ set atomic.Pointer[keySet] }

type keySet struct {
	byTime []Scheduled // by SignsAt, then by kid, so that every instance has one order
	byID   map[string]Scheduled
}

// NewKeys returns the schedule of these keys, in any order.
func NewKeys(keys ...Scheduled) (*Keys, error) {
	k := &Keys{}
	return k, k.Replace(keys...)
}

// Replace replaces the schedule. It fails, and the old schedule stays, when the new one has no key, an element without
// a key, or a key twice. A key that is not in the new schedule stops verifying immediately.
func (k *Keys) Replace(keys ...Scheduled) error {
	if len(keys) == 0 {
		return errors.New("a schedule of signing keys needs a key")
	}
	set := &keySet{byTime: slices.Clone(keys), byID: map[string]Scheduled{}}
	for _, s := range keys {
		if s.Key == nil {
			return errors.New("a schedule of signing keys has an element without a key")
		}
		if _, ok := set.byID[s.Key.ID()]; ok {
			return fmt.Errorf("a schedule of signing keys has the key %s twice", s.Key.ID())
		}
		set.byID[s.Key.ID()] = s
	}
	slices.SortFunc(set.byTime, func(a, b Scheduled) int {
		if c := a.SignsAt.Compare(b.SignsAt); c != 0 {
			return c
		}
		return strings.Compare(a.Key.ID(), b.Key.ID())
	})
	k.set.Store(set)
	return nil
}

// Schedule returns the keys in the order in which they sign.
func (k *Keys) Schedule() []Scheduled { return slices.Clone(k.set.Load().byTime) }

// Signing returns the key that signs at a time. Of those that have not ended it is the one that began last; when none
// has begun, the one that begins first; when all have ended, nil.
func (k *Keys) Signing(now time.Time) *Key { return k.set.Load().signing(now) }

func (set *keySet) signing(now time.Time) *Key {
	var key *Key
	for _, s := range set.byTime {
		if !s.ended(now) && (key == nil || s.begun(now)) {
			key = s.Key
		}
	}
	return key
}

// JWKS returns all public keys that have not ended at a time as a JWK Set (RFC 7517, section 5), including those that
// sign only later: the signing key first, the others in the order in which they sign.
func (k *Keys) JWKS(now time.Time) []byte {
	set := k.set.Load()
	signing := set.signing(now)
	var list []*PublicKey
	for _, s := range set.byTime {
		if s.Key == signing {
			list = slices.Insert(list, 0, s.Key.public)
		} else if !s.ended(now) {
			list = append(list, s.Key.public)
		}
	}
	return writeJWKS(list)
}

// IDs returns the kids of the keys that JWKS shows at a time.
func (k *Keys) IDs(now time.Time) []string {
	ids := []string{}
	for _, s := range k.set.Load().byTime {
		if !s.ended(now) {
			ids = append(ids, s.Key.ID())
		}
	}
	return ids
}

// find returns the key of a kid that may verify at a time, or nil. A key that has ended verifies nothing, and one that
// signs only later cannot have signed yet; the Leeway is for instances whose clocks are ahead. An unknown kid costs one
// lookup in a map.
func (k *Keys) find(kid string, now time.Time) *PublicKey {
	set := k.set.Load()
	s, ok := set.byID[kid]
	if !ok || s.ended(now) || !s.begun(now.Add(Leeway)) && s.Key != set.signing(now) {
		return nil
	}
	return s.Key.public
}
