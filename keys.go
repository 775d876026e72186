package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"text/tabwriter"
	"time"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/config"
	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/token"
)

// signing is the keys in use, and where they are kept.
type signing struct {
	keys *token.Keys
	kept *accounts.SigningKeys // nil: one key of the settings signs alone
	life time.Duration         // the longest life of an access token that is in use
}

// openKeys holds the secret against the database's digest and takes the signing keys, from the settings or the database.
func openKeys(ctx context.Context, c *settings, db *database.Database, log *slog.Logger) (*signing, error) {
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
		return &signing{keys: keys, life: life}, err
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
	return &signing{keys, kept, life}, err
}

// reload takes what the database keeps now.
func (s *signing) reload(ctx context.Context) error {
	schedule, err := s.kept.Load(ctx)
	if err != nil {
		return err
	}
	return s.keys.Replace(schedule...)
}

// listKeys prints the signing keys and what each is for at this moment.
func listKeys(ctx context.Context, w world) error {
	return withKeys(ctx, w, func(_ *settings, s *signing) error { return printKeys(w, s, time.Now()) })
}

// rotateKeys makes the next signing key.
func rotateKeys(ctx context.Context, w world, r accounts.Rotation) error {
	return withKeys(ctx, w, func(_ *settings, s *signing) error {
		if s.kept == nil {
			return config.Invalid("GATEHOUSE_SIGNING_KEY", errors.New("this key signs alone; to rotate, put another into the file and restart, or unset the variable"))
		}
		if err := s.kept.Rotate(ctx, r); err != nil {
			return err
		}
		if err := s.reload(ctx); err != nil {
			return err
		}
		return printKeys(w, s, time.Now())
	})
}

func withKeys(ctx context.Context, w world, do func(*settings, *signing) error) error {
	c, err := readSettings(w.Env)
	if err != nil {
		return err
	}
	log := newLog(c.Config, w)
	db, err := openMigrated(ctx, c.Config, log)
	if err != nil {
		return err
	}
	defer db.Close()
	s, err := openKeys(ctx, c, db, log)
	if err != nil {
		return err
	}
	return do(c, s)
}

func printKeys(w world, s *signing, now time.Time) error {
	table := tabwriter.NewWriter(w.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "KEY\tALGORITHM\t")
	current := s.keys.Signing(now)
	for _, k := range s.keys.Schedule() {
		state := "verifies until " + k.EndsAt.Format(time.RFC3339)
		switch {
		case k.Key == current && k.EndsAt.IsZero():
			state = "signs"
		case k.Key == current:
			state = "signs, and " + state
		case k.SignsAt.After(now):
			state = "is published, signs from " + k.SignsAt.Format(time.RFC3339)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", k.Key.ID(), k.Key.Algorithm(), state)
	}
	return table.Flush()
}
