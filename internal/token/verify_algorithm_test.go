package token

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

func TestVerify_AnotherAlgorithmThanTheKeysIsRefused(t *testing.T) {
	for _, algorithm := range algorithms {
		f := newForger(algorithm)
		valid := f.valid()
		dot := strings.LastIndex(valid, ".")
		add := func(name, text string) { f.try(t, name, text, ErrInvalid) }
		for n := range 16 {
			none := []byte("none")
			for i := range none {
				if n&(1<<i) != 0 {
					none[i] -= 'a' - 'A'
				}
			}
			header := f.header().with("alg", `"`+string(none)+`"`)
			unsigned := f.headed(header)
			unsigned = unsigned[:strings.LastIndex(unsigned, ".")+1]
			add(string(none), unsigned)
			add(string(none)+" with a valid signature", unsigned+valid[dot+1:])
			add(string(none)+" with any text", unsigned+"QUFB")
		}
		for _, raw := range []string{
			`"none "`, `"none\u0000"`, `"nonE\t"`, `" none"`,
			`null`, `true`, `1`, `[]`, `["` + algorithm + `"]`, `{}`, `""`,
		} {
			add(raw, f.headed(f.header().with("alg", raw)))
		}
		add("missing", f.headed(f.header().without("alg")))
		for _, name := range []string{
			strings.ToLower(algorithm), strings.ToUpper(algorithm) + " ", " " + algorithm, algorithm + `\u0000`,
			"SHA256", "HMAC", "HS1", "HS2048", "Ed25519", "RSA",
		} {
			add(name, f.headed(f.header().with("alg", `"`+name+`"`)))
		}
		for _, name := range []string{"dir", "A256KW", "RSA-OAEP", "ECDH-ES", "PBES2-HS256+A128KW"} {
			header := f.header().with("alg", `"`+name+`"`)
			add(name, f.headed(header))
			add(name+" with p2c", f.headed(header.and(`"p2c":2147483648`, `"p2s":"AAAA"`, `"enc":"A256GCM"`)))
			add(name+" in five segments", f.headed(header.and(`"enc":"A256GCM"`))+".AAAA.AAAA")
		}
	}
}

// methods are the algorithms golang-jwt knows, each with a key of its own that it can sign with.
func methods() map[jwt.SigningMethod]any {
	keys := map[jwt.SigningMethod]any{}
	for _, m := range []jwt.SigningMethod{jwt.SigningMethodHS256, jwt.SigningMethodHS384, jwt.SigningMethodHS512} {
		keys[m] = []byte(rand.Text() + rand.Text() + rand.Text())
	}
	big := must(rsa.GenerateKey(rand.Reader, 2048))
	for _, m := range []jwt.SigningMethod{
		jwt.SigningMethodRS256, jwt.SigningMethodRS384, jwt.SigningMethodRS512,
		jwt.SigningMethodPS256, jwt.SigningMethodPS384, jwt.SigningMethodPS512,
	} {
		keys[m] = big
	}
	for m, curve := range map[jwt.SigningMethod]elliptic.Curve{
		jwt.SigningMethodES256: elliptic.P256(), jwt.SigningMethodES384: elliptic.P384(),
		jwt.SigningMethodES512: elliptic.P521(),
	} {
		keys[m] = must(ecdsa.GenerateKey(curve, rand.Reader))
	}
	_, keys[jwt.SigningMethodEdDSA], _ = ed25519.GenerateKey(nil) // crypto/rand does not fail
	return keys
}

func TestVerify_SignatureByAnotherKindOfKeyIsRefused(t *testing.T) {
	others := methods()
	for _, algorithm := range algorithms {
		f := newForger(algorithm)
		add := func(name, text string) { f.try(t, name, text, ErrInvalid) }
		for method, key := range others {
			header := f.header().with("alg", `"`+method.Alg()+`"`)
			add(method.Alg()+" under our kid", f.keyed(header, method, key))
			add(method.Alg()+" under another kid", f.keyed(header.with("kid", `"own"`), method, key))
			add(method.Alg()+" under our alg", f.keyed(f.header(), method, key))
		}
		if algorithm == "RS256" {
			for _, m := range []jwt.SigningMethod{
				jwt.SigningMethodRS384, jwt.SigningMethodRS512,
				jwt.SigningMethodPS256, jwt.SigningMethodPS384, jwt.SigningMethodPS512,
			} {
				header := f.header().with("alg", `"`+m.Alg()+`"`)
				add(m.Alg()+" with our key", f.keyed(header, m, f.key.private))
				add(m.Alg()+" with our key under our alg", f.keyed(f.header(), m, f.key.private))
			}
		}
		for hmac := range others {
			if !strings.HasPrefix(hmac.Alg(), "HS") {
				continue
			}
			header := f.header().with("alg", `"`+hmac.Alg()+`"`)
			for name, secret := range spellings(t, f.key) {
				add(hmac.Alg()+" with "+name, f.keyed(header, hmac, secret))
				add(algorithm+" with "+name, f.keyed(f.header(), hmac, secret))
			}
			for _, secret := range []string{
				"", strings.Repeat("\x00", 32), "secret", "changeme", "your-256-bit-secret", "gatehouse",
				"${JWT_SECRET}",
			} {
				add(fmt.Sprintf("%s with %q", hmac.Alg(), secret), f.keyed(header, hmac, []byte(secret)))
			}
		}
	}
}

