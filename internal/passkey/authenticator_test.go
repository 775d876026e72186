package passkey

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"maps"
	"slices"
)

// The software authenticator of these tests. It knows nothing of the library: each part of a response stands apart, so
// that a test changes one, and the rest is as it was.

const (
	rpID   = "accounts.example"
	origin = "https://app.accounts.example"
)

// The flags of authenticator data (section 6.1).
const (
	up = 1 << 0
	uv = 1 << 2
	be = 1 << 3
	bs = 1 << 4
	at = 1 << 6
	ed = 1 << 7
)

// authData is what an authenticator signs, in its parts.
type authData struct {
	rpIDHash   []byte
	flags      byte
	count      uint32
	aaguid     []byte
	id         []byte
	key        []byte
	extensions []byte
	tail       []byte
	truncated  int // bytes that are cut off
}

func (a authData) bytes() []byte {
	data := append(slices.Clone(a.rpIDHash), a.flags)
	data = binary.BigEndian.AppendUint32(data, a.count)
	if a.id != nil {
		data = append(data, a.aaguid...)
		data = binary.BigEndian.AppendUint16(data, uint16(len(a.id)))
		data = append(append(data, a.id...), a.key...)
	}
	data = append(append(data, a.extensions...), a.tail...)
	return data[:len(data)-a.truncated]
}

// response is a browser's answer of either kind, in its parts.
type response struct {
	client   map[string]any // clientDataJSON, before it is encoded
	rawJSON  []byte         // in place of client
	auth     authData
	signer   signer
	signed   func([]byte) []byte // changes the signature
	format   string
	stmt     []byte // CBOR; of an attestation
	object   func([]byte) []byte
	envelope func(map[string]any)
	handle   []byte
}

func (r response) clientJSON() []byte {
	if r.rawJSON != nil {
		return r.rawJSON
	}
	return must(json.Marshal(r.client))
}

// toSign is what the authenticator signs.
func (r response) toSign() []byte {
	hash := sha256.Sum256(r.clientJSON())
	return append(r.auth.bytes(), hash[:]...)
}

func (r response) wrap(id []byte, inner map[string]any) []byte {
	outer := map[string]any{
		"id": b64(id), "rawId": b64(id), "type": "public-key", "authenticatorAttachment": "platform",
		"clientExtensionResults": map[string]any{"credProps": map[string]any{"rk": true}, "somethingNew": true},
		"response":               inner,
	}
	if r.envelope != nil {
		r.envelope(outer)
	}
	return must(json.Marshal(outer))
}

// creation returns the response as that of create().
func (r response) creation() []byte {
	object := cborMap("fmt", cborText(r.format), "attStmt", r.stmt, "authData", cborBytes(r.auth.bytes()))
	if r.object != nil {
		object = r.object(object)
	}
	return r.wrap(r.auth.id, map[string]any{
		"clientDataJSON": b64(r.clientJSON()), "attestationObject": b64(object),
		"transports": []string{"internal", "hybrid", "carrier-pigeon", "internal"},
		"publicKey":  b64([]byte("not looked at")), "publicKeyAlgorithm": -7,
	})
}

// assertion returns the response as that of get().
func (r response) assertion(id []byte) []byte {
	signature := r.signer.sign(r.toSign())
	if r.signed != nil {
		signature = r.signed(signature)
	}
	inner := map[string]any{
		"clientDataJSON": b64(r.clientJSON()), "authenticatorData": b64(r.auth.bytes()), "signature": b64(signature),
	}
	if r.handle != nil {
		inner["userHandle"] = b64(r.handle)
	}
	return r.wrap(id, inner)
}

// newCreation is a valid answer to a registration.
func newCreation(challenge string, s signer) response {
	hash := sha256.Sum256([]byte(rpID))
	return response{
		client: map[string]any{"type": "webauthn.create", "challenge": challenge, "origin": origin, "crossOrigin": false},
		auth: authData{rpIDHash: hash[:], flags: up | uv | be | bs | at, count: 1, aaguid: []byte("an authenticator"),
			id: []byte("the id of a passkey"), key: s.cose()},
		signer: s, format: "none", stmt: cborMap(),
	}
}

