package token

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"testing"
)

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func TestParseKey_ReadsTheThreeKinds(t *testing.T) {
	for algorithm, key := range testKeys() {
		der := must(key.Marshal())
		text := block("PRIVATE KEY", der)
		for name, text := range map[string][]byte{
			"LF": text, "CRLF": bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")),
			"white space after": append(text, "\n \n"...),
			"words in front":    append([]byte("Bag Attributes\n"), text...),
		} {
			read, err := ParseKey(text)
			if err != nil || read.Algorithm() != algorithm || read.ID() != key.ID() {
				t.Errorf("%s, %s: %v, %v", algorithm, name, read, err)
			}
		}
		if again, err := UnmarshalKey(der); err != nil || again.ID() != key.ID() {
			t.Errorf("%s: %v, %v", algorithm, again, err)
		}
	}
}

func TestParseKey_ErrorSaysWhatTheFileIs(t *testing.T) {
	ed := must(testKeys()["EdDSA"].Marshal())
	good := block("PRIVATE KEY", ed)
	pkcs8 := func(private any) []byte { return block("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(private))) }
	public := must(x509.MarshalPKIXPublicKey(public(testKeys()["EdDSA"])))
	for words, text := range map[string][]byte{
		"is not PEM":   []byte("not a key"),
		"is encrypted": block("ENCRYPTED PRIVATE KEY", ed),
		"is PKCS#1": block("RSA PRIVATE KEY",
			x509.MarshalPKCS1PrivateKey(testKeys()["RS256"].private.(*rsa.PrivateKey))),
		"is SEC 1":              block("EC PRIVATE KEY", ed),
		"OpenSSH":               block("OPENSSH PRIVATE KEY", ed),
		"is a public key":       block("PUBLIC KEY", public),
		"is a certificate":      block("CERTIFICATE", ed),
		"of another kind":       block("PGP PRIVATE KEY BLOCK", ed),
		"curve P-384":           pkcs8(must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))),
		"RSA of 1024 bits":      pkcs8(must(rsa.GenerateKey(rand.Reader, 1024))),
		"cannot sign":           pkcs8(must(ecdh.X25519().GenerateKey(rand.Reader))),
		"cannot be read as":     block("PRIVATE KEY", ed[:len(ed)-1]),
		"followed by something": append(bytes.Clone(good), good...),
		"has PEM headers": pem.EncodeToMemory(&pem.Block{
			Type: "PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED"}, Bytes: ed,
		}),
	} {
		key, err := ParseKey(text)
		if err == nil || !strings.Contains(err.Error(), words) || !strings.Contains(err.Error(), "openssl") {
			t.Errorf("%q: %v, %v", words, key, err)
		}
		if err != nil && strings.Contains(err.Error(), string(text[len(text)/2:])) {
			t.Errorf("%q repeats the key", err)
		}
	}
}

// Keys that would verify what others sign.
func TestNewKey_WeakRSAIsRefused(t *testing.T) {
	good := testKeys()["RS256"].private.(*rsa.PrivateKey)
	for _, e := range []int{1, 3, 65535} {
		weak := *good
		weak.E = e
		if _, err := newKey(&weak); err == nil {
			t.Errorf("the exponent %d is taken", e)
		}
	}
	long := *good
	long.N = new(big.Int).Lsh(big.NewInt(1), 8192)
	if _, err := newKey(&long); err == nil {
		t.Error("a modulus of 8193 bits is taken")
	}
}

// The values are those of RFC 8037, appendix A, and RFC 7638, section 3.1.
func TestThumbprint_MatchesTheExamplesOfTheRFCs(t *testing.T) {
	seed, _ := decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")
	key := must(newKey(ed25519.NewKeyFromSeed(seed)))
	if key.public.jwk.X != "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" ||
		key.ID() != "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" {
		t.Errorf("x %s, kid %s", key.public.jwk.X, key.ID())
	}
	n := "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiF" +
		"V4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9" +
		"c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr" +
		"3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
	if id := (jwk{Kty: "RSA", N: n, E: "AQAB"}).thumbprint(); id != "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs" {
		t.Errorf("RSA: %s", id)
	}
}

// Nothing that can print may print a secret byte.
func TestFormat_PrintsNoSecret(t *testing.T) {
	raw := bytes.Repeat([]byte("s3cr3t-by73s!"), 4)
	secret := must(NewSecret(raw))
	tokens := must(NewRefreshTokens(must(NewSecrets(secret)), bytes.NewReader(raw)))
	refresh := must(tokens.New(theUser, theSession))
	key := testKeys()["EdDSA"]
	seed := key.private.(ed25519.PrivateKey).Seed()
	for _, v := range []any{
		secret, key, refresh, &refresh, struct{ K *Key }{key}, struct{ R Refresh }{refresh}, []*Secret{secret},
	} {
		var log bytes.Buffer
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&log, verb+"\n", v)
		}
		slog.New(slog.NewTextHandler(&log, nil)).Info("text", "v", v)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("json", "v", v)
		for _, hidden := range [][]byte{raw, secret.root, seed, refresh.secret[:], secret.fingerprint, tokens.keys[0].tagKey} {
			for _, form := range []string{"%s", "%v", "%x", "%X", "%#v"} {
				shown := strings.Trim(fmt.Sprintf(form, hidden[:12]), "[]{}")
				if strings.Contains(log.String(), strings.TrimPrefix(shown, "[]byte{")) {
					t.Errorf("%T shows %s in\n%s", v, shown, log.String())
				}
			}
		}
	}
}