// spellings are the ways in which a public key has been taken for a shared secret.
func spellings(t *testing.T, k *Key) map[string][]byte {
	t.Helper()
	der := must(x509.MarshalPKIXPublicKey(public(k)))
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "gatehouse"}}
	certificate := must(x509.CreateCertificate(rand.Reader, template, template, public(k), k.private))
	text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	compact := must(json.Marshal(k.public.jwk))
	var pretty bytes.Buffer
	check(t, json.Indent(&pretty, compact, "", "  "))
	list := map[string][]byte{
		"PEM": text, "PEM CRLF": bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")),
		"PEM unfinished": bytes.TrimSpace(text),
		"DER":            der, "JWK": compact, "JWK pretty": pretty.Bytes(), "kid": []byte(k.ID()),
		"certificate": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}),
		"OpenSSH":     []byte("ssh-key " + base64url.EncodeToString(der) + "\n"),
	}
	for name, member := range map[string]string{"x": k.public.jwk.X, "n": k.public.jwk.N} {
		if raw, ok := decode(member); ok {
			list["JWK "+name], list["JWK "+name+" text"] = raw, []byte(member)
		}
	}
	if p, ok := public(k).(*rsa.PublicKey); ok {
		list["PKCS#1"] = pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(p)})
	}
	return list
}

func TestVerify_ChangedSignatureIsRefused(t *testing.T) {
	for _, algorithm := range algorithms {
		f := newForger(algorithm)
		input, mac := f.split(f.control)
		changes := map[string][]byte{
			"16 bytes": mac[:16], "a byte more": append(bytes.Clone(mac), 0),
			"a zero in front": append([]byte{0}, mac...), "a byte less": mac[:len(mac)-1],
			"without the first": mac[1:], "zeros": make([]byte, len(mac)), "nothing": nil,
		}
		for _, i := range []int{0, len(mac) / 2, len(mac) - 1} {
			changed := bytes.Clone(mac)
			changed[i] ^= 1
			changes[fmt.Sprintf("a bit of byte %d", i)] = changed
		}
		for name, changed := range changes {
			f.try(t, name, input+base64url.EncodeToString(changed), ErrInvalid)
		}
		s := strings.Split(f.control, ".")
		other := encode(f.payload().with("roles", `["ADMIN"]`).String())
		f.try(t, "another role", s[0]+"."+other+"."+s[2], ErrInvalid)
	}
}

// split returns a token up to its last dot, and the signature after it.
func (f *forger) split(text string) (input string, mac []byte) {
	dot := strings.LastIndex(text, ".") + 1
	mac, _ = decode(text[dot:])
	return text[:dot], mac
}

func TestVerify_ECDSASignaturesOfSpecialNumbersAreRefused(t *testing.T) {
	f := newForger("ES256")
	input, mac := f.split(f.control)
	r, s := new(big.Int).SetBytes(mac[:32]), new(big.Int).SetBytes(mac[32:])
	n, zero, one := elliptic.P256().Params().N, big.NewInt(0), big.NewInt(1)
	less := new(big.Int).Sub(n, one)
	pair := func(r, s *big.Int) string {
		fixed := make([]byte, 64)
		r.FillBytes(fixed[:32])
		s.FillBytes(fixed[32:])
		return input + base64url.EncodeToString(fixed)
	}
	f.refuse(t, map[string]string{
		"r and s 0": pair(zero, zero), "r 0": pair(zero, s), "s 0": pair(r, zero), "r n": pair(n, s), "s n": pair(r, n),
		"r and s n": pair(n, n), "r n-1": pair(less, s), "s n-1": pair(r, less), "r and s 1": pair(one, one),
		"r and s changed about": pair(s, r),
		"63 bytes":              input + base64url.EncodeToString(mac[:63]),
		"65 bytes":              input + base64url.EncodeToString(append(bytes.Clone(mac), 0)),
	})
	der := must(ecdsa.SignASN1(rand.Reader, f.key.private.(*ecdsa.PrivateKey), make([]byte, 32)))
	f.try(t, "DER", input+base64url.EncodeToString(der), ErrInvalid)
	short, full := leadingZero(f)
	f.try(t, "r with its leading zero", full, nil)
	f.try(t, "r without its leading zero", short, ErrInvalid)
	// Any client can write this second text of one token. It says the same, and is revoked with the same session.
	f.try(t, "s turned into n-s", pair(r, new(big.Int).Sub(n, s)), nil)
}

// leadingZero returns a token whose r begins with a zero byte, without it and with it.
func leadingZero(f *forger) (short, full string) {
	for {
		full = f.valid()
		if input, mac := f.split(full); mac[0] == 0 {
			return input + base64url.EncodeToString(mac[1:]), full
		}
	}
}

func TestVerify_EdDSASignaturesOfSpecialNumbersAreRefused(t *testing.T) {
	f := newForger("EdDSA")
	input, mac := f.split(f.control)
	// S + L, in little-endian order: the second spelling that RFC 8032, section 5.1.7, refuses.
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	plus := bytes.Clone(mac)
	slices.Reverse(plus[32:])
	new(big.Int).Add(new(big.Int).SetBytes(plus[32:]), order).FillBytes(plus[32:])
	slices.Reverse(plus[32:])
	identity := append([]byte{1}, make([]byte, 63)...) // R is the neutral point, S is 0
	huge := append(bytes.Repeat([]byte{0xff}, 32), mac[32:]...)
	binary.LittleEndian.PutUint64(huge, ^uint64(18)) // p in the place of 0: not canonical
	for name, changed := range map[string][]byte{
		"S + L": plus, "R of small order": identity, "R not canonical": huge, "zeros": make([]byte, 64),
		"63 bytes": mac[:63], "65 bytes": append(bytes.Clone(mac), 0),
	} {
		f.try(t, name, input+base64url.EncodeToString(changed), ErrInvalid)
	}
}
