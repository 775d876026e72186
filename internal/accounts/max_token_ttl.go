package accounts

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/gatehouse/gatehouse/ent"
)

// longestLife is the setting that remembers the longest life that access tokens were ever given, in seconds.
const longestLife = "longest_token_life"

// MaxTokenTTL returns the longest life that any instance has given to access tokens, this one's included. What ends a
// session or a key must outlast tokens that were issued before their life was made shorter.
func MaxTokenTTL(ctx context.Context, client *ent.Client, life time.Duration) (time.Duration, error) {
	tx, err := client.Tx(ctx)
	if err != nil {
		return 0, fmt.Errorf("begin a transaction: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // after the commit it does nothing
	kept, err := tx.Setting.Get(ctx, longestLife)
	switch {
	case ent.IsNotFound(err):
	case err != nil:
		return 0, fmt.Errorf("read the longest life of tokens: %w", err)
	case len(kept.Value) == 8:
		if before := time.Duration(binary.BigEndian.Uint64(kept.Value)) * time.Second; before >= life {
			return before, nil
		}
	}
	value := binary.BigEndian.AppendUint64(nil, uint64(life/time.Second))
	if err := tx.Setting.Create().SetID(longestLife).SetValue(value).OnConflictColumns("id").UpdateNewValues().Exec(ctx); err != nil {
		return 0, fmt.Errorf("remember the longest life of tokens: %w", err)
	}
	return life, tx.Commit()
}
