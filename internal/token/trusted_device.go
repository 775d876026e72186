package token

import (
	"bytes"
	"crypto/hmac"
	"encoding/binary"
	"strings"
	"time"
)

// The token of a device may have a second part, after a dot: the base64url of up to maxAccounts entries, each of: id of
// the device (16 bytes), until when (8, Unix seconds, big-endian), tag (32). On that device the user of an account is
// spared the second factor. The tag is over the factors too, so that an entry ends with them.
const (
	trustDot   = "."
	trustTagAt = 16 + 8
	trustLen   = trustTagAt + 32
)

// Trust adds to the token of a device that a user is spared the second factor on it. The token must know the device for
// the credential.
func (k *DeviceTokens) Trust(text string, c Credential, until time.Time) string {
	d, ok := k.Find(text, c)
	if !ok {
		return text
	}
	known, _, _ := strings.Cut(text, trustDot)
	body := binary.BigEndian.AppendUint64(append([]byte{}, d.ID[:]...), uint64(until.Unix()))
	entries, n := append(body, k.inUse().trustTag(body, c)...), 1
	for _, entry := range trustEntries(text) {
		if n < maxAccounts && !k.isTrust(entry, c) {
			entries, n = append(entries, entry...), n+1
		}
	}
	return known + trustDot + base64url.EncodeToString(entries)
}

// Trusts reports whether a user is spared the second factor on the device that a token names for a credential.
func (k *DeviceTokens) Trusts(text string, c Credential, now time.Time) bool {
	d, ok := k.Find(text, c)
	if !ok {
		return false
	}
	for _, entry := range trustEntries(text) {
		until := time.Unix(int64(binary.BigEndian.Uint64(entry[16:trustTagAt])), 0)
		if bytes.Equal(entry[:16], d.ID[:]) && now.Before(until) && k.isTrust(entry, c) {
			return true
		}
	}
	return false
}

func (k *DeviceTokens) isTrust(entry []byte, c Credential) bool {
	for _, keys := range k.keys {
		if hmac.Equal(entry[trustTagAt:], keys.trustTag(entry[:trustTagAt], c)) {
			return true
		}
	}
	return false
}

// trustTag is over more bytes than the tag of a known device, so that neither stands for the other.
func (k deviceKeys) trustTag(body []byte, c Credential) []byte {
	data := append(append([]byte("spared the second factor "), body...), c.UserID[:]...)
	data = binary.BigEndian.AppendUint64(data, uint64(c.Generation))
	return sum(k.key, binary.BigEndian.AppendUint64(data, uint64(c.Factors)))
}

func trustEntries(text string) (entries [][]byte) {
	_, trusts, _ := strings.Cut(text, trustDot)
	if len(trusts) > base64url.EncodedLen(maxAccounts*trustLen) {
		return nil
	}
	data, ok := decode(trusts)
	for ok && len(data) >= trustLen {
		entries, data = append(entries, data[:trustLen]), data[trustLen:]
	}
	return entries
}
