package accounts_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/token"
)

var counterKey = bytes.Repeat([]byte("k"), token.KeyedHashKeyLen)

// secretsOf are the secrets of an instance: of texts, the newest first.
func secretsOf(t *testing.T, texts ...string) *token.Secrets {
	t.Helper()
	var all []*token.Secret
	for _, text := range texts {
		all = append(all, must(token.ParseSecret(text)))
	}
	return must(token.NewSecrets(all[0], all[1:]...))
}

func TestCheckSecret_RefusesAnotherSecret(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		mine, other := secretsOf(t, theSecret), secretsOf(t, "another-secret-of-36-bytes-in-length")
		h.note(theSecret)(nil, nil)
		for range 2 {
			check(t, accounts.CheckSecret(t.Context(), h.db.Client, mine))
		}
		for range 2 {
			err := accounts.CheckSecret(t.Context(), h.db.Client, other)
			if !errors.Is(err, accounts.ErrSecretMismatch) || !strings.Contains(err.Error(), "former value") {
				t.Errorf("another secret: %v", err)
			}
		}
		check(t, accounts.CheckSecret(t.Context(), h.db.Client, secretsOf(t, " "+theSecret+"\n")))
		wantEqual(t, "settings", 1, h.db.Client.Setting.Query().CountX(t.Context()))
	})
}

func TestCheckSecret_OneOfParallelSecretsWins(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		secrets := []*token.Secrets{secretsOf(t, theSecret), secretsOf(t, "another-secret-of-36-bytes-in-length")}
		errs := make([]error, 8)
		inParallel(len(errs), func(i int) { errs[i] = accounts.CheckSecret(t.Context(), h.db.Client, secrets[i%2]) })
		for i, err := range errs {
			if err != nil && !errors.Is(err, accounts.ErrSecretMismatch) {
				t.Fatal(err)
			}
			if (err == nil) != (errs[i%2] == nil) {
				t.Error("the same secret was taken and refused")
			}
		}
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Errorf("not exactly one of two secrets won: %v, %v", errs[0], errs[1])
		}
	})
}
