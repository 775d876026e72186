package server

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
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
	db     *database.Database
	config *Config
	maxTTL time.Duration // the longest TTL of an access token that may still be valid

	foreign atomic.Bool // the database is used with a secret that this instance does not have
}

// OpenKeys checks the secret against the digest in the database and opens the signing keys.
func OpenKeys(ctx context.Context, c *Config, db *database.Database, log *slog.Logger) (*SigningKeys, error) {
	return openKeys(ctx, c, db, observer{}.onEvent(log))
}

func openKeys(ctx context.Context, c *Config, db *database.Database, onEvent eventFunc) (*SigningKeys, error) {
	if err := accounts.CheckSecret(ctx, db.Client, c.secrets); err != nil {
		return nil, c.invalidSecret(err)
	}
	maxTTL, err := accounts.MaxTokenTTL(ctx, db.Client, c.AccessTTL)
	if err != nil {
		return nil, err
	}
	if c.signingKey != nil {
		keys, err := token.NewKeys(c.signingKey.WithoutSchedule())
		return &SigningKeys{Keys: keys, maxTTL: maxTTL, db: db, config: c}, err
	}
	store, err := accounts.NewSigningKeys(accounts.KeysConfig{
		Client: db.Client, Secrets: c.secrets, TTL: maxTTL, RotateEvery: c.RotateEvery, OnEvent: onEvent,
	})
	if err != nil {
		return nil, err
	}
	schedule, err := store.Load(ctx)
	if err != nil {
		return nil, err
	}
	keys, err := token.NewKeys(schedule...)
	return &SigningKeys{Keys: keys, store: store, maxTTL: maxTTL, db: db, config: c}, err
}

// useSecret uses the secret that is in use in the database, which a command may have changed. When the database does not
// answer, what is known of it stays as it is.
func (s *SigningKeys) useSecret(ctx context.Context) error {
	err := accounts.UseSecret(ctx, s.db.Client, s.config.secrets)
	if foreign := errors.Is(err, accounts.ErrSecretMismatch); foreign || err == nil {
		s.foreign.Store(foreign)
	}
	return s.config.invalidSecret(err)
}

// invalidSecret names the variable when the secret is not the database's.
func (c *Config) invalidSecret(err error) error {
	if errors.Is(err, accounts.ErrSecretMismatch) {
		return config.Invalid(c.SecretVariable(), err)
	}
	return err
}

// reload takes the keys that are in the database now.
func (s *SigningKeys) reload(ctx context.Context) error {
	if err := s.useSecret(ctx); err != nil {
		return err
	}
	if s.store == nil {
		return nil
	}
	schedule, err := s.store.Load(ctx)
	if err != nil {
		return cmp.Or(s.useSecret(ctx), err) // the secret may have been changed meanwhile, which is the cause then
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

// SecretRotation is what RotateSecret did.
type SecretRotation struct {
	Done    bool      // false: there was nothing to do
	MovedBy time.Time // when each session that is used has a token of the new secret
}

// RotateSecret puts the secret of the configuration in use in place of the former one.
func RotateSecret(ctx context.Context, c *Config, db *database.Database, log *slog.Logger) (r SecretRotation, err error) {
	if err := accounts.CheckSecret(ctx, db.Client, c.secrets); err != nil {
		return r, c.invalidSecret(err)
	}
	r.Done, err = accounts.RotateSecret(ctx, db.Client, c.secrets)
	if !r.Done || err != nil {
		return r, err
	}
	observer{}.onEvent(log)(ctx, accounts.Event{Kind: accounts.SecretRotated})
	longest, err := accounts.LongestRefreshTTL(ctx, db.Client)
	if longest == 0 { // no instance of this version has started
		longest = c.RefreshTTL
	}
	r.MovedBy = time.Now().Add(longest + maintenanceInterval) // which the instances need to learn of it
	return r, err
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
