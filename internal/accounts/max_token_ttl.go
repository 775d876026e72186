package accounts

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/setting"
	"github.com/gatehouse/gatehouse/ent/signingkey"
)

// maxTokenTTL is the setting that stores the longest life that access tokens were ever given, in seconds.
const maxTokenTTL = "longest_token_life"

// MaxTokenTTL returns the longest life that any instance has given to access tokens, and stores this one's when it is
// longer. Call it before tokens of this life are issued. What ends a session or a key must outlast tokens that were
// issued before their life was made shorter, and those of instances that start later. So who reads revocations reads the
// longest life then, and keys that may still sign get a later end here.
func MaxTokenTTL(ctx context.Context, client *ent.Client, ttl time.Duration) (longest time.Duration, err error) {
	err = atomically(ctx, client, func(tx *ent.Tx) error {
		value := binary.BigEndian.AppendUint64(nil, uint64(ttl/time.Second))
		if err := storeOnce(ctx, tx.Client(), maxTokenTTL, value); err != nil {
			return err
		}
		before, err := lockMaxTokenTTL(ctx, tx, entsql.LockUpdate)
		if longest = max(before, ttl); err != nil || longest == before {
			return err
		}
		if err := tx.Setting.UpdateOneID(maxTokenTTL).SetValue(value).Exec(ctx); err != nil {
			return err
		}
		return extendKeys(ctx, tx, ttl-before)
	})
	if err != nil {
		return 0, fmt.Errorf("storing the longest life of tokens: %w", err)
	}
	return longest, nil
}

// extendKeys moves the ends of keys. One that has ended may verify again: its tokens have expired.
func extendKeys(ctx context.Context, tx *ent.Tx, by time.Duration) error {
	rows, err := tx.SigningKey.Query().Where(signingkey.EndsAtNotNil()).Order(ent.Asc(signingkey.FieldSequence)).All(ctx)
	for _, row := range rows {
		if err := tx.SigningKey.UpdateOne(row).SetEndsAt(row.EndsAt.Add(by)).Exec(ctx); err != nil {
			return err
		}
	}
	return err
}

// lockMaxTokenTTL returns the longest life of tokens, which stays the same until the transaction ends; 0 when no instance
// has stored one.
func lockMaxTokenTTL(ctx context.Context, tx *ent.Tx, strength entsql.LockStrength) (time.Duration, error) {
	return readMaxTokenTTL(ctx, tx.Setting.Query().Where(func(s *entsql.Selector) {
		if s.Dialect() == dialect.Postgres {
			s.For(strength)
		}
	}))
}

func readMaxTokenTTL(ctx context.Context, settings *ent.SettingQuery) (time.Duration, error) {
	row, err := settings.Where(setting.ID(maxTokenTTL)).Only(ctx)
	if ent.IsNotFound(err) || err == nil && len(row.Value) != 8 {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("reading the longest life of tokens: %w", err)
	}
	return time.Duration(binary.BigEndian.Uint64(row.Value)) * time.Second, nil
}
