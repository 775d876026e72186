package accounts_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/ent/migrate"
)

// What a column says of a user: a value that tells who it is, which the erasure leaves nowhere; something that goes with
// its row; or nothing.
const (
	telling = "telling"
	withRow = "with its row"
)

// columns says it of every column. What begins otherwise is the reason why it says nothing of a user.
var columns = map[string]map[string]string{
	"users": {
		"id": telling, "email": telling, "pending_email": telling, "name": telling, "password_hash": telling,
		"email_verified": withRow, "locale": withRow, "credential_generation": withRow, "email_proved_generation": withRow, "factor_generation": withRow,
		"passkey_handle": withRow,
		"roles":          withRow, "status": withRow, "erase_at": withRow, "restorable": withRow, "created_at": withRow, "updated_at": withRow,
	},
	"addresses": {"address": telling, "user_id": telling},
	"sessions": {
		"id": telling, "user_id": telling, "refresh_digest": telling, "user_agent": telling, "ip": telling,
		"refresh_generation": withRow, "authenticated_at": withRow, "amr": withRow, "created_at": withRow, "last_used_at": withRow,
		"idle_expires_at": withRow, "expires_at": withRow, "ended_at": withRow,
	},
	"access_tokens": {
		"id": telling, "user_id": telling, "session_id": telling, "digest": telling, "name": telling,
		"scopes": withRow, "created_at": withRow, "expires_at": withRow, "last_used_at": withRow, "revoked_at": withRow,
	},
	"one_time_tokens": {
		"user_id": telling, "digest": telling, "address": telling, "session_id": telling,
		"id": withRow, "purpose": withRow, "attempts": withRow, "created_at": withRow, "expires_at": withRow, "used_at": withRow,
		"roles": withRow, "locale": withRow, "amr": withRow, "credential_generation": withRow,
	},
	"totp_factors": {
		"user_id": telling, "sealed": telling, "session_id": telling,
		"id": withRow, "confirmed": withRow, "last_step": withRow, "last_used_at": withRow, "created_at": withRow,
	},
	"passkeys": {
		"user_id": telling,
		"id":      withRow, "credential_id": withRow, "public_key": withRow, "sign_count": withRow, "transports": withRow,
		"aaguid": withRow, "backup_eligible": withRow, "backed_up": withRow, "name": withRow, "credential_generation": withRow,
		"last_used_at": withRow, "created_at": withRow,
	},
	"recovery_codes": {
		"user_id": telling, "digest": telling,
		"id": withRow, "set_id": withRow, "used_at": withRow, "created_at": withRow,
	},
	"jobs": {
		"args": telling, "last_error": telling,
		"id": withRow, "kind": withRow, "due_at": withRow, "attempt": withRow, "leased_by": withRow, "failed_at": withRow,
		"created_at": withRow,
	},
	"revocations": {
		"user_id": telling, "session_id": telling,
		"id": withRow, "roles": withRow, "at": withRow, "until": withRow,
	},
	"erasures": {"id": telling, "addresses": telling, "created_at": withRow},
	"audit_events": {
		"user_id": telling, "session_id": telling, "actor_id": telling, "actor_session_id": telling, "ip": telling,
		"user_agent": telling, "request_id": telling, "before": telling, "after": telling,
		"id": "when something happened", "kind": "what it was", "actor": "a capacity", "omitted": "a number",
		"operator": "whose account of the operating system it was", "detail": "a limit, names of the schema, or the id of an invitation",
		"user_salt": "random", "actor_salt": "random",
		"user_erased": "tells nothing without the salt", "actor_erased": "tells nothing without the salt",
	},
	"audit_seals": {
		"id": "a number", "since": "a time of the log", "until": "a time of the log", "kept": "a time of the log",
		"members": "ids of rows", "form": "a constant", "hashes": "of rows", "root": "of rows", "previous": "of a seal",
		"key": "the program's", "signature": "of a seal",
	},
	"throttles": {"id": "a keyed digest, which tells nobody's address", "at": "a time", "until": "a time"},
	"settings":  {"id": "a constant", "value": "the program's"},
	"signing_keys": {
		"id": "the program's", "sequence": "a number", "sealed": "the program's", "created_at": "a time of the key",
		"signs_at": "a time of the key", "ends_at": "a time of the key",
	},
}

// TestColumns_EachIsSaidToBeOfAUserOrNot, so that the export and the erasure are thought of.
func TestColumns_EachIsSaidToBeOfAUserOrNot(t *testing.T) {
	known := map[string]bool{}
	for _, table := range migrate.Tables {
		for _, c := range table.Columns {
			known[table.Name+"."+c.Name] = true
			if columns[table.Name][c.Name] == "" {
				t.Errorf("%s.%s: say in columns what it tells of a user; the export and the erasure have to know", table.Name, c.Name)
			}
		}
	}
	for table, all := range columns {
		for c := range all {
			if !known[table+"."+c] {
				t.Errorf("there is no %s.%s", table, c)
			}
		}
	}
}

// dumped is a database: of each table its rows, of each row its values as text.
type dumped map[string][]map[string]string

// dump reads all tables but the log of changes, whose rows are deleted after minutes.
func (h *fixture) dump() dumped {
	h.t.Helper()
	all := dumped{}
	for _, table := range migrate.Tables {
		rows := must(h.raw.Query("SELECT * FROM " + table.Name))
		names := must(rows.Columns())
		for rows.Next() {
			values, pointers := make([]any, len(names)), make([]any, len(names))
			for i := range values {
				pointers[i] = &values[i]
			}
			check(h.t, rows.Scan(pointers...))
			row := map[string]string{}
			for i, name := range names {
				if values[i] != nil {
					row[name] = cellText(values[i])
				}
			}
			all[table.Name] = append(all[table.Name], row)
		}
		check(h.t, rows.Err())
		check(h.t, rows.Close())
	}
	return all
}

// has reports in which columns a text is part of a value.
func (d dumped) has(text string) (places []string) {
	for table, rows := range d {
		for _, row := range rows {
			for c, value := range row {
				if strings.Contains(value, text) && !slices.Contains(places, table+"."+c) {
					places = append(places, table+"."+c)
				}
			}
		}
	}
	slices.Sort(places)
	return places
}

// told are the values of telling columns that a database has not had before, by table and column.
func (d dumped) told(before dumped) map[string][]string {
	found := map[string][]string{}
	for table, rows := range d {
		for _, row := range rows {
			for c, value := range row {
				if columns[table][c] == telling && len(value) > 5 && len(before.has(value)) == 0 &&
					!slices.Contains(found[table+"."+c], value) {
					found[table+"."+c] = append(found[table+"."+c], value)
				}
			}
		}
	}
	return found
}
