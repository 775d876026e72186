package token

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

// using returns the secrets of an instance, of which the one with a fingerprint is in use.
func using(t *testing.T, inUse []byte, raw ...[]byte) *Secrets {
	t.Helper()
	s := secretsOf(raw...)
	if !s.Use(must(NewSecret(inUse)).Fingerprint()) {
		t.Fatal("the secret in use is not one of them")
	}
	return s
}

// TestSecrets_InstancesOfARotationTakeEachOthersTokens: the former secret alone, both with either in use, and the new
// one alone. Each takes what each that shares its secret in use has made, and the others refuse it.
func TestSecrets_InstancesOfARotationTakeEachOthersTokens(t *testing.T) {
	instances := []struct {
		secrets *Secrets
		in, has int // bits: 1 is the former secret, 2 the new one
	}{
		{using(t, rawSecret, rawSecret), 1, 1},
		{using(t, rawSecret, otherSecret, rawSecret), 1, 3},
		{using(t, otherSecret, otherSecret, rawSecret), 2, 3},
		{using(t, otherSecret, otherSecret), 2, 2},
	}
	c := Credential{Address: "ada@example.com", UserID: uuid.New(), Generation: 3}
	d := Device{ID: uuid.New(), IssuedAt: time.Unix(1e9, 0).UTC()}
	for i, maker := range instances {
		refresh := newRefresh(must(NewRefreshTokens(maker.secrets, nil)))
		device := must(NewDeviceTokens(maker.secrets)).Add("", d, c)
		sealed := maker.secrets.InUse().Seal(CounterKeyPurpose, []byte("key"))
		for j, taker := range instances {
			shared := maker.in&taker.has != 0
			k := must(NewDeviceTokens(taker.secrets))
			testenv.Equal(t, []bool{shared, shared}, []bool{found(k, device, c), k.Knows(device, c.Address)},
				"%d takes a device token of %d", j, i)
			_, err := taker.secrets.Open(CounterKeyPurpose, sealed)
			testenv.Equal(t, shared, err == nil, "%d opens what %d sealed", j, i)
			read, err := must(NewRefreshTokens(taker.secrets, nil)).Parse(refresh.Text())
			if shared != (err == nil) || err != nil && !errors.Is(err, ErrInvalid) {
				t.Errorf("%d takes a refresh token of %d: %v", j, i, err)
			}
			if !shared {
				continue
			}
			if !read.Matches(refresh.Digest()) {
				t.Errorf("%d has another digest than %d", j, i)
			}
			for l, other := range instances { // which got the same token and made its successor
				again, err := must(NewRefreshTokens(other.secrets, nil)).Parse(refresh.Text())
				if err != nil {
					continue
				}
				got, ok := read.Successor(again.Next().Digest())
				if knows := other.in&taker.has != 0; ok != knows || ok && got.Text() != again.Next().Text() {
					t.Errorf("%d gives the successor that %d made of a token of %d: %v", j, l, i, ok)
				}
			}
		}
	}
}

func TestSecrets_TheSameOneTwiceIsRefused(t *testing.T) {
	if _, err := NewSecrets(must(NewSecret(rawSecret)), must(NewSecret(rawSecret))); err == nil {
		t.Error("the secret is its own former one")
	}
	if secretsOf(rawSecret).Use(must(NewSecret(otherSecret)).Fingerprint()) {
		t.Error("a secret that is not there is in use")
	}
}
