package accounts

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/setting"
)

// maxTokenTTL is the setting that stores the longest life that access tokens were ever given, in seconds.
const maxTokenTTL = "longest_token_life"

// MaxTokenTTL returns the longest life that any instance has given to access tokens, this one's included. What ends a
// session or a key must outlast tokens that were issued before their life was made shorter.
func MaxTokenTTL(ctx context.Context, client *ent.Client, ttl time.Duration) (longest time.Duration, err error) {
	err = atomically(ctx, client, func(tx *ent.Tx) error {
		stored, err := tx.Setting.Get(ctx, maxTokenTTL)
		if err != nil && !ent.IsNotFound(err) {
			return fmt.Errorf("reading the longest life of tokens: %w", err)
		}
		longest = ttl
		if err == nil && len(stored.Value) == 8 {
			if before := time.Duration(binary.BigEndian.Uint64(stored.Value)) * time.Second; before >= ttl {
				longest = before
				return nil
			}
		}
		value := binary.BigEndian.AppendUint64(nil, uint64(ttl/time.Second))
		err = tx.Setting.Create().SetID(maxTokenTTL).SetValue(value).
			OnConflictColumns(setting.FieldID).UpdateNewValues().
			Exec(ctx)
		if err != nil {
			return fmt.Errorf("storing the longest life of tokens: %w", err)
		}
		return nil
	})
	return longest, err
}
