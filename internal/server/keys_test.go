package server

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestSigningKeys_SecretThatChangesWhileTheyAreRead is named as the cause where this instance does not know the new one,
// and is none where it does.
func TestSigningKeys_SecretThatChangesWhileTheyAreRead(t *testing.T) {
	const former, next = "the former secret, of 32 bytes or more", "the next secret, of 32 bytes or more"
	both := []string{"GATEHOUSE_SECRET=" + next, "GATEHOUSE_SECRET_PREVIOUS=" + former}
	for name, environment := range map[string][]string{"unknown": {"GATEHOUSE_SECRET=" + former}, "known": both} {
		t.Run(name, func(t *testing.T) {
			db := openDatabase(t)
			_, err := OpenKeys(t.Context(), configOf(t, "GATEHOUSE_SECRET="+former), db, slog.New(slog.DiscardHandler))
			testenv.Check(t, err)
			keys, err := OpenKeys(t.Context(), configOf(t, environment...), db, slog.New(slog.DiscardHandler))
			testenv.Check(t, err)
			begun := false
			db.Client.SigningKey.Intercept(ent.InterceptFunc(func(read ent.Querier) ent.Querier {
				return ent.QuerierFunc(func(ctx context.Context, q ent.Query) (ent.Value, error) {
					if !begun {
						begun = true
						_, err := accounts.RotateSecret(ctx, db.Client, configOf(t, both...).secrets)
						testenv.Check(t, err)
					}
					return read.Query(ctx, q)
				})
			}))
			err = keys.reload(t.Context())
			if name == "known" {
				testenv.Check(t, err)
			} else if !errors.Is(err, accounts.ErrSecretMismatch) || !strings.Contains(err.Error(), "GATEHOUSE_SECRET: ") {
				t.Errorf("%v", err)
			}
			testenv.Equal(t, true, begun, "the secret has changed")
			testenv.Equal(t, name == "unknown", keys.foreign.Load(), "the secret is foreign")
		})
	}
}

func openDatabase(t *testing.T) *database.Database {
	t.Helper()
	db, err := database.Open(t.Context(), database.Config{URL: dbtest.SQLite(t), Log: slog.New(slog.DiscardHandler)})
	testenv.Check(t, err)
	t.Cleanup(func() { db.Close() })
	_, err = db.Migrate(t.Context())
	testenv.Check(t, err)
	return db
}

func configOf(t *testing.T, environment ...string) *Config {
	t.Helper()
	c, err := ReadConfig(environment)
	testenv.Check(t, err)
	return c
}
