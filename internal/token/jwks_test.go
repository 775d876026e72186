package token

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
)

// jwkOf is a public key of the set as members that can be made wrong.
func jwkOf(algorithm string) members {
	set := string(must(NewKeys(testKeys()[algorithm].WithoutSchedule())).JWKS(theTime))
	inner := strings.TrimSuffix(strings.TrimPrefix(set, `{"keys":[{`), `}]}`)
	return strings.Split(inner, ",")
}

func setOf(keys ...members) []byte {
	var list []string
	for _, k := range keys {
		list = append(list, k.String())
	}
	return []byte(`{"keys":[` + strings.Join(list, ",") + `]}`)
}

func TestParseJWKS_ReadsWhatIsPublished(t *testing.T) {
	schedule := must(NewKeys(aSchedule()...))
	keys, err := ParseJWKS(schedule.JWKS(theTime))
	if err != nil || len(keys) != 3 {
		t.Fatalf("%v, %v", keys, err)
	}
	for _, k := range keys {
		own := testKeys()[k.Algorithm()]
		if !k.equal(own.Public()) {
			t.Errorf("%s is another key", k.Algorithm())
		}
		f := newForger(k.Algorithm())
		v := newVerifier(f, (&finder{key: k}).find)
		if c, err := v.Verify(f.valid()); err != nil || c.UserID != theUser {
			t.Errorf("%s: %v", k.Algorithm(), err)
		}
		if _, err := v.Verify(f.another().valid()); err == nil {
			t.Errorf("%s verifies what another key signed", k.Algorithm())
		}
	}
	if keys, err := ParseJWKS([]byte(`{"keys":[]}`)); err != nil || len(keys) != 0 {
		t.Errorf("an empty set: %v, %v", keys, err)
	}
	if keys, err := ParseJWKS(setOf(jwkOf("EdDSA").with("kid", `"a name"`))); err != nil || keys[0].ID() != "a name" {
		t.Errorf("a kid of the set's own: %v, %v", keys, err)
	}
}

// A set also has a good key, which is read alone (skipped) or not at all (refused); in the control, both are read.
const read, skipped, refused = 2, 1, 0

// changedMembers are members of a key of an algorithm, changed or added one at a time, by what becomes of the key. The
// cases are those of Wycheproof's json_web_key set and more.
func changedMembers() map[int]map[string][]string {
	member := func(name string, value []byte) string { return `"` + name + `":` + text64(value) }
	return map[int]map[string][]string{
		read: {
			"EdDSA": {`"use":"sig"`}, "ES256": {`"key_ops":["verify"]`},
			"RS256": {`"x5t":"AAAA"`, member("e", []byte{1, 0, 3})},
		},
		skipped: {
			"EdDSA": {`"use":"enc"`, `"use":"SIG"`, `"kid":""`, `"crv":"Ed448"`, `"crv":"X25519"`},
			"ES256": {`"key_ops":["encrypt","wrapKey"]`, `"key_ops":[]`, `"alg":"ES384"`, `"crv":"P-384"`},
			"RS256": {`"alg":"PS256"`, `"alg":"none"`, `"alg":"HS256"`, `"kty":"AKP"`},
		},
		refused: {
			"EdDSA": {
				`"kid":1`, `"kty":null`, `"use":["sig"]`, `"key_ops":"verify"`, `"alg":1`, `"d":"AAAA"`, `"kid":"other"`,
				member("x", make([]byte, 31)),
			},
			"RS256": {
				`"qi":"AAAA"`, member("n", weakN(1024)), member("n", bits(2047)), member("n", bits(8193)),
				member("n", even(bits(2048))), member("n", append([]byte{0}, bits(2048)...)), // with a zero in front
				member("e", []byte{1}), member("e", []byte{3}), member("e", []byte{1, 0, 2}), `"e":""`,
				member("e", []byte{1, 0, 0, 0, 1}), member("e", []byte{0x80, 0, 0, 1}),
			},
		},
	}
}

func TestParseJWKS_ForeignKeysAreSkippedAndBrokenOnesRefused(t *testing.T) {
	for want, byAlgorithm := range changedMembers() {
		for algorithm, changes := range byAlgorithm {
			for _, change := range changes {
				name, raw, _ := strings.Cut(strings.TrimPrefix(change, `"`), `":`)
				tryJWK(t, algorithm, jwkOf(algorithm).with(name, raw), want)
			}
		}
	}
	ed, ec := jwkOf("EdDSA"), jwkOf("ES256")
	tryJWK(t, "EdDSA", ed.without("use").without("alg"), read)
	tryJWK(t, "EdDSA", ed.without("kid"), skipped)
	for _, broken := range []members{
		ed.without("kty"), ed.without("x"), ed.and(ed[0]), ed.with("kid", `"other"`).with("use", `"enc"`),
		{`"kty":"oct"`, `"kid":"x"`, `"k":"AAAA"`}, // a shared key
		ed.with("x", strings.TrimSuffix(value(ed, "x"), `"`)+`="`),
	} {
		tryJWK(t, "EdDSA", broken, refused)
	}
	zero := text64(make([]byte, 32))
	for _, broken := range []members{
		// a private part, off the curve, the point 0, 33 bytes
		ec.with("use", `"enc"`).and(`"d":""`), ec.with("x", value(ec, "y")), ec.with("x", zero).with("y", zero),
		ec.with("x", `"AA`+value(ec, "x")[1:]), ec.without("y"),
	} {
		tryJWK(t, "ES256", broken, refused)
	}
}

