package main

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/google/uuid"
	_ "github.com/lib/pq"  // the driver "postgres"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/gatehouse/gatehouse/internal/password"
)

// userPassword is the password of every user.
const userPassword = "correct horse battery staple"

// Users are numbered from 0, the administrator. Their ids grow as those of a real database do; their addresses do not,
// so that consecutive users are far apart in an index on addresses.
const (
	firstID = 1_750_000_000_000
	scatter = 2_654_435_761 // odd, so that no two addresses are equal
)

func userID(n int) string {
	h := fmt.Sprintf("%012x", firstID+n)
	return fmt.Sprintf("%s-%s-7000-8000-%012x", h[:8], h[8:], n)
}

func userEmail(n int) string { return fmt.Sprintf("u%08x@example.com", uint32(n*scatter)) }

// userCreated is in seconds since 1970: one user a second.
func userCreated(n int) int { return firstID/1000 + n }

// cursor returns the cursor of a user in the list that another one came from. A cursor has four bytes that say which list
// it is of, and then, where that is in order of creation, the time in microseconds and the id.
func cursor(of string, n int) (string, error) {
	raw, err := base64.RawURLEncoding.DecodeString(of)
	if err != nil || len(raw) != 4+8+len(uuid.Nil) {
		return "", fmt.Errorf("the cursor %q is not as expected", of)
	}
	id := uuid.MustParse(userID(n))
	raw = binary.BigEndian.AppendUint64(raw[:4], uint64(userCreated(n))*1_000_000)
	return base64.RawURLEncoding.EncodeToString(append(raw, id[:]...)), nil
}

// engine is how users are written in bulk; both texts take the number of users and the hash of their password.
type engine struct {
	name, driver string
	before       []string
	insert       string
	after        []string
}

var engines = map[string]engine{
	"Postgres": {
		name: "Postgres", driver: "postgres",
		insert: `INSERT INTO users (id, email, email_verified, password_hash, roles, status, created_at, updated_at)
			SELECT (substr(h, 1, 8) || '-' || substr(h, 9, 4) || '-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
				'u' || lpad(to_hex((n * 2654435761) & 4294967295), 8, '0') || '@example.com', false, $2,
				CASE WHEN n = 0 THEN '["ADMIN", "USER"]'::jsonb ELSE '["USER"]'::jsonb END, 'ACTIVE',
				to_timestamp(1750000000 + n), to_timestamp(1750000000 + n)
			FROM (SELECT n, lpad(to_hex(1750000000000 + n), 12, '0') AS h FROM generate_series(0::bigint, $1::bigint - 1) AS n) AS numbered`,
		after: []string{"VACUUM (FREEZE, ANALYZE)", "CHECKPOINT"},
	},
	"SQLite": {
		name: "SQLite", driver: "sqlite",
		before: []string{"PRAGMA cache_size = -262144"}, // 256 MiB for this connection: inserts are all over the index on addresses
		insert: `WITH RECURSIVE numbered(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbered WHERE n + 1 < ?1)
			INSERT INTO users (id, email, email_verified, password_hash, roles, status, created_at, updated_at)
			SELECT substr(h, 1, 8) || '-' || substr(h, 9, 4) || '-7000-8000-' || printf('%012x', n),
				printf('u%08x@example.com', (n * 2654435761) & 4294967295), false, ?2,
				CAST(CASE WHEN n = 0 THEN '["ADMIN","USER"]' ELSE '["USER"]' END AS BLOB), 'ACTIVE',
				datetime(1750000000 + n, 'unixepoch') || '+00:00', datetime(1750000000 + n, 'unixepoch') || '+00:00'
			FROM (SELECT n, printf('%012x', 1750000000000 + n) AS h FROM numbered)`,
		after: []string{"PRAGMA wal_checkpoint(TRUNCATE)"},
	},
}

// insertUsers fills a migrated database, on one connection: a million registrations would take a day.
func insertUsers(ctx context.Context, e engine, url string, users int, hash string) error {
	pool, err := sql.Open(e.driver, sourceName(url))
	if err != nil {
		return err
	}
	defer pool.Close()
	conn, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	run := func(statement string, args ...any) {
		if err == nil {
			_, err = conn.ExecContext(ctx, statement, args...)
		}
	}
	for _, statement := range e.before {
		run(statement)
	}
	run(e.insert, users, hash)
	for _, statement := range e.after {
		run(statement)
	}
	if err != nil {
		return fmt.Errorf("writing %d users to %s: %w", users, e.name, err)
	}
	return nil
}

// hashPassword returns the hash of their password at a cost.
func hashPassword(ctx context.Context, cost password.Cost) (string, error) {
	hasher, err := password.New(password.Config{Cost: cost})
	if err != nil {
		return "", err
	}
	return hasher.Hash(ctx, userPassword)
}

// sourceName is the driver's name of the database of a URL.
func sourceName(url string) string {
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		return "file:" + path
	}
	return url
}