// newAssertion is a valid answer to a sign-in.
func newAssertion(challenge string, s signer) response {
	hash := sha256.Sum256([]byte(rpID))
	return response{
		client: map[string]any{"type": "webauthn.get", "challenge": challenge, "origin": origin, "crossOrigin": false},
		auth:   authData{rpIDHash: hash[:], flags: up | uv | be | bs, count: 2},
		signer: s, handle: userHandle,
	}
}

// with returns a copy whose client data has another member.
func (r response) with(name string, value any) response {
	r.client = maps.Clone(r.client)
	r.client[name] = value
	return r
}

var userHandle = []byte("a random user handle")

// signer is the key of a passkey.
type signer interface {
	cose() []byte
	sign([]byte) []byte
}

type es256 struct{ *ecdsa.PrivateKey }

func newES256() es256 { return es256{must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))} }

func (k es256) cose() []byte {
	point := must(k.PublicKey.Bytes())
	return coseEC(2, -7, 1, point[1:33], point[33:])
}

func (k es256) sign(data []byte) []byte {
	hash := sha256.Sum256(data)
	return must(ecdsa.SignASN1(rand.Reader, k.PrivateKey, hash[:]))
}

type eddsa struct{ ed25519.PrivateKey }

func newEdDSA() eddsa {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	return eddsa{must(key, err)}
}

func (k eddsa) cose() []byte { return coseOKP(1, -8, 6, k.Public().(ed25519.PublicKey)) }

func (k eddsa) sign(data []byte) []byte { return ed25519.Sign(k.PrivateKey, data) }

type rs256 struct{ *rsa.PrivateKey }

func newRS256() rs256 { return rs256{must(rsa.GenerateKey(rand.Reader, 2048))} }

func (k rs256) cose() []byte { return coseRSA(3, -257, k.N.Bytes(), []byte{1, 0, 1}) }

func (k rs256) sign(data []byte) []byte {
	hash := sha256.Sum256(data)
	return must(rsa.SignPKCS1v15(rand.Reader, k.PrivateKey, crypto.SHA256, hash[:]))
}

func coseEC(kty, alg, curve int, x, y []byte) []byte {
	return cborMap(1, cborInt(kty), 3, cborInt(alg), -1, cborInt(curve), -2, cborBytes(x), -3, cborBytes(y))
}

func coseOKP(kty, alg, curve int, x []byte) []byte {
	return cborMap(1, cborInt(kty), 3, cborInt(alg), -1, cborInt(curve), -2, cborBytes(x))
}

func coseRSA(kty, alg int, n, e []byte) []byte {
	return cborMap(1, cborInt(kty), 3, cborInt(alg), -1, cborBytes(n), -2, cborBytes(e))
}

// cborMap encodes names, texts or numbers, each with the CBOR of its value behind it.
func cborMap(pairs ...any) []byte {
	data := cborHead(5, len(pairs)/2)
	for _, p := range pairs {
		switch p := p.(type) {
		case int:
			data = append(data, cborInt(p)...)
		case string:
			data = append(data, cborText(p)...)
		case []byte:
			data = append(data, p...)
		}
	}
	return data
}

func cborInt(n int) []byte {
	if n < 0 {
		return cborHead(1, -1-n)
	}
	return cborHead(0, n)
}

func cborBytes(b []byte) []byte { return append(cborHead(2, len(b)), b...) }
func cborText(s string) []byte  { return append(cborHead(3, len(s)), s...) }

// cborHead encodes a major type with its number (RFC 8949, section 3).
func cborHead(major byte, n int) []byte {
	switch {
	case n < 24:
		return []byte{major<<5 | byte(n)}
	case n < 1<<8:
		return []byte{major<<5 | 24, byte(n)}
	}
	return binary.BigEndian.AppendUint16([]byte{major<<5 | 25}, uint16(n))
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
