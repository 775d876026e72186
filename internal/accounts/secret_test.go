package accounts_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/token"
)

func secretOf(t *testing.T, text string) *token.Secret {
	t.Helper()
	return must(token.ParseSecret(text))
}

func TestCheckSecret_RefusesAnotherSecret(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		mine, other := secretOf(t, theSecret), secretOf(t, "another-secret-of-36-bytes-in-length")
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
		check(t, accounts.CheckSecret(t.Context(), h.db.Client, secretOf(t, " "+theSecret+"\n")))
		wantEqual(t, "settings", 1, h.db.Client.Setting.Query().CountX(t.Context()))
	})
}

func TestCheckSecret_OneOfParallelSecretsWins(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		secrets := []*token.Secret{secretOf(t, theSecret), secretOf(t, "another-secret-of-36-bytes-in-length")}
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
