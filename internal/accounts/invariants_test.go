package accounts_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// violations says what is wrong with a database, whatever happened to it before.
func (h *fixture) violations(ctx context.Context) []string {
	users, err := h.db.Client.User.Query().All(ctx)
	if err != nil {
		return []string{err.Error()}
	}
	sessions, err := h.db.Client.Session.Query().All(ctx)
	if err != nil {
		return []string{err.Error()}
	}
	addresses, err := h.db.Client.Address.Query().All(ctx)
	if err != nil {
		return []string{err.Error()}
	}
	tokens, err := h.db.Client.OneTimeToken.Query().All(ctx)
	if err != nil {
		return []string{err.Error()}
	}
	broken := append(checkUsers(users), checkSessions(users, sessions, h.clock.Now())...)
	broken = append(broken, checkAddresses(users, addresses, tokens, h.clock.Now())...)
	broken = append(broken, h.checkSecrets(ctx)...)
	broken = append(broken, h.checkRecorded(ctx)...)
	return append(broken, h.checkRevoked(ctx, users, sessions)...)
}

func checkUsers(users []*ent.User) (broken []string) {
	seen := map[string]bool{}
	for _, u := range users {
		if folded, err := accounts.LookupAddress(u.Email); err != nil || folded != u.Email {
			broken = append(broken, fmt.Sprintf("the address %q is not folded: %q, %v", u.Email, folded, err))
		}
		if seen[u.Email] {
			broken = append(broken, fmt.Sprintf("two accounts of %q", u.Email))
		}
		seen[u.Email] = true
		if !slices.IsSorted(u.Roles) || len(slices.Compact(slices.Clone(u.Roles))) != len(u.Roles) {
			broken = append(broken, fmt.Sprintf("the roles %q are not sorted, each once", u.Roles))
		}
		if !strings.HasPrefix(u.PasswordHash, "$argon2id$v=19$") {
			broken = append(broken, fmt.Sprintf("the password of %q is not hashed", u.Email))
		}
		if u.UpdatedAt.Before(u.CreatedAt) {
			broken = append(broken, fmt.Sprintf("%q was updated before it was created", u.Email))
		}
	}
	return broken
}

func checkSessions(users []*ent.User, sessions []*ent.Session, now time.Time) (broken []string) {
	digests := map[string]bool{}
	for _, s := range sessions {
		if !slices.ContainsFunc(users, func(u *ent.User) bool { return u.ID == s.UserID }) {
			broken = append(broken, fmt.Sprintf("the session %s has no user", s.ID))
		}
		if len(s.RefreshDigest) != 32 {
			broken = append(broken, fmt.Sprintf("the refresh digest of %s has %d bytes", s.ID, len(s.RefreshDigest)))
		}
		if digests[string(s.RefreshDigest)] {
			broken = append(broken, fmt.Sprintf("the refresh digest of %s is another session's too", s.ID))
		}
		digests[string(s.RefreshDigest)] = true
		if s.AuthenticatedAt.Before(s.CreatedAt) || s.LastUsedAt.Before(s.CreatedAt) || s.ExpiresAt.After(s.CreatedAt.Add(sessionTTL)) {
			broken = append(broken, fmt.Sprintf("the times of session %s are out of order", s.ID))
		}
	}
	return broken
}

// checkSecrets dumps every column of every table as bytes and looks for everything that was ever secret.
func (h *fixture) checkSecrets(ctx context.Context) (broken []string) {
	dump, err := dumpAll(ctx, h.raw)
	if err != nil {
		return []string{err.Error()}
	}
	dump["the log"] = [][]byte{[]byte(h.log.String())}
	for _, secret := range h.secrets {
		for form, canary := range formsOf(secret) {
			for place, values := range dump {
				if slices.ContainsFunc(values, func(v []byte) bool { return holds(v, canary) }) {
					broken = append(broken, fmt.Sprintf("%s holds a secret, %s: %q", place, form, secret))
				}
			}
		}
	}
	return broken
}

