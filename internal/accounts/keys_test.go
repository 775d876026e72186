package accounts_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/token"
)

func secretOf(t *testing.T, text string) *token.Secret {
	t.Helper()
	s, err := token.ParseSecret(text)
	check(t, err)
	return s
}

func TestASecretIsRememberedAndAnotherRefused(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		mine, other := secretOf(t, theSecret), secretOf(t, "another-secret-of-36-bytes-in-length")
		h.note(theSecret)(nil, nil)
		for range 2 {
			check(t, accounts.CheckSecret(t.Context(), h.db.Client, mine))
		}
		for range 2 {
			err := accounts.CheckSecret(t.Context(), h.db.Client, other)
			if !errors.Is(err, accounts.ErrOtherSecret) || !strings.Contains(err.Error(), "former value") {
				t.Errorf("another secret: %v", err)
			}
		}
		check(t, accounts.CheckSecret(t.Context(), h.db.Client, secretOf(t, " "+theSecret+"\n")))
		if n := h.db.Client.Setting.Query().CountX(t.Context()); n != 1 {
			t.Errorf("%d settings, want 1", n)
		}
	})
}

func TestOfSecretsThatComeAtOnceOneWins(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		secrets := []*token.Secret{secretOf(t, theSecret), secretOf(t, "another-secret-of-36-bytes-in-length")}
		errs := make([]error, 8)
		together(len(errs), func(i int) { errs[i] = accounts.CheckSecret(t.Context(), h.db.Client, secrets[i%2]) })
		for i, err := range errs {
			if err != nil && !errors.Is(err, accounts.ErrOtherSecret) {
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

func TestTheSigningKeyIsMadeOnceAndKeptSealed(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		secret := secretOf(t, theSecret)
		first, err := accounts.SigningKey(t.Context(), h.db.Client, secret, theBeginning)
		check(t, err)
		der, err := first.Marshal()
		check(t, err)
		h.note(string(der))(nil, nil)
		h.note(string(der[len(der)-32:]))(nil, nil) // the private half of Ed25519
		again, err := accounts.SigningKey(t.Context(), h.db.Client, secret, theBeginning.AddDate(1, 0, 0))
		check(t, err)
		if first.ID() != again.ID() {
			t.Errorf("keys %s and %s", first.ID(), again.ID())
		}
		if _, err := accounts.SigningKey(t.Context(), h.db.Client, secretOf(t, "another-secret-of-36-bytes-in-length"), theBeginning); err == nil || strings.Contains(err.Error(), string(der)) {
			t.Errorf("another secret opens the key: %v", err)
		}
		row := h.db.Client.SigningKey.Query().OnlyX(t.Context())
		if row.ID != first.ID() || row.Sequence != 1 || bytes.Contains(row.Sealed, der[len(der)-32:]) {
			t.Errorf("row %s, sequence %d", row.ID, row.Sequence)
		}
	})
}

func TestTheNewestKeySigns(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		secret := secretOf(t, theSecret)
		first, err := accounts.SigningKey(t.Context(), h.db.Client, secret, theBeginning)
		check(t, err)
		newer, err := token.NewKey()
		check(t, err)
		der, err := newer.Marshal()
		check(t, err)
		h.db.Client.SigningKey.Create().SetID(newer.ID()).SetSequence(2).SetSealed(secret.Seal("signing key", der)).
			SetCreatedAt(theBeginning.AddDate(-1, 0, 0)).SetSignsAt(theBeginning.AddDate(-1, 0, 0)).ExecX(t.Context())
		got, err := accounts.SigningKey(t.Context(), h.db.Client, secret, theBeginning)
		check(t, err)
		if got.ID() != newer.ID() {
			t.Errorf("%s signs, want %s and not %s", got.ID(), newer.ID(), first.ID())
		}
	})
}

func TestASealedKeyOfAnotherPurposeIsRefused(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		secret := secretOf(t, theSecret)
		k, err := accounts.SigningKey(t.Context(), h.db.Client, secret, theBeginning)
		check(t, err)
		der, err := k.Marshal()
		check(t, err)
		for name, sealed := range map[string][]byte{
			"another purpose": secret.Seal("refresh key", der),
			"in clear":        der,
			"no key":          secret.Seal("signing key", []byte("no key")),
			"empty":           {},
		} {
			h.db.Client.SigningKey.Delete().ExecX(t.Context())
			h.db.Client.SigningKey.Create().SetID("k").SetSequence(1).SetSealed(sealed).SetCreatedAt(theBeginning).SetSignsAt(theBeginning).ExecX(t.Context())
			if _, err := accounts.SigningKey(t.Context(), h.db.Client, secret, theBeginning); err == nil {
				t.Errorf("%s: taken", name)
			}
		}
	})
}

// TestFirstStartsAtOnceEndWithOneKey is what several instances do with an empty database.
func TestFirstStartsAtOnceEndWithOneKey(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		secret := secretOf(t, theSecret)
		ids, errs := make([]string, 8), make([]error, 8)
		h, m := h.metered()
		all := &meeting{all: len(ids), met: make(chan struct{})}
		m.before = func(_ int, statement string) error {
			if strings.HasPrefix(statement, "INSERT") && strings.Contains(statement, "signing_keys") {
				return all.wait() // until every one has seen that there is no key
			}
			return nil
		}
		together(len(ids), func(i int) {
			if errs[i] = accounts.CheckSecret(t.Context(), h.config.Client, secret); errs[i] != nil {
				return
			}
			var k *token.Key
			if k, errs[i] = accounts.SigningKey(t.Context(), h.config.Client, secret, theBeginning); errs[i] == nil {
				ids[i] = k.ID()
			}
		})
		for i := range ids {
			if errs[i] != nil || ids[i] != ids[0] {
				t.Errorf("start %d: key %q, %v; want %q", i, ids[i], errs[i], ids[0])
			}
		}
		if n := h.db.Client.SigningKey.Query().CountX(t.Context()); n != 1 {
			t.Errorf("%d keys, want 1", n)
		}
	})
}
