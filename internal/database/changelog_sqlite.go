package database

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
)

func (f *file) logPool() *sql.DB { return lonePool(sql.OpenDB(sqliteConnector{f, f.dsn()})) }

// readChanges reads the last row again, whose number tx is random: where it is another one, or none, the file holds
// another database. A file has one writer at a time, so that the order of ids is that of the commits.
func (f *file) readChanges(ctx context.Context, conn *sql.Conn, after position) (b batch, err error) {
	const from, newest = "WHERE id >= $1 ORDER BY id LIMIT $2", "ORDER BY id DESC LIMIT 1"
	query, args := "SELECT id, tx, user_id, revocation_id FROM changes "+newest, []any(nil)
	if after.database != "" {
		query, args = "SELECT id, tx, user_id, revocation_id FROM changes "+from, []any{after.next, maxChanges + 2}
	}
	rows, err := conn.QueryContext(ctx, query, args...)
	if err != nil {
		return b, err
	}
	var id, tx int64
	first, last := position{}, position{}
	b.changes, err = scanChanges(rows, []any{&id, &tx}, func() bool {
		last = position{database: strconv.FormatInt(tx, 10), next: id, oldest: id}
		if first.database == "" {
			first = last
			return false
		}
		return true
	})
	if err != nil {
		return b, err
	}
	if last.database == "" {
		return b, errors.New("the table changes is empty, and its newest row must stay; the next change mends it")
	}
	b.now = last
	b.broken = first.database != after.database || first.next != after.next
	return b, nil
}

func (f *file) sweepChanges() string {
	return `DELETE FROM changes WHERE id IN (SELECT id FROM changes WHERE id < $1 LIMIT $2)`
}
