// Package passkeytest is a software authenticator with a browser around it, for tests: it answers options as a browser
// does. What it makes is valid, unless a test changes its fields.
package passkeytest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"testing"
)

// The flags of authenticator data.
const (
	UserPresent    = 1 << 0
	UserVerified   = 1 << 2
	BackupEligible = 1 << 3
	BackedUp       = 1 << 4
	attested       = 1 << 6
)

// Passkey is a passkey in its authenticator.
type Passkey struct {
	Origin string // of the page on which it is used
	RPID   string
	ID     []byte
	Handle string // of the user, base64url
	Flags  byte   // default UserPresent and UserVerified
	Count  uint32 // of the newest signature

	t   testing.TB
	key *ecdsa.PrivateKey
}

// Create makes a passkey on a page, as navigator.credentials.create does, and returns what toJSON returns of it.
func Create(t testing.TB, origin string, options any) (*Passkey, any) {
	t.Helper()
	var o struct {
		RP struct {
			ID string `json:"id"`
		} `json:"rp"`
		User struct {
			ID string `json:"id"`
		} `json:"user"`
	}
	read(t, options, &o)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	p := &Passkey{Origin: origin, RPID: o.RP.ID, ID: make([]byte, 32), Handle: o.User.ID,
		Flags: UserPresent | UserVerified, t: t, key: key}
	rand.Read(p.ID)
	return p, p.Created(options)
}

// Created is the answer to options by which the passkey was made, as it says of itself now.
func (p *Passkey) Created(options any) any {
	p.t.Helper()
	challenge := p.challenge(options)
	point, err := p.key.PublicKey.Bytes()
	check(p.t, err)
	data := p.data(attested)
	data = append(data, make([]byte, 16)...) // no model of authenticators
	data = binary.BigEndian.AppendUint16(data, uint16(len(p.ID)))
	data = append(data, p.ID...)
	// A COSE_Key in CBOR: {1: 2, 3: -7, -1: 1, -2: x, -3: y}.
	data = append(data, 0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 32)
	data = append(data, point[1:33]...)
	data = append(append(data, 0x22, 0x58, 32), point[33:]...)
	// {"fmt": "none", "attStmt": {}, "authData": …}
	object := append([]byte{0xa3, 0x63}, "fmt\x64none\x67attStmt\xa0\x68authData\x59"...)
	object = append(binary.BigEndian.AppendUint16(object, uint16(len(data))), data...)
	return p.response(map[string]any{
		"clientDataJSON": encode(p.client("webauthn.create", challenge)), "attestationObject": encode(object),
		"transports": []string{"internal"},
	})
}

// Use signs on its page, as navigator.credentials.get does, and returns what toJSON returns of it.
func (p *Passkey) Use(options any) any {
	p.t.Helper()
	p.Count++
	client, data := p.client("webauthn.get", p.challenge(options)), p.data(0)
	hash := sha256.Sum256(client)
	digest := sha256.Sum256(append(data, hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, p.key, digest[:])
	check(p.t, err)
	return p.response(map[string]any{
		"clientDataJSON": encode(client), "authenticatorData": encode(data), "signature": encode(signature),
		"userHandle": p.Handle,
	})
}

func (p *Passkey) challenge(options any) string {
	p.t.Helper()
	var o struct {
		Challenge string `json:"challenge"`
	}
	read(p.t, options, &o)
	return o.Challenge
}

func (p *Passkey) client(kind, challenge string) []byte {
	return fmt.Appendf(nil, `{"type":%q,"challenge":%q,"origin":%q,"crossOrigin":false}`, kind, challenge, p.Origin)
}

func (p *Passkey) data(more byte) []byte {
	hash := sha256.Sum256([]byte(p.RPID))
	return binary.BigEndian.AppendUint32(append(hash[:], p.Flags|more), p.Count)
}

func (p *Passkey) response(inner map[string]any) any {
	return map[string]any{"id": encode(p.ID), "rawId": encode(p.ID), "type": "public-key", "response": inner,
		"clientExtensionResults": map[string]any{}, "authenticatorAttachment": "platform"}
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func read(t testing.TB, options, into any) {
	t.Helper()
	text, err := json.Marshal(options)
	check(t, err)
	check(t, json.Unmarshal(text, into))
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
