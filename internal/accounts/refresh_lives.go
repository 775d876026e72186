package accounts

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/setting"
)

const (
	// refreshLives is the setting that stores the idle lives that instances give to sessions, 8 bytes each, in
	// nanoseconds.
	refreshLives = "refresh_lives"
	// maxRefreshLives is how many are stored. One more takes the place of the oldest but the longest.
	maxRefreshLives = 32
)

// StoreRefreshTTL stores the idle life that an instance gives to sessions. Call it before it gives any: other instances
// learn from it when such a session was refreshed, and for how long one may live without use.
func StoreRefreshTTL(ctx context.Context, client *ent.Client, ttl time.Duration) error {
	err := atomically(ctx, client, func(tx *ent.Tx) error {
		if err := storeOnce(ctx, tx.Client(), refreshLives, []byte{}); err != nil {
			return err
		}
		lives, err := readRefreshLives(ctx, tx.Client(), func(s *entsql.Selector) {
			if s.Dialect() == dialect.Postgres {
				s.For(entsql.LockUpdate)
			}
		})
		if err != nil || slices.Contains(lives, ttl) {
			return err
		}
		if lives = append(lives, ttl); len(lives) > maxRefreshLives {
			oldest := 0
			if lives[oldest] == slices.Max(lives) {
				oldest = 1
			}
			lives = slices.Delete(lives, oldest, oldest+1)
		}
		var value []byte
		for _, life := range lives {
			value = binary.BigEndian.AppendUint64(value, uint64(life))
		}
		return tx.Setting.UpdateOneID(refreshLives).SetValue(value).Exec(ctx)
	})
	if err != nil {
		return fmt.Errorf("storing the idle life of sessions: %w", err)
	}
	return nil
}

// LongestRefreshTTL returns the longest idle life that any instance has given to sessions; 0 when none has stored one.
func LongestRefreshTTL(ctx context.Context, client *ent.Client) (time.Duration, error) {
	lives, err := readRefreshLives(ctx, client)
	return slices.Max(append(lives, 0)), err
}

func readRefreshLives(ctx context.Context, client *ent.Client, more ...func(*entsql.Selector)) ([]time.Duration, error) {
	query := client.Setting.Query().Where(setting.ID(refreshLives))
	for _, f := range more {
		query = query.Where(f)
	}
	row, err := query.Only(ctx)
	if ent.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the idle lives of sessions: %w", err)
	}
	var lives []time.Duration
	for part := range slices.Chunk(row.Value, 8) {
		if len(part) == 8 {
			lives = append(lives, time.Duration(binary.BigEndian.Uint64(part)))
		}
	}
	return lives, nil
}
