package token

import (
	"encoding/base64"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

func deviceTokens(t *testing.T, secret string) *DeviceTokens {
	t.Helper()
	return must(NewDeviceTokens(must(NewSecrets(must(ParseSecret(secret))))))
}

// A token names its device for the credential that it was made for, and for no other; no bit of it can be changed.
func TestDeviceTokens_NameADeviceForOneCredentialOnly(t *testing.T) {
	const secret = "0123456789abcdefghijklmnopqrstuvwxyz"
	k := deviceTokens(t, secret)
	d := Device{ID: uuid.New(), IssuedAt: time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)}
	c := Credential{Address: "ada@example.com", UserID: uuid.New(), Generation: 3}
	text := k.Add("", d, c)
	if got, ok := k.Find(text, c); !ok || got != d {
		t.Errorf("%+v, %v; want %+v", got, ok, d)
	}
	for name, ok := range map[string]bool{
		"another generation": found(k, text, Credential{UserID: c.UserID, Generation: 4}),
		"another user":       found(k, text, Credential{UserID: uuid.New(), Generation: 3}),
		"another secret":     found(deviceTokens(t, secret+"!"), text, c),
		"no text":            found(k, "", c),
		"a part":             found(k, text[:len(text)-2], c),
	} {
		if ok {
			t.Errorf("%s: accepted", name)
		}
	}
	raw := must(base64.RawURLEncoding.DecodeString(text))
	testenv.Equal(t, []bool{true, false, false},
		[]bool{k.Knows(text, c.Address), k.Knows(text, "bob@example.com"), k.Knows("", c.Address)}, "knows the address")
	for i := range raw {
		changed := slices.Clone(raw)
		changed[i] ^= 1
		if found(k, base64.RawURLEncoding.EncodeToString(changed), c) {
			t.Errorf("byte %d can be changed", i)
		}
		if i < deviceTagAt && k.Knows(base64.RawURLEncoding.EncodeToString(changed), c.Address) {
			t.Errorf("byte %d can be changed, and the account would be read", i)
		}
	}
}

func found(k *DeviceTokens, text string, c Credential) bool {
	_, ok := k.Find(text, c)
	return ok
}

// A text holds the newest four accounts, however often each signs in.
func TestDeviceTokens_HoldTheNewestAccounts(t *testing.T) {
	k, text := deviceTokens(t, "0123456789abcdefghijklmnopqrstuvwxyz"), ""
	var all []Credential
	for range 6 {
		c, d := Credential{UserID: uuid.New()}, Device{ID: uuid.New()}
		all = append(all, c)
		text = k.Add(k.Add(text, d, c), d, c)
	}
	for i, c := range all {
		if found(k, text, c) != (i >= 2) {
			t.Errorf("account %d of 6", i)
		}
	}
	if len(text) > 350 {
		t.Errorf("%d characters", len(text))
	}
}

// A text of more accounts than a browser has is not looked at: each of its entries would cost a digest.
func TestDeviceTokens_LongTextsAreNobodys(t *testing.T) {
	k, c := deviceTokens(t, "0123456789abcdefghijklmnopqrstuvwxyz"), Credential{UserID: uuid.New()}
	one := must(base64.RawURLEncoding.DecodeString(k.Add("", Device{ID: uuid.New()}, c)))
	for n, want := range []bool{false, true, true, true, true, false, false} {
		text := base64.RawURLEncoding.EncodeToString(slices.Repeat(one, n))
		testenv.Equal(t, want, found(k, text, c), "%d entries", n)
	}
}

// encoding/base64 skips line breaks, so that one token would have many texts.
func TestDecode_TakesOneTextForEachValue(t *testing.T) {
	for text, want := range map[string]bool{"QUJD": true, "QUJ\nD": false, "QUJ\rD": false, "QUJD\n": false, "": false,
		"QQ": true, "QR": false, "QQ==": false, "Q+/D": false} {
		_, ok := decode(text)
		testenv.Equal(t, want, ok, "%q", text)
	}
}