// holds reports whether a value has a secret in it. The eight digits of a code are looked for outside of longer numbers and
// ids, which have them by chance.
func holds(value, secret []byte) bool {
	isOfNumber := func(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || c == '-' }
	for {
		at := bytes.Index(value, secret)
		if at < 0 {
			return false
		}
		end := at + len(secret)
		if len(secret) > 8 || (at == 0 || !isOfNumber(value[at-1])) && (end == len(value) || !isOfNumber(value[end])) {
			return true
		}
		value = value[end:]
	}
}

// formsOf lists how a secret could be kept: a token's bytes would be as useful as its text.
func formsOf(secret string) map[string][]byte {
	forms := map[string][]byte{"as text": []byte(secret),
		"in base64": []byte(base64.StdEncoding.EncodeToString([]byte(secret)))}
	raw, err := base64.RawURLEncoding.DecodeString(secret)
	if first, ok := map[int]int{84: 36, 64: 32}[len(raw)]; ok && err == nil { // the 256 bits of a refresh or one-time token
		forms["as bytes"] = raw[first : first+32]
		forms["as hex"] = []byte(hex.EncodeToString(raw[first : first+32]))
	}
	if encoded, ok := strings.CutPrefix(secret, token.PersonalPrefix); ok {
		raw, _ := base64.RawURLEncoding.DecodeString(encoded)
		forms["without its prefix"], forms["as bytes"] = []byte(encoded), raw[:32]
	}
	return forms
}

