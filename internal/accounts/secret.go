package accounts

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/setting"
	"github.com/gatehouse/gatehouse/internal/token"
)

// secretDigest is the setting that stores the digest of the secret.
const secretDigest = "secret_digest"

// ErrSecretMismatch means that the database was used with another secret: with this one, every session and the signing
// key would be lost.
var ErrSecretMismatch = errors.New(
	"the secret is not the one that this database was first used with; give it its former value")

// CheckSecret compares the secret with the stored digest, which it stores on first use. Of instances that start
// simultaneously with different secrets, one wins and the others get ErrSecretMismatch.
func CheckSecret(ctx context.Context, client *ent.Client, secret *token.Secret) error {
	digest := secret.Fingerprint()
	err := client.Setting.Create().SetID(secretDigest).SetValue(digest).
		OnConflictColumns(setting.FieldID).DoNothing().
		Exec(ctx)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("storing the digest of the secret: %w", err)
	}
	stored, err := client.Setting.Get(ctx, secretDigest)
	if err != nil {
		return fmt.Errorf("reading the digest of the secret: %w", err)
	}
	if !bytes.Equal(stored.Value, digest) { // digests are no secrets
		return ErrSecretMismatch
	}
	return nil
}
