package token

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

func TestFactorKeys_OpenWhatTheySealedForOneUser(t *testing.T) {
	k := must(NewFactorKeys(bytes.Repeat([]byte{1}, FactorKeyLen)))
	other := must(NewFactorKeys(bytes.Repeat([]byte{2}, FactorKeyLen)))
	ada, bob, secret := uuid.New(), uuid.New(), []byte("the secret of a factor")
	sealed := k.Seal(ada, secret)
	testenv.Equal(t, secret, must(k.Open(ada, sealed)), "opened")
	if bytes.Contains(sealed, secret) || bytes.Equal(sealed, k.Seal(ada, secret)) {
		t.Error("sealed in clear, or the same twice")
	}
	for name, open := range map[string]func() error{
		"another user": func() error { _, err := k.Open(bob, sealed); return err },
		"another key":  func() error { _, err := other.Open(ada, sealed); return err },
		"changed":      func() error { _, err := k.Open(ada, append(sealed[:len(sealed)-1:len(sealed)-1], 0, 1)); return err },
		"empty":        func() error { _, err := k.Open(ada, nil); return err },
	} {
		if open() == nil {
			t.Errorf("%s: opened", name)
		}
	}
	digest := k.RecoveryDigest(ada, "code")
	testenv.Equal(t, digest, k.RecoveryDigest(ada, "code"), "the digest")
	for name, same := range map[string][]byte{
		"another user": k.RecoveryDigest(bob, "code"), "another key": other.RecoveryDigest(ada, "code"),
		"another code": k.RecoveryDigest(ada, "cod"),
	} {
		if bytes.Equal(digest, same) {
			t.Errorf("%s: the same digest", name)
		}
	}
	for _, verb := range []string{"%v", "%+v", "%s", "%x"} {
		testenv.Equal(t, "token.FactorKeys(hidden)", fmt.Sprintf(verb, k), "%s", verb)
	}
	if _, err := NewFactorKeys(make([]byte, FactorKeyLen-1)); err == nil {
		t.Error("a short key is accepted")
	}
}
