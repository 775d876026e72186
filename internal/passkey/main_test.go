package passkey

import (
	"bytes"
	"encoding/base64"
	"errors"
	"slices"
	"testing"
	"time"
)

// challenge is one that a caller made; another is not.
var (
	challenge = b64([]byte("a challenge that is random, as far as this package knows"))
	another   = b64([]byte("another challenge, of the same caller, that was made later"))
)

func newRelyingParty(t testing.TB) *RelyingParty {
	t.Helper()
	rp, err := New(Config{ID: rpID, Name: "Example", Timeout: 5 * time.Minute,
		AllowsOrigin: func(o string) bool { return o == origin || o == "https://accounts.example" }})
	if err != nil {
		t.Fatal(err)
	}
	return rp
}

// register answers a registration.
func register(rp *RelyingParty, answer []byte) (*Passkey, error) {
	c, err := ParseCreation(answer)
	if err != nil {
		return nil, err
	}
	return rp.Register(c, challenge)
}

// signIn answers a sign-in with a stored passkey.
func signIn(rp *RelyingParty, answer []byte, stored Passkey) (*Passkey, error) {
	a, err := ParseAssertion(answer)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(a.ID, stored.ID) { // the caller finds the passkey by its id, and would find none
		return nil, ErrRefused
	}
	return rp.SignIn(a, challenge, userHandle, stored)
}

// registered is a passkey of a signer, as it is stored.
func registered(t testing.TB, rp *RelyingParty, s signer) Passkey {
	t.Helper()
	p, err := register(rp, newCreation(challenge, s).creation())
	if err != nil {
		t.Fatal(err)
	}
	return *p
}

// isRefusal reports whether an error is one of this package's, or none.
func isRefusal(err error) bool { return errors.Is(err, ErrRefused) || errors.Is(err, ErrMalformed) }

// wantRefused is for a negative test: one part differs from a response that is accepted.
func wantRefused(t *testing.T, want, err error) {
	t.Helper()
	if want == nil && !isRefusal(err) || want != nil && !errors.Is(err, want) {
		t.Errorf("%v, want %v", err, want)
	}
}

// clientDataCases are the ways in which the client data of either ceremony can be wrong.
func clientDataCases(good response, otherType string) map[string]response {
	cases := map[string]response{
		"the type of the other ceremony": good.with("type", otherType),
		"no type":                        good.with("type", ""),
		"a type in capitals":             good.with("type", "WEBAUTHN.GET"),
		"another challenge":              good.with("challenge", another),
		"no challenge":                   good.with("challenge", ""),
		"the challenge with padding":     good.with("challenge", challenge+"=="),
		"the challenge cut off":          good.with("challenge", challenge[:len(challenge)-1]),
		"the challenge in base64":        good.with("challenge", base64.StdEncoding.EncodeToString([]byte(challenge))),
		"a challenge that is no text":    good.with("challenge", 7),
		"a page within another":          good.with("crossOrigin", true),
		"a page below another":           good.with("topOrigin", "https://evil.example"),
		"a page below its own":           good.with("topOrigin", origin),
		"a token binding without status": good.with("tokenBinding", map[string]any{}),
	}
	for i := range challenge {
		wrong := []byte(challenge)
		wrong[i] ^= 1
		cases["the challenge with another character at "+string(rune('a'+i%26))+string(wrong[i])] =
			good.with("challenge", string(wrong))
	}
	for _, o := range wrongOrigins {
		cases["the origin "+o] = good.with("origin", o)
	}
	return cases
}

var wrongOrigins = []string{"", "null", "https://evil.example", "https://app.accounts.example.evil.example",
	"http://app.accounts.example", "https://app.accounts.example:8443", "https://app.accounts.example:443",
	"https://app.accounts.example/", "https://app.accounts.example/path", "https://app.accounts.example?q",
	"https://app.accounts.example#f", "HTTPS://APP.ACCOUNTS.EXAMPLE", "https://App.accounts.example",
	"https://user@app.accounts.example", " https://app.accounts.example", "https://app.accounts.example ",
	"https://other.accounts.example", "https://example", "app.accounts.example", "https://",
	"android:apk-key-hash:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU", "ios:bundle-id:example"}

// flipped returns data with one bit changed.
func flipped(data []byte, bit int) []byte {
	changed := slices.Clone(data)
	changed[bit/8] ^= 1 << (bit % 8)
	return changed
}
