package accounts

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/throttle"
)

// sqlStore counts on Postgres, for all instances together, by the clock of the service. A use case locks these rows
// last in its transaction.
type sqlStore struct{ client *ent.Client }

// charge reads first, so that a flood of refused attempts costs one statement each and no lock. Then one statement
// charges both counters, in a transaction: alone, lib/pq might send it twice. If a concurrent attempt won, it rolls
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
	rows, err := d.client.Throttle.Query().
		Where(throttle.IDIn(t.counters[0].name, t.counters[1].name)).All(ctx)
	if err != nil {
		return 0, err
	}
	counts := map[uuid.UUID]count{}
	for _, row := range rows {
		counts[row.ID] = count{row.At, row.Until}
	}
	return t.delay(func(name uuid.UUID) count { return counts[name] }), nil
}

// chargeSQL is count.next under the condition of backoff.retryAt.
const chargeSQL = `
WITH rule (id, free, longest) AS (VALUES ($2::uuid, $3::float8, $4::float8), ($5, $6, $7))
INSERT INTO throttles AS t (id, at, until)
SELECT id, $1::timestamptz, $1::timestamptz + make_interval(secs => longest) FROM rule
ON CONFLICT (id) DO UPDATE
SET at = greatest(t.at, excluded.at), until = greatest(t.until, excluded.at) + (excluded.until - excluded.at)
WHERE (
  SELECT tries < free OR t.at + make_interval(secs => longest / 2 ^ greatest(0, $8 + free - tries)) <= excluded.at
  FROM (
    SELECT free, longest, ceil(extract(epoch FROM t.until - t.at) / longest) AS tries FROM rule WHERE rule.id = t.id
  ) AS r
)`

func (d sqlStore) add(ctx context.Context, t *attempt) (taken bool, err error) {
	who, where := t.counters[0], t.counters[1]
	err = atomically(ctx, d.client, func(tx *ent.Tx) error {
		result, err := tx.ExecContext(ctx, chargeSQL, t.now,
			who.name, who.free, who.maxDelay.Seconds(), where.name, where.free, where.maxDelay.Seconds(), doublings)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); n < 2 || err != nil {
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
WITH held AS (SELECT id FROM throttles WHERE id IN ($1, $3) ORDER BY id = $3 FOR UPDATE)
UPDATE throttles AS t SET until = CASE
  WHEN t.id = $3 THEN t.until - make_interval(secs => $4)
  WHEN $5 THEN t.at
  ELSE t.until - make_interval(secs => $2)
END
FROM held WHERE t.id = held.id`

func (sqlStore) refund(ctx context.Context, tx *transaction, t *attempt, reset bool) error {
	who, where := t.counters[0], t.counters[1]
	_, err := tx.ExecContext(ctx, refundSQL, who.name, who.maxDelay.Seconds(), where.name, where.maxDelay.Seconds(),
		reset)
	return err
}

// deleteBatch is how many rows one statement deletes.
const deleteBatch = 1000

// deleteExpired skips locked rows, so that it never waits for an attempt that waits for it.
func (d sqlStore) deleteExpired(ctx context.Context, now time.Time) error {
	for {
		result, err := d.client.ExecContext(ctx, `DELETE FROM throttles WHERE id IN
			(SELECT id FROM throttles WHERE until <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)`, now, deleteBatch)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); n < deleteBatch || err != nil {
			return err
		}
	}
}
