package token

import (
	"crypto/hmac"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
)

// A device token is the base64url of up to maxAccounts entries, each of: id (16 bytes), issued at (8, Unix seconds,
// big-endian), tag for the address (8), tag (32).
const (
	deviceAddressAt = 16 + 8
	deviceTagAt     = deviceAddressAt + 8
	deviceLen       = deviceTagAt + 32
	maxAccounts     = 4 // with which one device is known at the same time
)

// DeviceTokens makes and parses device tokens. A client stores one and sends it along when it signs in, which shows
// that it has signed in to the account before. That needs no table: the tag of 256 bits is over the account and its
// credential too, so a token ends with the credential.
type DeviceTokens struct{ perSecret[deviceKeys] }

type deviceKeys struct{ key, addressKey []byte }

// Device is a client that has signed in to an account.
type Device struct {
	ID       uuid.UUID
	IssuedAt time.Time // of its token, in seconds
}

// Credential is what a device was known by: an account with its address, and how many credentials it had before.
type Credential struct {
	Address    string
	UserID     uuid.UUID
	Generation int
	Factors    int // how often the second factors changed, with which Trust ends
}

// NewDeviceTokens derives the keys.
func NewDeviceTokens(secrets *Secrets) (*DeviceTokens, error) {
	keys, err := newPerSecret(secrets, func(secret *Secret) (k deviceKeys, err error) {
		if k.key, err = secret.subkey(forDevice); err == nil {
			k.addressKey, err = secret.subkey(forDeviceAddress)
		}
		if err != nil {
			return k, fmt.Errorf("deriving the device key from the secret: %w", err)
		}
		return k, nil
	})
	return &DeviceTokens{keys}, err
}

// Knows reports whether a token was made for some credential of an address. Only then is the account worth reading: the
// time of an answer must not say which addresses have accounts.
func (k *DeviceTokens) Knows(text, address string) bool {
	for _, entry := range deviceEntries(text) {
		for _, keys := range k.keys {
			if hmac.Equal(entry[deviceAddressAt:deviceTagAt], keys.addressTag(entry, address)) {
				return true
			}
		}
	}
	return false
}

// Find returns the device that a token names for a credential, and false for any text that was not made for it.
func (k *DeviceTokens) Find(text string, c Credential) (Device, bool) {
	for _, entry := range deviceEntries(text) {
		for _, keys := range k.keys {
			if hmac.Equal(entry[deviceTagAt:], keys.tag(entry[:deviceTagAt], c)) {
				return deviceOf(entry), true
			}
		}
	}
	return Device{}, false
}

// Add returns a token that names the device for a credential. A text that the client sent stays part of it: several
// users may share a browser.
func (k *DeviceTokens) Add(text string, d Device, c Credential) string {
	body := binary.BigEndian.AppendUint64(d.ID[:], uint64(d.IssuedAt.Unix()))
	keys := k.inUse()
	body = append(body, keys.addressTag(body, c.Address)...)
	token, n := append(body, keys.tag(body, c)...), 1
	for _, entry := range deviceEntries(text) {
		if n < maxAccounts && deviceOf(entry).ID != d.ID {
			token, n = append(token, entry...), n+1
		}
	}
	if _, trusts, ok := strings.Cut(text, trustDot); ok && trustEntries(text) != nil {
		return base64url.EncodeToString(token) + trustDot + trusts
	}
	return base64url.EncodeToString(token)
}

func (k deviceKeys) addressTag(entry []byte, address string) []byte {
	data := append(append([]byte{}, entry[:deviceAddressAt]...), address...)
	return sum(k.addressKey, data)[:deviceTagAt-deviceAddressAt]
}

func (k deviceKeys) tag(body []byte, c Credential) []byte {
	data := append(append([]byte{}, body...), c.UserID[:]...)
	return sum(k.key, binary.BigEndian.AppendUint64(data, uint64(c.Generation)))
}

// deviceEntries splits a token; whether the entries are ours, their tags say.
func deviceEntries(text string) (entries [][]byte) {
	text, _, _ = strings.Cut(text, trustDot)
	if len(text) > base64url.EncodedLen(maxAccounts*deviceLen) {
		return nil
	}
	data, ok := decode(text)
	for ok && len(data) >= deviceLen {
		entries, data = append(entries, data[:deviceLen]), data[deviceLen:]
	}
	return entries
}

func deviceOf(entry []byte) Device {
	return Device{
		ID:       uuid.UUID(entry[:16]),
		IssuedAt: time.Unix(int64(binary.BigEndian.Uint64(entry[16:deviceAddressAt])), 0).UTC(),
	}
}
