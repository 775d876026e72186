package token

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
)

// Keys is the set of keys in use: one signs, all verify. It may be used and replaced at the same time; who is verifying
// meanwhile sees the old set or the new one, never a mixture.
type Keys struct{ set atomic.Pointer[keySet] }

type keySet struct {
	signing *Key
	byID    map[string]*Key
	jwks    []byte
}

// NewKeys returns a set in which one key signs, and it and the others verify.
func NewKeys(signing *Key, others ...*Key) (*Keys, error) {
	k := &Keys{}
	return k, k.Replace(signing, others...)
}

// Replace puts other keys in the place of all keys. A key that is left out stops verifying at once.
func (k *Keys) Replace(signing *Key, others ...*Key) error {
	set := &keySet{signing: signing, byID: map[string]*Key{}}
	list := []published{} // never null, and in the order given
	for _, key := range append([]*Key{signing}, others...) {
		if key == nil {
			return errors.New("a set of signing keys was given no key")
		}
		if set.byID[key.id] != nil {
			return fmt.Errorf("a set of signing keys was given the key %s twice", key.id)
		}
		set.byID[key.id] = key
		list = append(list, published{Alg: key.Algorithm(), jwk: key.public, Kid: key.id, Use: "sig"})
	}
	var err error
	if set.jwks, err = json.Marshal(map[string]any{"keys": list}); err != nil {
		return fmt.Errorf("writing the key set: %w", err)
	}
	k.set.Store(set)
	return nil
}

// Signing returns the key that signs now.
func (k *Keys) Signing() *Key { return k.set.Load().signing }

// JWKS returns the public halves of all keys as a JWK Set (RFC 7517, section 5), the signing key first.
func (k *Keys) JWKS() []byte { return bytes.Clone(k.set.Load().jwks) }

// find returns the key of this kid, or nil. A kid that nobody knows costs one look into a map, and reloads nothing.
func (k *Keys) find(kid string) *Key { return k.set.Load().byID[kid] }
