package token

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

var otherSecret = append(bytes.Clone(rawSecret), 1)

var rawSecret = []byte("\x8f\x02Zq\xfe\x1b\x90kd\x03\xa7\xc8U\xee!\x9c\x14\xb6}H\xd0?b\xe9\xaa\rq\xbc&\xf4\x89^")

func TestParseSecret_EachSpellingHasOneMeaning(t *testing.T) {
	want := must(NewSecret(rawSecret)).Fingerprint()
	std := base64.StdEncoding.EncodeToString(rawSecret)
	for name, text := range map[string]string{
		"base64": std, "unpadded": strings.TrimRight(std, "="),
		"base64url":          base64.URLEncoding.EncodeToString(rawSecret),
		"base64url unpadded": base64.RawURLEncoding.EncodeToString(rawSecret), "a line of a file": std + "\r\n",
		"two lines": std[:20] + "\n" + std[20:],
	} {
		s, err := ParseSecret(text)
		if err != nil || !bytes.Equal(s.Fingerprint(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, text := range map[string]string{
		"a sentence": "a sentence, long enough to be a secret", "hexadecimal": hex.EncodeToString(rawSecret[:16]),
		"base64 of 31 bytes stands for itself": base64.StdEncoding.EncodeToString(rawSecret[:31]),
	} {
		s, err := ParseSecret(text)
		if err != nil || !bytes.Equal(s.Fingerprint(), must(NewSecret([]byte(text))).Fingerprint()) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParseSecret_WeakSecretsAreRefused(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "31 bytes": strings.Repeat("abcdefghij", 4)[:31], "white space": strings.Repeat(" ", 40),
		"a placeholder": "your-256-bit-secret", "a variable": "${JWT_SECRET}", "one letter": strings.Repeat("a", 64),
		"one word": strings.Repeat("changeme", 8), "another word": strings.Repeat("secret", 8) + "!",
		"zeros in base64": base64.StdEncoding.EncodeToString(make([]byte, 32)),
	} {
		if _, err := ParseSecret(text); err == nil || !strings.Contains(err.Error(), "openssl rand") {
			t.Errorf("%s: %v", name, err)
		} else if len(text) > 12 && strings.Contains(err.Error(), text) {
			t.Errorf("%q repeats the secret", err)
		}
	}
	if _, err := NewSecret(make([]byte, 32)); err == nil {
		t.Error("32 zeros are a secret")
	}
}

func TestSecret_SubkeysAreIndependent(t *testing.T) {
	one, two := must(NewSecret(rawSecret)), must(NewSecret(bytes.ToUpper(bytes.Repeat(rawSecret, 2))))
	seen := map[string]string{}
	for name, s := range map[string]*Secret{"one": one, "two": two} {
		for _, use := range uses() {
			key, err := s.subkey(use)
			if err != nil || len(key) != 32 {
				t.Fatal(err)
			}
			testenv.Equal(t, "", seen[string(key)], "another use of the key of %s, %s", use, name)
			seen[string(key)] = string(use) + " of " + name
		}
	}
}

// A changed derivation would lose every session and every sealed key: these bytes may never change.
func TestSecret_DerivedKeysStay(t *testing.T) {
	s := must(NewSecret(rawSecret))
	got := hex.EncodeToString(s.Fingerprint())
	testenv.Equal(t, "b8818288bcd0093774ac7aabd53dde37098c80cff43c3809fb68b0f2271bb5f4", got, "fingerprint")
	sealed, _ := hex.DecodeString("219723e1f0895f79c64637748b8a6d3e6600c54600498cb691af2ac4d47b811bfc500506eb2b8adafbdd")
	if text, err := s.Open("test", sealed); err != nil || string(text) != "sealed in 2026" {
		t.Errorf("%q, %v", text, err)
	}
	refresh := must(NewRefreshTokens(must(NewSecrets(s)), bytes.NewReader(make([]byte, 32))))
	r := must(refresh.New(theUser, theSession))
	got = r.Next().Text()
	testenv.Equal(t, "AZfBsAAAcACAAAAAAAAAqwGXwbAAAHAAgAAAAAAAAM0AAAABCV93DiXLJI5NVSGADEQJV36gHlGuq70Mn4iybxoPFuHrEdlMQgi43Jt7mWsFuENV", got,
		"refresh token")
	got = hex.EncodeToString(r.Next().Digest())
	testenv.Equal(t, "1dbd003656b31f04759b196a707aca4984522abf01e914a2fba580b8c4aa8cd4", got, "digest")
}

func TestSecret_SealedDataOpensWithSameSecretAndPurposeOnly(t *testing.T) {
	s := must(NewSecret(rawSecret))
	plain := []byte("a private key")
	sealed := s.Seal("signing key a", plain)
	if got, err := s.Open("signing key a", sealed); err != nil || !bytes.Equal(got, plain) {
		t.Fatalf("%q, %v", got, err)
	}
	if bytes.Contains(sealed, plain) || bytes.Equal(sealed, s.Seal("signing key a", plain)) {
		t.Error("sealing hides nothing, or twice the same")
	}
	other := must(NewSecret(append(bytes.Clone(rawSecret), 1)))
	if _, err := other.Open("signing key a", sealed); err == nil {
		t.Error("another secret opens it")
	}
	if _, err := s.Open("signing key b", sealed); err == nil {
		t.Error("another purpose opens it")
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 0x80
		if _, err := s.Open("signing key a", changed); err == nil {
			t.Errorf("it opens with byte %d changed", i)
		}
		if _, err := s.Open("signing key a", sealed[:i]); err == nil {
			t.Errorf("its first %d bytes open", i)
		}
	}
}
