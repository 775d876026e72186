package token

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestTrust_IsOfOneDeviceOneUserAndTheirCredentials, for a time, whatever part of the text is changed.
func TestTrust_IsOfOneDeviceOneUserAndTheirCredentials(t *testing.T) {
	const secret = "0123456789abcdefghijklmnopqrstuvwxyz"
	k, now := deviceTokens(t, secret), time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	c := Credential{Address: "ada@example.com", UserID: uuid.New(), Generation: 3, Factors: 1}
	plain := k.Add("", Device{ID: uuid.New(), IssuedAt: now}, c)
	text := k.Trust(plain, c, now.Add(time.Hour))
	if k.Trusts(plain, c, now) || !k.Trusts(text, c, now) || !k.Trusts(text, c, now.Add(time.Hour-time.Second)) {
		t.Error("it is not the device that was trusted, for an hour")
	}
	if !found(k, text, c) || !k.Knows(text, c.Address) {
		t.Error("the device is not known any more")
	}
	password, factors, user := c, c, c
	password.Generation, factors.Factors, user.UserID = 4, 2, uuid.New()
	known, trust, _ := strings.Cut(text, ".")
	another := k.Add("", Device{ID: uuid.New(), IssuedAt: now}, c)
	for name, trusted := range map[string]bool{
		"an hour later":                    k.Trusts(text, c, now.Add(time.Hour)),
		"another password":                 k.Trusts(text, password, now),
		"other factors":                    k.Trusts(text, factors, now),
		"another user":                     k.Trusts(text, user, now),
		"another secret":                   deviceTokens(t, secret+"!").Trusts(text, c, now),
		"the first part alone":             k.Trusts(known, c, now),
		"the second part alone":            k.Trusts("."+trust, c, now),
		"the second part of another":       k.Trusts(another+"."+trust, c, now),
		"the first part as the second":     k.Trusts(known+"."+known, c, now),
		"a device that nobody has trusted": k.Trusts(another, c, now),
	} {
		if trusted {
			t.Errorf("%s: trusted", name)
		}
	}
	raw := must(base64url.DecodeString(trust))
	for i := range raw {
		raw[i] ^= 1
		if k.Trusts(known+"."+base64url.EncodeToString(raw), c, now) {
			t.Errorf("byte %d can be changed", i)
		}
		raw[i] ^= 1
	}
}

// TestTrust_StaysWithTheDevice at later sign-ins, of other users too, and in a text that does not grow.
func TestTrust_StaysWithTheDevice(t *testing.T) {
	k, now := deviceTokens(t, "0123456789abcdefghijklmnopqrstuvwxyz"), time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	text, ada := "", Credential{Address: "ada@example.com", UserID: uuid.New(), Factors: 1}
	for range 50 {
		d, ok := k.Find(text, ada)
		if !ok {
			d.ID = uuid.New()
		}
		d.IssuedAt = now
		text = k.Trust(k.Add(text, d, ada), ada, now.Add(time.Hour))
		ada.Factors++
		text = k.Trust(text, ada, now.Add(time.Hour))
	}
	bob := Credential{Address: "bob@example.com", UserID: uuid.New(), Factors: 1}
	text = k.Trust(k.Add(text, Device{ID: uuid.New(), IssuedAt: now}, bob), bob, now.Add(time.Hour))
	testenv.Equal(t, []bool{true, true}, []bool{k.Trusts(text, ada, now), k.Trusts(text, bob, now)}, "both are trusted")
	if len(text) > 700 {
		t.Errorf("%d characters", len(text))
	}
}
