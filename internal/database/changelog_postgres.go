package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
)

// errStandby means that a standby answered: it is behind, and does not say which transactions are under way; or a server
// that takes no writes, as a former primary that was fenced: others may write to another one.
var errStandby = errors.New("this server is a standby or read-only; let the URL lead to the primary")

func (s server) logPool() *sql.DB {
	config := s.config.Clone()
	config.ApplicationName += " log"
	return lonePool(sql.OpenDB(connector{config, s.servers}))
}

// readChangesSQL returns what the snapshot before did not show and this one does: rows of transactions that had not begun
// or had not ended. A transaction that takes an hour is one number in a list; it delays nothing and repeats nothing.
// After its start, with another table of that name, or with another mark, a server is another database. A crash empties
// the table, which is unlogged, and so does the promotion of a standby: the mark is gone then. ORDER BY makes the planner
// take the index before the table was analyzed. A number that this server has not given yet is of the cluster that a dump
// was made of.
const readChangesSQL = `
SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean,
    concat_ws(' ', extract(epoch FROM pg_postmaster_start_time()), 'changes'::regclass::oid, marks.all),
    marks.all IS NULL, pg_current_snapshot()::text, c.tx, c.user_id, c.revocation_id
FROM (SELECT string_agg(user_id::text, ' ' ORDER BY user_id) AS all FROM changes WHERE tx = ` + markNumber + `) AS marks
LEFT JOIN (
  (SELECT tx, user_id, revocation_id FROM changes WHERE tx >= $1 AND tx < pg_snapshot_xmax(pg_current_snapshot())::text::bigint
    ORDER BY tx LIMIT $3)
  UNION ALL
  (SELECT tx, user_id, revocation_id FROM changes WHERE tx = ANY($2::bigint[]) LIMIT $3)
) AS c ON true`

// writeMarkSQL writes the row that a crash takes away.
const writeMarkSQL = `INSERT INTO changes (tx, user_id) SELECT ` + markNumber + `, gen_random_uuid()
  WHERE NOT EXISTS (SELECT FROM changes WHERE tx = ` + markNumber + `)`

// markNumber is no transaction's.
const markNumber = "9223372036854775807"

func (s server) readChanges(ctx context.Context, conn *sql.Conn, after position) (b batch, err error) {
	next := after.next
	if after.database == "" {
		next = math.MaxInt64
	}
	rows, err := conn.QueryContext(ctx, readChangesSQL, next, arrayOf(after.open), maxChanges+1)
	if pq.As(err, pqerror.FeatureNotSupported) != nil { // a standby has no unlogged tables
		s.servers.startEra()
		return b, errStandby
	}
	if err != nil {
		return b, err
	}
	var standby, unmarked bool
	var snapshot string
	var tx sql.NullInt64
	b.changes, err = scanChanges(rows, []any{&standby, &b.now.database, &unmarked, &snapshot, &tx},
		func() bool { return tx.Valid })
	switch {
	case err != nil:
		return b, err
	case standby:
		s.servers.startEra()
		return b, errStandby
	case unmarked:
		if _, err := conn.ExecContext(ctx, writeMarkSQL); err != nil {
			return b, err
		}
		return s.readChanges(ctx, conn, position{})
	}
	err = b.now.parseSnapshot(snapshot)
	b.broken = b.now.database != after.database || b.now.next < after.next
	return b, err
}

// parseSnapshot reads a pg_snapshot: XMIN:XMAX:XIP,XIP,…
func (p *position) parseSnapshot(text string) (err error) {
	parts := strings.Split(text, ":")
	if len(parts) != 3 {
		return fmt.Errorf("reading the snapshot %q", text)
	}
	if p.oldest, err = strconv.ParseInt(parts[0], 10, 64); err != nil {
		return err
	}
	if p.next, err = strconv.ParseInt(parts[1], 10, 64); err != nil || parts[2] == "" {
		return err
	}
	for number := range strings.SplitSeq(parts[2], ",") {
		tx, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return err
		}
		p.open = append(p.open, tx)
	}
	return nil
}

// arrayOf returns an array as Postgres reads it.
func arrayOf(numbers []int64) string {
	texts := make([]string, len(numbers))
	for i, n := range numbers {
		texts[i] = strconv.FormatInt(n, 10)
	}
	return "{" + strings.Join(texts, ",") + "}"
}

func (s server) sweepChanges() string {
	return `DELETE FROM changes WHERE ctid = ANY(ARRAY(
		SELECT ctid FROM changes WHERE tx < $1 ORDER BY tx LIMIT $2 FOR UPDATE SKIP LOCKED))`
}
