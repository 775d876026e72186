package accounts

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/setting"
	"github.com/gatehouse/gatehouse/internal/token"
)

// secretDigest is the setting that stores the digest of the secret in use.
const secretDigest = "secret_digest"

// ErrSecretMismatch means that the database is used with another secret: with this one, every session and the signing
// key would be lost.
var ErrSecretMismatch = errors.New("the secret is not the one that this database is used with; give it its former " +
	"value, or set GATEHOUSE_SECRET_PREVIOUS to that until `gatehouse secret rotate` has changed it; where that has run " +
	"already, give it the new one")

// CheckSecret makes the secret that the database names the one in use; on first use that is the newest one, whose digest
// it stores. Of instances that start simultaneously with different secrets, one wins and the others get
// ErrSecretMismatch.
func CheckSecret(ctx context.Context, client *ent.Client, secrets *token.Secrets) error {
	err := storeOnce(ctx, client, secretDigest, secrets.Newest().Fingerprint())
	if err != nil {
		return fmt.Errorf("storing the digest of the secret: %w", err)
	}
	return UseSecret(ctx, client, secrets)
}

// storeOnce creates a setting, unless it exists. Then it writes nothing: who starts beside a busy server need not wait
// for SQLite's lock.
func storeOnce(ctx context.Context, client *ent.Client, id string, value []byte) error {
	if exists, err := client.Setting.Query().Where(setting.ID(id)).Exist(ctx); err != nil || exists {
		return err
	}
	err := client.Setting.Create().SetID(id).SetValue(value).
		OnConflictColumns(setting.FieldID).DoNothing().
		Exec(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}

// UseSecret makes the secret that the database names the one in use, or returns ErrSecretMismatch: it names none of them.
// Call it periodically: a command changes it. Every instance accepts what is made with either, so that none has to be
// the first to know.
func UseSecret(ctx context.Context, client *ent.Client, secrets *token.Secrets) error {
	stored, err := client.Setting.Get(ctx, secretDigest)
	if err != nil && !ent.IsNotFound(err) {
		return fmt.Errorf("reading the digest of the secret: %w", err)
	}
	if err != nil || !secrets.Use(stored.Value) {
		return ErrSecretMismatch
	}
	return nil
}

// lockSecret makes the secret that the database names the one in use until the transaction ends, so that what it seals
// is not missed by a rotation.
func lockSecret(ctx context.Context, tx *ent.Tx, secrets *token.Secrets) error {
	row, err := tx.Setting.Query().Where(setting.ID(secretDigest)).Where(func(s *entsql.Selector) {
		if s.Dialect() == dialect.Postgres {
			s.For(entsql.LockShare)
		}
	}).Only(ctx)
	if err == nil && !secrets.Use(row.Value) {
		err = ErrSecretMismatch
	}
	if err != nil && !ent.IsNotFound(err) {
		return fmt.Errorf("reading the digest of the secret: %w", err)
	}
	return nil
}

// RotateSecret puts the newest secret in use: what the database holds is sealed with it again, and instances make what
// they make with it as soon as they call UseSecret. It reports whether there was anything to do.
func RotateSecret(ctx context.Context, client *ent.Client, secrets *token.Secrets) (rotated bool, err error) {
	newest := secrets.Newest()
	err = atomically(ctx, client, func(tx *ent.Tx) error {
		n, err := tx.Setting.Update().Where(setting.ID(secretDigest), setting.ValueNEQ(newest.Fingerprint())).
			SetValue(newest.Fingerprint()).Save(ctx)
		if err != nil || n == 0 {
			return err
		}
		rotated = true
		if err := sealKeys(ctx, tx, secrets); err != nil {
			return err
		}
		err = errors.Join(keyOfCounters.seal(ctx, tx, secrets), keyOfFactors.seal(ctx, tx, secrets),
			keyOfPrograms.seal(ctx, tx, secrets))
		if err != nil {
			return err
		}
		return recordEvents(ctx, tx, time.Now(), Event{Kind: SecretRotated})
	})
	if err != nil {
		return false, fmt.Errorf("rotating the secret: %w", err)
	}
	return rotated, UseSecret(ctx, client, secrets)
}

// sealKeys seals every signing key with the newest secret.
func sealKeys(ctx context.Context, tx *ent.Tx, secrets *token.Secrets) error {
	rows, err := tx.SigningKey.Query().All(ctx)
	if err != nil {
		return err
	}
	for _, row := range rows {
		der, err := secrets.Open(token.SigningKeyPurpose, row.Sealed)
		if err != nil {
			return err
		}
		sealed := secrets.Newest().Seal(token.SigningKeyPurpose, der)
		if err := tx.SigningKey.UpdateOne(row).SetSealed(sealed).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// sealedKey is a random key that the settings have, sealed with the secret. It is no subkey of that: what is made with it
// must count on when the secret is rotated, which seals it again.
type sealedKey struct {
	setting string
	purpose token.Purpose
	length  int
}

// The sealed keys.
var (
	keyOfCounters = sealedKey{"counter_key", token.CounterKeyPurpose, token.KeyedHashKeyLen}
	keyOfFactors  = sealedKey{"factor_key", token.FactorKeyPurpose, token.FactorKeyLen}
	keyOfPrograms = sealedKey{"personal_access_token_key", token.PersonalKeyPurpose, token.PersonalKeyLen}
)

// CounterKey returns the key that names counters, which it creates on first use.
func CounterKey(ctx context.Context, client *ent.Client, secrets *token.Secrets) ([]byte, error) {
	return keyOfCounters.read(ctx, client, secrets)
}

// FactorKey returns the key that seals second factors, which it creates on first use.
func FactorKey(ctx context.Context, client *ent.Client, secrets *token.Secrets) ([]byte, error) {
	return keyOfFactors.read(ctx, client, secrets)
}

// PersonalKey returns the key of personal access tokens, which it creates on first use.
func PersonalKey(ctx context.Context, client *ent.Client, secrets *token.Secrets) ([]byte, error) {
	return keyOfPrograms.read(ctx, client, secrets)
}

func (k sealedKey) read(ctx context.Context, client *ent.Client, secrets *token.Secrets) ([]byte, error) {
	row, err := client.Setting.Get(ctx, k.setting)
	if ent.IsNotFound(err) {
		key := make([]byte, k.length)
		rand.Read(key)
		err = atomically(ctx, client, func(tx *ent.Tx) error {
			if err := lockSecret(ctx, tx, secrets); err != nil {
				return err
			}
			return storeOnce(ctx, tx.Client(), k.setting, secrets.InUse().Seal(k.purpose, key))
		})
		if err == nil {
			row, err = client.Setting.Get(ctx, k.setting)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("reading the %s: %w", k.purpose, err)
	}
	return secrets.Open(k.purpose, row.Value)
}

// seal seals the key with the newest secret.
func (k sealedKey) seal(ctx context.Context, tx *ent.Tx, secrets *token.Secrets) error {
	row, err := tx.Setting.Get(ctx, k.setting)
	if ent.IsNotFound(err) { // no instance has used it
		return nil
	}
	if err != nil {
		return err
	}
	key, err := secrets.Open(k.purpose, row.Value)
	if err != nil {
		return err
	}
	return tx.Setting.UpdateOne(row).SetValue(secrets.Newest().Seal(k.purpose, key)).Exec(ctx)
}
