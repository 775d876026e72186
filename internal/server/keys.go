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

// SigningKeys are the keys in use, and where they are kept.
type SigningKeys struct {
	Keys *token.Keys
	kept *accounts.SigningKeys // nil: one key of the settings signs alone
	life time.Duration         // the longest life of an access token that is in use
}

// OpenKeys holds the secret against the database's digest and takes the signing keys, from the settings or the database.
func OpenKeys(ctx context.Context, c *Config, db *database.Database, log *slog.Logger) (*SigningKeys, error) {
	err := accounts.CheckSecret(ctx, db.Client, c.secret)
	if errors.Is(err, accounts.ErrSecretMismatch) {
		return nil, config.Invalid(c.secretSource, err)
	}
	if err != nil {
		return nil, err
	}
	life, err := accounts.MaxTokenTTL(ctx, db.Client, c.AccessTTL)
	if err != nil {
		return nil, err
	}
	if c.signingKey != nil {
		keys, err := token.NewKeys(c.signingKey.WithoutSchedule())
		return &SigningKeys{Keys: keys, life: life}, err
	}
	kept, err := accounts.NewSigningKeys(accounts.KeysConfig{
		Client: db.Client, Secret: c.secret, TTL: life, RotateEvery: c.RotateEvery, OnEvent: c.watch.happened(log),
	})
	if err != nil {
		return nil, err
	}
	schedule, err := kept.Load(ctx)
	if err != nil {
		return nil, err
	}
	keys, err := token.NewKeys(schedule...)
	return &SigningKeys{keys, kept, life}, err
}

// reload takes what the database keeps now.
func (s *SigningKeys) reload(ctx context.Context) error {
	schedule, err := s.kept.Load(ctx)
	if err != nil {
		return err
	}
	return s.Keys.Replace(schedule...)
}

// Rotate makes the next signing key.
func (s *SigningKeys) Rotate(ctx context.Context, r accounts.Rotation) error {
	if s.kept == nil {
		return config.Invalid("GATEHOUSE_SIGNING_KEY", errors.New("this key signs alone; to rotate, put another into the file and restart, or unset the variable"))
	}
	if err := s.kept.Rotate(ctx, r); err != nil {
		return err
	}
	return s.reload(ctx)
}
