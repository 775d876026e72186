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
func jwkOf(t *testing.T, algorithm string) members {
	t.Helper()
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
	if keys, err := ParseJWKS(setOf(jwkOf(t, "EdDSA").with("kid", `"a name"`))); err != nil || keys[0].ID() != "a name" {
		t.Errorf("a kid of the set's own: %v, %v", keys, err)
	}
}

// The cases are those of Wycheproof's json_web_key set and more. Each set also has a good key, which is read alone
// (skipped) or not at all (refused); in the control, both are read.
func TestParseJWKS_ForeignKeysAreSkippedAndBrokenOnesRefused(t *testing.T) {
	const read, skipped, refused = 2, 1, 0
	for _, c := range []struct {
		name, algorithm string
		spoil           func(m members) members
		want            int
	}{
		{"use sig", "EdDSA", with("use", `"sig"`), read},
		{"without use and alg", "EdDSA", without("use", "alg"), read},
		{"key_ops verify", "ES256", with("key_ops", `["verify"]`), read},
		{"an unknown member", "RS256", with("x5t", `"AAAA"`), read},
		{"use enc", "EdDSA", with("use", `"enc"`), skipped},
		{"use of another case", "EdDSA", with("use", `"SIG"`), skipped},
		{"key_ops encrypt", "ES256", with("key_ops", `["encrypt","wrapKey"]`), skipped},
		{"key_ops empty", "ES256", with("key_ops", `[]`), skipped},
		{"no kid", "EdDSA", without("kid"), skipped},
		{"an empty kid", "EdDSA", with("kid", `""`), skipped},
		{"alg of another curve", "ES256", with("alg", `"ES384"`), skipped},
		{"alg of a sibling", "RS256", with("alg", `"PS256"`), skipped},
		{"alg none", "RS256", with("alg", `"none"`), skipped},
		{"alg HS256", "RS256", with("alg", `"HS256"`), skipped},
		{"another curve", "ES256", with("crv", `"P-384"`), skipped},
		{"Ed448", "EdDSA", with("crv", `"Ed448"`), skipped},
		{"X25519", "EdDSA", with("crv", `"X25519"`), skipped},
		{"another kind", "RS256", with("kty", `"AKP"`), skipped},

		{"a kid that is a number", "EdDSA", with("kid", `1`), refused},
		{"no kty", "EdDSA", without("kty"), refused},
		{"kty null", "EdDSA", with("kty", `null`), refused},
		{"use that is a list", "EdDSA", with("use", `["sig"]`), refused},
		{"key_ops that is a text", "EdDSA", with("key_ops", `"verify"`), refused},
		{"alg that is a number", "EdDSA", with("alg", `1`), refused},
		{"a name twice", "EdDSA", func(m members) members { return m.and(m[0]) }, refused},
		{"a private Ed25519 key", "EdDSA", with("d", `"AAAA"`), refused},
		{"a private RSA key", "RS256", with("qi", `"AAAA"`), refused},
		{"a private key of another use", "ES256", func(m members) members {
			return m.with("use", `"enc"`).and(`"d":""`)
		}, refused},
		{"a shared key", "EdDSA", func(members) members {
			return members{`"kty":"oct"`, `"kid":"x"`, `"k":"AAAA"`}
		}, refused},
		{"the same kid", "EdDSA", with("kid", `"other"`), refused},
		{"the same kid, of another use", "EdDSA", func(m members) members {
			return m.with("kid", `"other"`).with("use", `"enc"`)
		}, refused},

		{"Ed25519 of 31 bytes", "EdDSA", with("x", text64(make([]byte, 31))), refused},
		{"Ed25519 with padding", "EdDSA", func(m members) members {
			return m.with("x", strings.TrimSuffix(value(m, "x"), `"`)+`="`)
		}, refused},
		{"Ed25519 without x", "EdDSA", without("x"), refused},

		{"P-256, off the curve", "ES256", func(m members) members { return m.with("x", value(m, "y")) }, refused},
		{"P-256, the point 0", "ES256", func(m members) members {
			return m.with("x", text64(make([]byte, 32))).with("y", text64(make([]byte, 32)))
		}, refused},
		{"P-256, 33 bytes", "ES256", func(m members) members { return m.with("x", `"AA`+value(m, "x")[1:]) }, refused},
		{"P-256 without y", "ES256", without("y"), refused},

		{"RSA of 1024 bits", "RS256", with("n", weakN(t, 1024)), refused},
		{"RSA of 2047 bits", "RS256", with("n", text64(bits(2047))), refused},
		{"RSA of 8193 bits", "RS256", with("n", text64(bits(8193))), refused},
		{"RSA, even", "RS256", with("n", text64(even(bits(2048)))), refused},
		{"RSA, n with a zero in front", "RS256", with("n", text64(append([]byte{0}, bits(2048)...))), refused},
		{"RSA, e 1", "RS256", with("e", text64([]byte{1})), refused},
		{"RSA, e 3", "RS256", with("e", text64([]byte{3})), refused},
		{"RSA, e even", "RS256", with("e", text64([]byte{1, 0, 2})), refused},
		{"RSA, e of 5 bytes", "RS256", with("e", text64([]byte{1, 0, 0, 0, 1})), refused},
		{"RSA, e 2^31+1", "RS256", with("e", text64([]byte{0x80, 0, 0, 1})), refused},
		{"RSA, e 65539", "RS256", with("e", text64([]byte{1, 0, 3})), read},
		{"RSA, e empty", "RS256", with("e", `""`), refused},
	} {
		good, second := jwkOf(t, c.algorithm), "ES256"
		if c.algorithm == "ES256" {
			second = "EdDSA"
		}
		other := jwkOf(t, second).with("kid", `"other"`)
		if keys, err := ParseJWKS(setOf(good, other)); err != nil || len(keys) != 2 {
			t.Fatalf("%s, control: %d keys, %v", c.name, len(keys), err)
		}
		for _, set := range [][]byte{setOf(c.spoil(good), other), setOf(other, c.spoil(good))} {
			keys, err := ParseJWKS(set)
			if len(keys) != c.want || (err != nil) != (c.want == refused) {
				t.Errorf("%s: %d keys, %v", c.name, len(keys), err)
			}
			if c.want == skipped && (len(keys) != 1 || keys[0].ID() != "other") {
				t.Errorf("%s: the wrong key is skipped", c.name)
			}
			keepsQuiet(t, err, string(set))
		}
	}
}

func TestParseJWKS_IsBounded(t *testing.T) {
	list := func(n int) (keys []members) {
		for i := range n {
			keys = append(keys, jwkOf(t, "EdDSA").with("kid", fmt.Sprintf(`"%d"`, i)))
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

func with(name, raw string) func(members) members {
	return func(m members) members { return m.with(name, raw) }
}

func without(names ...string) func(members) members {
	return func(m members) members {
		for _, name := range names {
			m = m.without(name)
		}
		return m
	}
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

func weakN(t *testing.T, bits int) string {
	t.Helper()
	key := must(rsa.GenerateKey(rand.Reader, bits))
	return text64(key.N.Bytes())
}

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
