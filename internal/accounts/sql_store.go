package accounts

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/throttle"
)

// sqlStore counts on Postgres, for all instances together, by the clock of the service. A use case locks these rows
// last in its transaction.
//
// One network may sign in often, so its row is locked as short as can be: charges do not wait for the disk, and what a
// success refunds is written by the next charge of the network. A crash of the instance loses refunds. A crash of
// Postgres loses the charges of its last 0.6 s (three times wal_writer_delay), of which one account has no more than are
// free: each crash gives away so many guesses at most.
type sqlStore struct {
	client *ent.Client
	turns  turns
	owed   *owedRefunds
}

// charge reads first, so that a flood of refused attempts costs one statement each and no lock. Then one statement
// charges all counters, in a transaction: alone, lib/pq might send it twice. If a concurrent attempt won, it rolls
// back and retries; after three conflicts it returns a delay of 1 s. What is owed is known before the counts are read:
// a refund that is written in between counts twice in this first look, and once in the statement, which decides.
func (d sqlStore) charge(ctx context.Context, t *attempt) (refusal, error) {
	for range 3 {
		refused, err := d.read(ctx, t)
		if refused.wait > 0 || err != nil {
			return refused, err
		}
		taken, err := d.add(ctx, t)
		if taken || err != nil {
			return refusal{}, err
		}
	}
	return refusal{time.Second, t.counters[0].limit}, nil
}

func (d sqlStore) read(ctx context.Context, t *attempt) (refusal, error) {
	var names []uuid.UUID
	owed := d.owed.to(t, false)
	for _, c := range t.counters {
		names = append(names, c.name)
	}
	rows, err := d.client.Throttle.Query().Where(throttle.IDIn(names...)).All(ctx)
	if err != nil {
		return refusal{}, err
	}
	counts := map[uuid.UUID]count{}
	for _, row := range rows {
		counts[row.ID] = count{row.At, row.Until.Add(-owed[row.ID].by)}
	}
	return longestDelay(t.counters, t.now, func(name uuid.UUID) count { return counts[name] }), nil
}

// chargeSQL is count.next under the condition of backoff.retryAt, after what is owed was refunded.
const chargeSQL = `
WITH rule AS (SELECT * FROM unnest($2::uuid[], $3::float8[], $4::float8[], $5::float8[]) AS r (id, free, longest, owed)),
setting AS (SELECT set_config('synchronous_commit', 'off', true))
INSERT INTO throttles AS t (id, at, until)
SELECT id, $1::timestamptz, $1::timestamptz + make_interval(secs => longest) FROM rule, setting
ON CONFLICT (id) DO UPDATE
SET at = greatest(t.at, excluded.at), until = (excluded.until - excluded.at) +
  greatest(t.until - (SELECT make_interval(secs => owed) FROM rule WHERE rule.id = t.id), excluded.at)
WHERE (
  SELECT tries < free OR t.at + make_interval(secs => longest / 2 ^ greatest(0, $6 + free - tries)) <= excluded.at
  FROM (
    SELECT free, longest, ceil((extract(epoch FROM t.until - t.at) - owed) / longest) AS tries FROM rule WHERE rule.id = t.id
  ) AS r
)`

// array is a value of each counter as Postgres reads an array.
func array[V any](counters []counter, value func(counter) V) string {
	texts := make([]string, len(counters))
	for i, c := range counters {
		texts[i] = fmt.Sprint(value(c))
	}
	return "{" + strings.Join(texts, ",") + "}"
}

func nameOf(c counter) uuid.UUID  { return c.name }
func longestOf(c counter) float64 { return c.maxDelay.Seconds() }
func freeOf(c counter) int        { return c.free }

// add charges an attempt unless a concurrent one was charged first. A client that goes away ends it until its statement
// is done, and not its commit: whether that was done would be unknown, so that nothing could refund the attempt.
func (d sqlStore) add(client context.Context, t *attempt) (taken bool, err error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(client))
	defer cancel()
	stop := context.AfterFunc(client, cancel)
	owed, written := d.owed.to(t, true), false
	err = d.turns.atomically(ctx, d.client, t.by, func(tx *ent.Tx) error {
		written = false // by this try
		result, err := tx.ExecContext(ctx, chargeSQL, t.now, array(t.counters, nameOf), array(t.counters, freeOf),
			array(t.counters, longestOf), array(t.counters, owed.of), doublings)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); n < int64(len(t.counters)) || err != nil {
			return cmp.Or(err, errConcurrentAttempt)
		}
		if !stop() {
			return client.Err()
		}
		written = true // whether or not an error at the commit says so
		return nil
	})
	if !written {
		d.owed.add(owed)
	}
	if errors.Is(err, errConcurrentAttempt) {
		return false, nil
	}
	if err != nil {
		err = errors.Join(err, client.Err()) // of which ctx knows only that it ended
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

func (d sqlStore) refund(ctx context.Context, tx *transaction, t *attempt, reset bool) error {
	var accounts []counter
	networks := owed{}
	for _, c := range t.counters {
		if c.maxDelay == maxNetworkDelay {
			networks[c.name] = refund{c.maxDelay, t.now}
		} else {
			accounts = append(accounts, c)
		}
	}
	tx.committed = append(tx.committed, func() { d.owed.add(networks) })
	_, err := tx.ExecContext(ctx, refundSQL, array(accounts, nameOf), array(accounts, longestOf), reset)
	return err
}

// deleteExpired also refunds what is owed. It reads the table: an index would have to be written by each attempt. It
// skips locked rows, so that it never waits for an attempt that waits for it; what they are owed they stay owed.
func (d sqlStore) deleteExpired(ctx context.Context, now time.Time) (rows int, err error) {
	left := d.owed.takeAll(now)
	err = d.turns.atomically(ctx, d.client, nil, func(tx *ent.Tx) (err error) {
		skipped, err := refundUnlocked(ctx, tx, left)
		if err != nil {
			return err
		}
		rows, err = tx.Throttle.Delete().Where(unlocked(throttle.Table, entsql.LTE(throttle.FieldUntil, now))).Exec(ctx)
		if err == nil {
			left = skipped
		}
		return err
	})
	d.owed.add(left)
	return rows, err
}

// refundUnlocked refunds what is owed to counters that nobody holds, sweepRows of them with each two statements, and
// returns the rest.
func refundUnlocked(ctx context.Context, tx *ent.Tx, left owed) (skipped owed, err error) {
	skipped = maps.Clone(left)
	for names := range slices.Chunk(slices.Collect(maps.Keys(left)), sweepRows) {
		rows, err := tx.Throttle.Query().Where(throttle.IDIn(names...)).
			ForUpdate(entsql.WithLockAction(entsql.SkipLocked)).IDs(ctx)
		if err != nil {
			return nil, err
		}
		var counters []counter
		for _, name := range rows {
			counters = append(counters, counter{name: name, backoff: backoff{maxDelay: left[name].by}})
			delete(skipped, name)
		}
		if _, err := tx.ExecContext(ctx, refundSQL, array(counters, nameOf), array(counters, longestOf), false); err != nil {
			return nil, err
		}
	}
	return skipped, nil
}
