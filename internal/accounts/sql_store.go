package accounts

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/throttle"
)

// sqlStore counts on Postgres, for all instances together, by the clock of the service. A use case locks these rows
// last in its transaction.
type sqlStore struct {
	client *ent.Client
	turns  turns
}

// charge reads first, so that a flood of refused attempts costs one statement each and no lock. Then one statement
// charges all counters, in a transaction: alone, lib/pq might send it twice. If a concurrent attempt won, it rolls
// back and retries; after three conflicts it returns a delay of 1 s.
func (d sqlStore) charge(ctx context.Context, t *attempt) (time.Duration, error) {
	for range 3 {
		wait, err := d.read(ctx, t)
		if wait > 0 || err != nil {
			return wait, err
		}
		taken, err := d.add(ctx, t)
		if taken || err != nil {
			return 0, err
		}
	}
	return time.Second, nil
}

func (d sqlStore) read(ctx context.Context, t *attempt) (time.Duration, error) {
	var names []uuid.UUID
	for _, c := range t.counters {
		names = append(names, c.name)
	}
	rows, err := d.client.Throttle.Query().Where(throttle.IDIn(names...)).All(ctx)
	if err != nil {
		return 0, err
	}
	counts := map[uuid.UUID]count{}
	for _, row := range rows {
		counts[row.ID] = count{row.At, row.Until}
	}
	return longestDelay(t.counters, t.now, func(name uuid.UUID) count { return counts[name] }), nil
}

// chargeSQL is count.next under the condition of backoff.retryAt.
const chargeSQL = `
WITH rule AS (SELECT * FROM unnest($2::uuid[], $3::float8[], $4::float8[]) AS r (id, free, longest))
INSERT INTO throttles AS t (id, at, until)
SELECT id, $1::timestamptz, $1::timestamptz + make_interval(secs => longest) FROM rule
ON CONFLICT (id) DO UPDATE
SET at = greatest(t.at, excluded.at), until = greatest(t.until, excluded.at) + (excluded.until - excluded.at)
WHERE (
  SELECT tries < free OR t.at + make_interval(secs => longest / 2 ^ greatest(0, $5 + free - tries)) <= excluded.at
  FROM (
    SELECT free, longest, ceil(extract(epoch FROM t.until - t.at) / longest) AS tries FROM rule WHERE rule.id = t.id
  ) AS r
)`

// rules returns the counters as the statements take them: arrays of ids, of free attempts and of seconds.
func (t *attempt) rules() (ids, free, longest string) {
	for _, c := range t.counters {
		ids += "," + c.name.String()
		free += fmt.Sprintf(",%d", c.free)
		longest += fmt.Sprintf(",%v", c.maxDelay.Seconds())
	}
	array := func(list string) string { return "{" + strings.TrimPrefix(list, ",") + "}" }
	return array(ids), array(free), array(longest)
}

func (d sqlStore) add(ctx context.Context, t *attempt) (taken bool, err error) {
	ids, free, longest := t.rules()
	err = d.turns.atomically(ctx, d.client, t.by, func(tx *ent.Tx) error {
		result, err := tx.ExecContext(ctx, chargeSQL, t.now, ids, free, longest, doublings)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); n < int64(len(t.counters)) || err != nil {
			return cmp.Or(err, errConcurrentAttempt)
		}
		return nil
	})
	if errors.Is(err, errConcurrentAttempt) {
		return false, nil
	}
	return err == nil, err
}

// errConcurrentAttempt means that another attempt was charged in between.
var errConcurrentAttempt = errors.New("a concurrent attempt was charged first")

// refundSQL locks rows in the order of chargeSQL.
const refundSQL = `
WITH held AS (
  SELECT t.id, longest, n FROM throttles AS t
  JOIN unnest($1::uuid[], $2::float8[]) WITH ORDINALITY AS r (id, longest, n) ON t.id = r.id ORDER BY n FOR UPDATE OF t
)
UPDATE throttles AS t SET until = CASE WHEN $3 AND n = 1 THEN t.at ELSE t.until - make_interval(secs => longest) END
FROM held WHERE t.id = held.id`

func (sqlStore) refund(ctx context.Context, tx *transaction, t *attempt, reset bool) error {
	ids, _, longest := t.rules()
	_, err := tx.ExecContext(ctx, refundSQL, ids, longest, reset)
	return err
}

// deleteExpired skips locked rows, so that it never waits for an attempt that waits for it.
func (d sqlStore) deleteExpired(ctx context.Context, now time.Time) (rows int, err error) {
	err = d.turns.atomically(ctx, d.client, nil, func(tx *ent.Tx) (err error) {
		rows, err = tx.Throttle.Delete().Where(unlocked(throttle.Table, entsql.LTE(throttle.FieldUntil, now))).Exec(ctx)
		return err
	})
	return rows, err
}
