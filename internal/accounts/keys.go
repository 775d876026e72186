package accounts

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/setting"
	"github.com/gatehouse/gatehouse/ent/signingkey"
	"github.com/gatehouse/gatehouse/internal/token"
)

// secretDigest is the setting that remembers the digest of the secret.
const secretDigest = "secret_digest"

// sealedKey is the purpose for which signing keys are sealed.
const sealedKey = "signing key"

// ErrOtherSecret means that the database was used with another secret: with this one, every session and the signing
// key would be lost.
var ErrOtherSecret = errors.New("the secret is not the one that this database was first used with; give it its former value")

// CheckSecret compares the secret with the digest that the database remembers, and has it remembered on first use. Of
// instances that start at once with different secrets, one wins and the others are refused.
func CheckSecret(ctx context.Context, client *ent.Client, secret *token.Secret) error {
	digest := secret.Fingerprint()
	err := client.Setting.Create().SetID(secretDigest).SetValue(digest).
		OnConflictColumns(setting.FieldID).DoNothing().
		Exec(ctx)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("remember the digest of the secret: %w", err)
	}
	kept, err := client.Setting.Get(ctx, secretDigest)
	if err != nil {
		return fmt.Errorf("read the digest of the secret: %w", err)
	}
	if !bytes.Equal(kept.Value, digest) { // digests are no secrets
		return ErrOtherSecret
	}
	return nil
}

// SigningKey returns the newest signing key that the database keeps, sealed with the secret; the first is made here.
// Instances that start at once end with the same key: the sequence number is unique.
func SigningKey(ctx context.Context, client *ent.Client, secret *token.Secret, now time.Time) (*token.Key, error) {
	newest := client.SigningKey.Query().Order(ent.Desc(signingkey.FieldSequence))
	row, err := newest.Clone().First(ctx)
	if ent.IsNotFound(err) {
		if err := makeFirstKey(ctx, client, secret, now); err != nil {
			return nil, fmt.Errorf("make the first signing key: %w", err)
		}
		row, err = newest.First(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("read the signing key: %w", err)
	}
	der, err := secret.Open(sealedKey, row.Sealed)
	if err != nil {
		return nil, fmt.Errorf("open the signing key %s: %w", row.ID, err)
	}
	return token.UnmarshalKey(der)
}

func makeFirstKey(ctx context.Context, client *ent.Client, secret *token.Secret, now time.Time) error {
	key, err := token.NewKey()
	if err != nil {
		return err
	}
	der, err := key.Marshal()
	if err != nil {
		return err
	}
	now = now.UTC().Truncate(time.Microsecond)
	err = client.SigningKey.Create().
		SetID(key.ID()).SetSequence(1).SetSealed(secret.Seal(sealedKey, der)).SetCreatedAt(now).SetSignsAt(now).
		OnConflictColumns(signingkey.FieldSequence).DoNothing().
		Exec(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}
