package passkey

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A passkey of each algorithm is registered, and what is stored of it is what its authenticator said.
func TestRegister_StoresThePasskey(t *testing.T) {
	rp := newRelyingParty(t)
	for name, s := range map[string]signer{"ES256": newES256(), "EdDSA": newEdDSA(), "RS256": newRS256()} {
		got, err := register(rp, newCreation(challenge, s).creation())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := &Passkey{ID: []byte("the id of a passkey"), PublicKey: s.cose(), SignCount: 1,
			Transports: []string{"hybrid", "internal"}, AAGUID: []byte("an authenticator"), BackupEligible: true, BackedUp: true}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Each client data that differs in one member is refused; the same without the difference is not.
func TestRegister_RefusesWrongClientData(t *testing.T) {
	rp, good := newRelyingParty(t), newCreation(challenge, newES256())
	for name, r := range clientDataCases(good, "webauthn.get") {
		_, err := register(rp, r.creation())
		wantRefused(t, nil, err)
		if err == nil {
			t.Errorf("accepted: %s", name)
		}
	}
	_, err := register(rp, good.with("origin", "https://evil.example").creation())
	wantRefused(t, ErrOrigin, err)
	for name, r := range map[string]response{
		"as it is": good, "the other origin": good.with("origin", "https://accounts.example"),
		"a new member": good.with("new_keys_may_be_added_here", "do not compare clientDataJSON against a template"),
	} {
		if _, err := register(rp, r.creation()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Of all 256 flags those are accepted that say present, verified, with the data of a passkey, without extensions, and
// backed up only where that is possible.
func TestRegister_Flags(t *testing.T) {
	rp, good := newRelyingParty(t), newCreation(challenge, newES256())
	accepted := 0
	for flags := range 256 {
		r := good
		r.auth.flags = byte(flags)
		p, err := register(rp, r.creation())
		want := flags&up != 0 && flags&uv != 0 && flags&at != 0 && flags&ed == 0 && (flags&be != 0 || flags&bs == 0)
		if want != (err == nil) || err != nil && !isRefusal(err) {
			t.Errorf("flags %08b: %v", flags, err)
		}
		if err == nil {
			accepted++
			if p.BackupEligible != (flags&be != 0) || p.BackedUp != (flags&bs != 0) {
				t.Errorf("flags %08b are stored as %+v", flags, p)
			}
		}
	}
	if accepted != 3*4 { // backup flags, and two bits that mean nothing yet
		t.Errorf("%d combinations of flags are accepted", accepted)
	}
}

// A passkey that was made for another domain is refused, whichever bit of the hash says so.
func TestRegister_RefusesAnotherDomain(t *testing.T) {
	rp, good := newRelyingParty(t), newCreation(challenge, newES256())
	for bit := range len(good.auth.rpIDHash) * 8 {
		r := good
		r.auth.rpIDHash = flipped(good.auth.rpIDHash, bit)
		_, err := register(rp, r.creation())
		wantRefused(t, ErrRefused, err)
	}
}

// Keys of other algorithms than were asked for are refused, and so are keys that do not hold, which the library would
// store: it looks at them when they are used.
func TestRegister_RefusesKeys(t *testing.T) {
	rp, good := newRelyingParty(t), newCreation(challenge, newES256())
	point := must(newES256().PublicKey.Bytes())
	x, y := point[1:33], point[33:]
	p384 := must(must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)).PublicKey.Bytes())
	ed := []byte(newEdDSA().Public().(ed25519.PublicKey))
	n := newRS256().N.Bytes()
	weak := must(rsa.GenerateKey(rand.Reader, 1024)).N.Bytes()
	for name, key := range map[string][]byte{
		"ES384":                         coseEC(2, -35, 2, p384[1:49], p384[49:]),
		"ES256K":                        coseEC(2, -47, 8, x, y),
		"PS256":                         coseRSA(3, -37, n, []byte{1, 0, 1}),
		"RS1":                           coseRSA(3, -65535, n, []byte{1, 0, 1}),
		"HS256":                         cborMap(1, cborInt(4), 3, cborInt(5), -1, cborBytes(x)),
		"no algorithm":                  cborMap(1, cborInt(2), -1, cborInt(1), -2, cborBytes(x), -3, cborBytes(y)),
		"an algorithm that is a text":   cborMap(1, cborInt(2), 3, cborText("ES256"), -1, cborInt(1), -2, cborBytes(x)),
		"ES256 with the key of EdDSA":   coseOKP(1, -7, 6, ed),
		"ES256 with the key of RSA":     coseRSA(3, -7, n, []byte{1, 0, 1}),
		"EdDSA with the key of ES256":   coseEC(2, -8, 1, x, y),
		"RS256 with the key of ES256":   coseEC(2, -257, 1, x, y),
		"ES256 on P-384":                coseEC(2, -7, 2, p384[1:49], p384[49:]),
		"ES256 that calls itself P-384": coseEC(2, -7, 2, x, y),
		"ES256 off the curve":           coseEC(2, -7, 1, x, flipped(y, 0)),
		"ES256 at infinity":             coseEC(2, -7, 1, make([]byte, 32), make([]byte, 32)),
		"ES256 with a short coordinate": coseEC(2, -7, 1, x[1:], y),
		"ES256 without y":               coseEC(2, -7, 1, x, nil),
		"EdDSA with a short key":        coseOKP(1, -8, 6, ed[1:]),
		"EdDSA on X25519":               coseOKP(1, -8, 4, ed),
		"RS256 of 1024 bits":            coseRSA(3, -257, weak, []byte{1, 0, 1}),
		"RS256 of 1024 bits with zeros": coseRSA(3, -257, append(make([]byte, 128), weak...), []byte{1, 0, 1}),
		"RS256 of 8192 bits":            coseRSA(3, -257, bytes.Repeat([]byte{0xff}, 1024), []byte{1, 0, 1}),
		"RS256 with the exponent 1":     coseRSA(3, -257, n, []byte{1}),
		"RS256 with the exponent 3":     coseRSA(3, -257, n, []byte{3}),
		"RS256 without exponent":        coseRSA(3, -257, n, nil),
		"a member twice":                append([]byte{5<<5 | 6}, append(good.auth.key[1:], append(cborInt(3), cborInt(-7)...)...)...),
		"a member of a kilobyte":        cborMap(append(members(x, y), 7, cborBytes(make([]byte, 1024)))...),
		"indefinite length":             append(append([]byte{5<<5 | 31}, good.auth.key[1:]...), 0xff),
		"a tag":                         append([]byte{0xc1}, good.auth.key...),
		"nothing":                       {},
		"a text":                        cborText("a key"),
	} {
		r := good
		r.auth.key = key
		_, err := register(rp, r.creation())
		wantRefused(t, nil, err)
		if err == nil {
			t.Errorf("accepted: %s", name)
		}
	}
	control := good
	control.auth.key = cborMap(append(members(x, y), 7, cborBytes(make([]byte, 800)))...)
	if _, err := register(rp, control.creation()); err != nil {
		t.Errorf("a key with another member: %v", err)
	}
}

// members are those of a COSE_Key for ES256.
func members(x, y []byte) []any {
	return []any{1, cborInt(2), 3, cborInt(-7), -1, cborInt(1), -2, cborBytes(x), -3, cborBytes(y)}
}

// Attestations that nobody asked for are refused before they are parsed; a signature by the passkey itself is verified.
func TestRegister_Attestation(t *testing.T) {
	rp, s := newRelyingParty(t), newES256()
	self := newCreation(challenge, s)
	self.format = "packed"
	signature := s.sign(self.toSign())
	self.stmt = cborMap("alg", cborInt(-7), "sig", cborBytes(signature))
	if _, err := register(rp, self.creation()); err != nil {
		t.Errorf("a signature by the passkey itself: %v", err)
	}
	list := func(b []byte) []byte { return append([]byte{4<<5 | 1}, cborBytes(b)...) }
	for name, change := range map[string]func(*response){
		"a wrong signature": func(r *response) { r.stmt = cborMap("alg", cborInt(-7), "sig", cborBytes(flipped(signature, 99))) },
		"another algorithm": func(r *response) { r.stmt = cborMap("alg", cborInt(-8), "sig", cborBytes(signature)) },
		"no signature":      func(r *response) { r.stmt = cborMap("alg", cborInt(-7)) },
		"nothing":           func(r *response) { r.stmt = cborMap() },
		"a certificate":     func(r *response) { r.stmt = cborMap("alg", cborInt(-7), "sig", cborBytes(signature), "x5c", list(nil)) },
		"ECDAA": func(r *response) {
			r.stmt = cborMap("alg", cborInt(-7), "sig", cborBytes(signature), "ecdaaKeyId", list(nil))
		},
		"none with a statement": func(r *response) { r.format = "none" },
		"no format":             func(r *response) { r.format = "" },
		"of a TPM":              func(r *response) { r.format = "tpm" },
		"of Android":            func(r *response) { r.format = "android-key" },
		"of SafetyNet":          func(r *response) { r.format = "android-safetynet" },
		"of U2F":                func(r *response) { r.format = "fido-u2f" },
		"of Apple":              func(r *response) { r.format = "apple" },
		"of several":            func(r *response) { r.format, r.stmt = "compound", []byte{4 << 5} },
		"of nobody knows":       func(r *response) { r.format = "PACKED" },
	} {
		r := self
		change(&r)
		_, err := register(rp, r.creation())
		wantRefused(t, nil, err)
		if err == nil {
			t.Errorf("accepted: %s", name)
		}
	}
}

// Extensions of the authenticator are read to their end.
func TestRegister_Extensions(t *testing.T) {
	rp, good := newRelyingParty(t), newCreation(challenge, newES256())
	good.auth.flags |= ed
	extensions := cborMap("somethingNew", cborInt(1))
	for name, c := range map[string]struct {
		extensions []byte
		accepted   bool
	}{
		"of a new kind":   {extensions, true},
		"none":            {nil, false},
		"cut off":         {extensions[:len(extensions)-1], false},
		"with a byte":     {append(slices.Clone(extensions), 0), false},
		"that are no map": {cborText("extensions"), false},
	} {
		r := good
		r.auth.extensions = c.extensions
		if _, err := register(rp, r.creation()); (err == nil) != c.accepted || err != nil && !isRefusal(err) {
			t.Errorf("extensions %s: %v", name, err)
		}
	}
}

// A response that ends early, at whichever byte of whichever part, or goes on behind its end, is refused.
func TestRegister_RefusesTruncatedAndTrailingBytes(t *testing.T) {
	rp, good := newRelyingParty(t), newCreation(challenge, newES256())
	whole := good.creation()
	cases := map[string][]byte{"nothing": nil, "a byte behind the JSON": append(slices.Clone(whole), 'x'), "twice": append(slices.Clone(whole), whole...)}
	for n := range whole {
		cases[fmt.Sprintf("JSON of %d bytes", n)] = whole[:n]
	}
	for n := range good.auth.bytes() {
		r := good
		r.auth.truncated = n + 1
		cases[fmt.Sprintf("authenticator data without %d bytes", n+1)] = r.creation()
	}
	object := 0
	good.object = func(b []byte) []byte { object = len(b); return b }
	good.creation()
	for n := range object {
		r := good
		r.object = func(b []byte) []byte { return b[:n] }
		cases[fmt.Sprintf("object of %d bytes", n)] = r.creation()
	}
	for n := range good.clientJSON() {
		r := good
		r.rawJSON = good.clientJSON()[:n]
		cases[fmt.Sprintf("client data of %d bytes", n)] = r.creation()
	}
	for _, tail := range [][]byte{{0}, {0xff}, cborMap(), make([]byte, 100)} {
		r := good
		r.auth.tail = tail
		cases[fmt.Sprintf("authenticator data and %x", tail)] = r.creation()
		r = good
		r.object = func(b []byte) []byte { return append(b, tail...) }
		cases[fmt.Sprintf("object and %x", tail)] = r.creation()
	}
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		_, err := register(rp, cases[name])
		wantRefused(t, nil, err)
		if err == nil {
			t.Errorf("accepted: %s", name)
		}
	}
}

// The parts of a response that name the passkey agree, and its id is as long as they are.
func TestRegister_RefusesWrongIDs(t *testing.T) {
	rp, good := newRelyingParty(t), newCreation(challenge, newES256())
	for name, id := range map[string][]byte{"of no byte": {}, "of 15 bytes": make([]byte, 15), "of 1024 bytes": make([]byte, 1024)} {
		r := good
		r.auth.id = id
		_, err := register(rp, r.creation())
		wantRefused(t, nil, err)
		if err == nil {
			t.Errorf("accepted: an id %s", name)
		}
	}
	for _, n := range []int{16, 1023} {
		r := good
		r.auth.id = make([]byte, n)
		if _, err := register(rp, r.creation()); err != nil {
			t.Errorf("an id of %d bytes: %v", n, err)
		}
	}
	for name, change := range envelopeCases {
		r := good
		r.envelope = change
		_, err := register(rp, r.creation())
		wantRefused(t, nil, err)
		if err == nil {
			t.Errorf("accepted: %s", name)
		}
	}
}

// envelopeCases are the ways in which the outside of either response can be wrong.
var envelopeCases = map[string]func(map[string]any){
	"the id of another passkey":     func(m map[string]any) { m["id"] = b64([]byte("the id of a passkez")) },
	"the raw id of another passkey": func(m map[string]any) { m["rawId"] = b64([]byte("the id of a passkez")) },
	"both ids of another passkey": func(m map[string]any) {
		m["id"] = b64([]byte("the id of a passkez"))
		m["rawId"] = m["id"]
	},
	"no id":                     func(m map[string]any) { delete(m, "id") },
	"no raw id":                 func(m map[string]any) { delete(m, "rawId") },
	"an id that is no base64":   func(m map[string]any) { m["id"] = "*" },
	"an id that is a number":    func(m map[string]any) { m["rawId"] = 7 },
	"another type":              func(m map[string]any) { m["type"] = "password" },
	"no type":                   func(m map[string]any) { delete(m, "type") },
	"no response":               func(m map[string]any) { delete(m, "response") },
	"a response that is a list": func(m map[string]any) { m["response"] = []int{} },
	"no client data":            func(m map[string]any) { delete(m["response"].(map[string]any), "clientDataJSON") },
}