// tryJWK reads sets of a key, which was a good one of the algorithm, and a good key of another.
func tryJWK(t *testing.T, algorithm string, key members, want int) {
	t.Helper()
	second := map[string]string{"EdDSA": "ES256", "ES256": "EdDSA", "RS256": "ES256"}[algorithm]
	other := jwkOf(second).with("kid", `"other"`)
	if keys, err := ParseJWKS(setOf(jwkOf(algorithm), other)); err != nil || len(keys) != 2 {
		t.Fatalf("%s, control: %d keys, %v", algorithm, len(keys), err)
	}
	for _, set := range [][]byte{setOf(key, other), setOf(other, key)} {
		keys, err := ParseJWKS(set)
		if len(keys) != want || (err != nil) != (want == refused) {
			t.Errorf("%.300s: %d keys, %v; want %d", set, len(keys), err, want)
		}
		if want == skipped && (len(keys) != 1 || keys[0].ID() != "other") {
			t.Errorf("%.300s: the wrong key is skipped", set)
		}
		keepsQuiet(t, err, string(set))
	}
}

func TestParseJWKS_IsBounded(t *testing.T) {
	list := func(n int) (keys []members) {
		for i := range n {
			keys = append(keys, jwkOf("EdDSA").with("kid", fmt.Sprintf(`"%d"`, i)))
		}
		return keys
	}
	pad := func(n int) []byte { return slices.Concat(setOf(list(1)...), []byte(strings.Repeat(" ", n))) }
	room := MaxJWKS - len(pad(0))
	for name, c := range map[string]struct {
		text []byte
		good bool
	}{
		"32 keys": {setOf(list(32)...), true}, "33 keys": {setOf(list(33)...), false},
		"64 KiB": {pad(room), true}, "64 KiB and 1": {pad(room + 1), false},
		"nothing": {nil, false}, "not JSON": {[]byte("<html>"), false}, "an array": {[]byte(`[]`), false},
		"no keys": {[]byte(`{}`), false}, "keys null": {[]byte(`{"keys":null}`), false},
		"keys an object": {[]byte(`{"keys":{}}`), false}, "keys twice": {[]byte(`{"keys":[],"keys":[]}`), false},
		"a text in keys": {[]byte(`{"keys":["a"]}`), false}, "null in keys": {[]byte(`{"keys":[null]}`), false},
		"two sets": {slices.Concat(setOf(), setOf()), false}, "deep": {[]byte(`{"keys":` + nested(10_001) + `}`), false},
	} {
		if keys, err := ParseJWKS(c.text); (err == nil) != c.good {
			t.Errorf("%s: %d keys, %v", name, len(keys), err)
		}
	}
}

func FuzzParseJWKS(f *testing.F) {
	f.Add([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"a"}]}`))
	f.Add([]byte(`{"keys":[{"kty":"RSA","e":"AQAB","n":"AQ","kid":"a"},{"kty":"EC","crv":"P-256","x":"","y":""}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		keys, err := ParseJWKS(text)
		if err != nil && keys != nil || len(keys) > maxJWKs {
			t.Errorf("%d keys, %v", len(keys), err)
		}
		for _, k := range keys {
			if again, err := ParseJWKS(writeJWKS([]*PublicKey{k})); err != nil || !again[0].equal(k) {
				t.Errorf("%s does not survive being written: %v", k.ID(), err)
			}
		}
	})
}

func value(m members, name string) string {
	for _, member := range m {
		if raw, ok := strings.CutPrefix(member, `"`+name+`":`); ok {
			return raw
		}
	}
	return ""
}

func text64(data []byte) string { return `"` + base64url.EncodeToString(data) + `"` }

// bits is an odd number of so many bits.
func bits(n int) []byte {
	number := new(big.Int).Lsh(big.NewInt(1), uint(n-1))
	return number.SetBit(number, 0, 1).Bytes()
}

func even(number []byte) []byte {
	number[len(number)-1] &= 0xfe
	return number
}

func weakN(bits int) []byte { return must(rsa.GenerateKey(rand.Reader, bits)).N.Bytes() }

// The table says what is no key of ours; this says that a key of any of our kinds, drawn at random, is one.
func TestParseJWKS_RandomGoodKeysAreRead(t *testing.T) {
	for range 50 {
		ed := must(GenerateKey(EdDSA))
		private := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
		ec := must(newKey(private))
		keys, err := ParseJWKS(must(NewKeys(ed.WithoutSchedule(), ec.WithoutSchedule())).JWKS(theTime))
		if err != nil || len(keys) != 2 {
			t.Fatalf("%d keys, %v", len(keys), err)
		}
	}
}
