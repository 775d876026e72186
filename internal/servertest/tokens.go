package servertest

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// SigningKey is a key that a server signs with, and the test too.
type SigningKey struct {
	Private ed25519.PrivateKey
	Setting string // GATEHOUSE_SIGNING_KEY=…
}

// NewSigningKey makes a key.
func NewSigningKey(t testing.TB) *SigningKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	Check(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	Check(t, err)
	path := filepath.Join(t.TempDir(), "signing.pem")
	Check(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	return &SigningKey{Private: key, Setting: "GATEHOUSE_SIGNING_KEY=" + path}
}

// Resign signs the claims of a token again, after a change.
func (k *SigningKey) Resign(token string, change func(jwt.MapClaims)) (string, error) {
	old, _, err := jwt.NewParser(jwt.WithJSONNumber()).ParseUnverified(token, jwt.MapClaims{})
	if err != nil {
		return "", err
	}
	claims := old.Claims.(jwt.MapClaims)
	change(claims)
	made := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims)
	made.Header = old.Header
	return made.SignedString(k.Private)
}

// Remake makes another token of one: "forged" with another key, "expired" an hour ago, or "stale", ten minutes after
// the password was given.
func (k *SigningKey) Remake(token, how string) (string, error) {
	switch how {
	case "forged":
		_, key, err := ed25519.GenerateKey(nil)
		if err != nil {
			return "", err
		}
		return (&SigningKey{Private: key}).Resign(token, func(jwt.MapClaims) {})
	case "stale":
		return k.Resign(token, func(c jwt.MapClaims) { c["auth_time"] = time.Now().Add(-10 * time.Minute).Unix() })
	}
	return k.Resign(token, func(c jwt.MapClaims) {
		for name, ago := range map[string]time.Duration{"iat": 2 * time.Hour, "nbf": 2 * time.Hour,
			"auth_time": 2 * time.Hour, "exp": time.Hour} {
			c[name] = time.Now().Add(-ago).Unix()
		}
	})
}

// MustRemake is Remake for tokens that can be.
func (k *SigningKey) MustRemake(t testing.TB, token, how string) string {
	t.Helper()
	made, err := k.Remake(token, how)
	Check(t, err)
	return made
}