// dumpAll returns the values of every column, as "table.column".
func dumpAll(ctx context.Context, db *sql.DB) (map[string][][]byte, error) {
	tables, err := column(ctx, db, "SELECT name FROM sqlite_schema WHERE type = 'table'")
	if err != nil {
		tables, err = column(ctx, db, "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
	}
	if err != nil {
		return nil, err
	}
	dump := map[string][][]byte{}
	for _, table := range tables {
		if err := dumpTable(ctx, db, table, dump); err != nil {
			return nil, err
		}
	}
	return dump, nil
}

func dumpTable(ctx context.Context, db *sql.DB, table string, dump map[string][][]byte) error {
	rows, err := db.QueryContext(ctx, `SELECT * FROM "`+table+`"`)
	if err != nil {
		return err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	for rows.Next() {
		values, into := make([]sql.RawBytes, len(names)), make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for i, name := range names {
			dump[table+"."+name] = append(dump[table+"."+name], bytes.Clone(values[i]))
		}
	}
	return rows.Err()
}

func column(ctx context.Context, db *sql.DB, query string) (values []string, err error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var v string
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, rows.Err()
}

// checkRevoked holds every payload that was ever given against the rows: what has ended is refused at both doors.
func (h *fixture) checkRevoked(ctx context.Context, users []*ent.User, sessions []*ent.Session) (broken []string) {
	now := h.clock.Now()
	for _, p := range h.payloads {
		id := p.Viewer.SessionID
		v, err := h.Viewer(ctx, token.Claims{UserID: p.User.ID, SessionID: id}, viewer.Origin{})
		if err != nil {
			return append(broken, err.Error())
		}
		live := slices.ContainsFunc(sessions, func(s *ent.Session) bool {
			return s.ID == id && s.EndedAt == nil && now.Before(s.IdleExpiresAt) && now.Before(s.ExpiresAt)
		}) && slices.ContainsFunc(users, func(u *ent.User) bool { return u.ID == p.User.ID && u.Status == "ACTIVE" })
		if v.SignedIn() != live {
			broken = append(broken, fmt.Sprintf("the session %s lives: %v, and its access token signs in: %v", id,
				live, v.SignedIn()))
		}
		if live {
			continue
		}
		if _, err := h.Refresh(ctx, anonymous, accounts.RefreshInput{RefreshToken: p.RefreshToken}); !problem.Is(err, problem.InvalidToken) {
			broken = append(broken, fmt.Sprintf("the session %s does not live, and its refresh token gives %v", id,
				err))
		}
	}
	return broken
}

// TestInvariants_EachDetectsItsViolation violates each invariant on purpose: one that cannot be seen to break checks
// nothing.
func TestInvariants_EachDetectsItsViolation(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		h.must(h.login(ada, goodPassword))
		user, ctx := p.User.ID, t.Context()
		newest := must(h.refresh.Parse(*p.RefreshToken))
		row := h.db.Client.User.GetX(ctx, user)
		cases := []struct {
			invariant   string
			spoil, mend func()
		}{
			{"is not folded", func() { h.exec("UPDATE users SET email = 'Ada@example.com'") }, func() { h.exec("UPDATE users SET email = '" + ada + "'") }},
			{"and it belongs to", func() { h.exec("DELETE FROM addresses") }, func() { h.exec("INSERT INTO addresses SELECT email, id FROM users") }},
			{"who has another or is gone", func() { h.exec("INSERT INTO addresses SELECT 'eve@example.com', id FROM users") },
				func() { h.exec("DELETE FROM addresses WHERE address = 'eve@example.com'") }},
			{"not sorted", func() { h.exec(`UPDATE users SET roles = '["USER","ADMIN"]'`) }, func() { h.exec(`UPDATE users SET roles = '["USER"]'`) }},
			{"not sorted", func() { h.exec(`UPDATE users SET roles = '["USER","USER"]'`) }, func() { h.exec(`UPDATE users SET roles = '["USER"]'`) }},
			{"is not hashed", func() { h.exec("UPDATE users SET password_hash = 'md5'") }, func() { h.exec("UPDATE users SET password_hash = '" + row.PasswordHash + "'") }},
			{"users.name holds a secret", func() { h.exec("UPDATE users SET name = 'x" + goodPassword + "x'") }, func() { h.exec("UPDATE users SET name = NULL") }},
			{"users.name holds a secret", func() { h.exec("UPDATE users SET name = '" + *p.RefreshToken + "'") }, func() { h.exec("UPDATE users SET name = NULL") }},
			{"users.name holds a secret", func() { h.exec("UPDATE users SET name = '" + p.AccessToken + "'") }, func() { h.exec("UPDATE users SET name = NULL") }},
			{"sessions.refresh_digest holds a secret, as bytes",
				func() { setDigest(h, p, formsOf(*p.RefreshToken)["as bytes"]) }, func() { setDigest(h, p, newest.Digest()) }},
			{"has 31 bytes", func() { setDigest(h, p, make([]byte, 31)) }, func() { setDigest(h, p, newest.Digest()) }},
			{"was published 2 times, and recorded 1 times", func() {
				h.exec("UPDATE audit_events SET kind = 'x' WHERE kind = 'signed_in' AND id = (SELECT id FROM audit_events WHERE kind = 'signed_in' LIMIT 1)")
			},
				func() { h.exec("UPDATE audit_events SET kind = 'signed_in' WHERE kind = 'x'") }},
			{"times of session", func() { h.exec("UPDATE sessions SET expires_at = '2031-01-01 00:00:00+00:00'") },
				func() { h.exec("UPDATE sessions SET expires_at = '2026-09-29 12:00:00+00:00'") }},
		}
		for _, c := range cases {
			c.spoil()
			if broken := h.violations(ctx); !slices.ContainsFunc(broken, func(b string) bool { return strings.Contains(b, c.invariant) }) {
				t.Errorf("%s: not seen, only %q", c.invariant, broken)
			}
			c.mend()
			if broken := h.violations(ctx); len(broken) > 0 {
				t.Fatalf("after %s was mended: %q", c.invariant, broken)
			}
		}
	})
}

func setDigest(h *fixture, p *accounts.AuthPayload, digest []byte) {
	h.t.Helper()
	check(h.t, h.db.Client.Session.UpdateOneID(p.Viewer.SessionID).SetRefreshDigest(digest).Exec(h.t.Context()))
}

func (h *fixture) exec(statement string) {
	h.t.Helper()
	if _, err := h.raw.ExecContext(h.t.Context(), statement); err != nil {
		h.t.Fatalf("%s: %v", statement, err)
	}
}

// openRaw opens the same database without what package database adds to a connection but its way to write time.
func openRaw(t *testing.T, url string) *sql.DB {
	t.Helper()
	db := dbtest.OpenRaw(t, url)
	db.SetMaxOpenConns(16)
	return db
}
