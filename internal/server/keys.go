package server

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/config"
	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/token"
)

// SigningKeys are the keys that sign and verify access tokens, from the configuration or the database.
type SigningKeys struct {
	Keys   *token.Keys
	store  *accounts.SigningKeys // nil: the key of the configuration is the only one
	maxTTL time.Duration         // the longest TTL of an access token that may still be valid
}

// OpenKeys checks the secret against the digest in the database and opens the signing keys.
func OpenKeys(ctx context.Context, c *Config, db *database.Database, log *slog.Logger) (*SigningKeys, error) {
	return openKeys(ctx, c, db, observer{}.onEvent(log))
}

func openKeys(ctx context.Context, c *Config, db *database.Database, onEvent eventFunc) (*SigningKeys, error) {
	err := accounts.CheckSecret(ctx, db.Client, c.secret)
	if errors.Is(err, accounts.ErrSecretMismatch) {
		return nil, config.Invalid(c.SecretVariable(), err)
	}
	if err != nil {
		return nil, err
	}
	maxTTL, err := accounts.MaxTokenTTL(ctx, db.Client, c.AccessTTL)
	if err != nil {
		return nil, err
	}
	if c.signingKey != nil {
		keys, err := token.NewKeys(c.signingKey.WithoutSchedule())
		return &SigningKeys{Keys: keys, maxTTL: maxTTL}, err
	}
	store, err := accounts.NewSigningKeys(accounts.KeysConfig{
		Client: db.Client, Secret: c.secret, TTL: maxTTL, RotateEvery: c.RotateEvery, OnEvent: onEvent,
	})
	if err != nil {
		return nil, err
	}
	schedule, err := store.Load(ctx)
	if err != nil {
		return nil, err
	}
	keys, err := token.NewKeys(schedule...)
	return &SigningKeys{keys, store, maxTTL}, err
}

// reload takes the keys that are in the database now.
func (s *SigningKeys) reload(ctx context.Context) error {
	if s.store == nil {
		return nil
	}
	schedule, err := s.store.Load(ctx)
	if err != nil {
		return err
	}
	return s.Keys.Replace(schedule...)
}

// maintain rotates the keys when that is due.
func (s *SigningKeys) maintain(ctx context.Context) error {
	if s.store == nil {
		return nil
	}
	return s.store.Maintain(ctx)
}

// Rotate creates the next signing key.
func (s *SigningKeys) Rotate(ctx context.Context, r accounts.Rotation) error {
	if s.store == nil {
		return config.Invalid("GATEHOUSE_SIGNING_KEY", errors.New(
			"this key signs alone; to rotate, put another into the file and restart, or unset the variable"))
	}
	if err := s.store.Rotate(ctx, r); err != nil {
		return err
	}
	return s.reload(ctx)
}
