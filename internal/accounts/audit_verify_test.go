package accounts_test

import (
	"fmt"
	"testing"
	"time"

	"entgo.io/ent/dialect/sql/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent/migrate"
	"github.com/gatehouse/gatehouse/internal/accounts"
)

// tamperer changes the database, and takes each change back.
type tamperer struct{ *fixture }

// try wants a change to be found with these words, and nothing before it and after it was taken back.
func (h tamperer) try(what, statement, words string) {
	h.t.Helper()
	h.exec(statement)
	h.wantFound(what, words)
	for _, table := range []string{"audit_events", "audit_seals"} {
		h.exec("DELETE FROM " + table)
		h.exec("INSERT INTO " + table + " SELECT * FROM copy_of_" + table)
	}
}

func (h tamperer) copy() {
	for _, table := range []string{"audit_events", "audit_seals"} {
		h.exec("CREATE TABLE copy_of_" + table + " AS SELECT * FROM " + table)
	}
}

// tryRows tries each change of a column of rows, and their deletion.
func (h tamperer) tryRows(ids ...uuid.UUID) {
	h.t.Helper()
	for _, id := range ids {
		row := fmt.Sprintf("the row %s of", id)
		for _, c := range migrate.AuditEventsTable.Columns {
			for _, value := range h.others(c) {
				if value != "NULL" || h.rows(fmt.Sprintf(`audit_events WHERE id = '%s' AND "%s" IS NOT NULL`, id, c.Name)) > 0 {
					h.try("a row's "+c.Name, fmt.Sprintf(`UPDATE audit_events SET "%s" = %s WHERE id = '%s'`, c.Name, value, id), row)
				}
			}
		}
		h.try("a row", "DELETE FROM audit_events WHERE id = '"+id.String()+"'", row+" .* was taken away")
	}
}

// others are values that a column had not, in SQL.
func (h tamperer) others(c *schema.Column) []string {
	values := map[field.Type]string{
		field.TypeUUID: "'01900000-0000-7000-8000-000000000000'", field.TypeString: "'x'", field.TypeInt: "77",
		field.TypeTime: "'2026-01-01 00:00:00+00:00'", field.TypeBytes: "x'00'",
	}
	if h.onPostgres() {
		values[field.TypeBytes] = `'\x00'`
	}
	if value, ok := values[c.Type]; ok && !c.Nullable {
		return []string{value}
	}
	return []string{values[c.Type], "NULL"}
}

// TestVerifyAuditLog_FindsEachSingleChange of each column of rows and seals, and what was taken away, added or exchanged.
func TestVerifyAuditLog_FindsEachSingleChange(t *testing.T) {
	eachDatabase(t, func(t *testing.T, f *fixture) {
		h, ids := tamperer{f}, f.sealHourly(3, 3)
		h.wantVerified("the control", 3, 9)
		h.copy()
		h.tryRows(ids[0], ids[4], ids[8])
		for seal := 1; seal <= 3; seal++ {
			for _, c := range migrate.AuditSealsTable.Columns {
				for _, value := range h.others(c) {
					h.try("a seal's "+c.Name, fmt.Sprintf(`UPDATE audit_seals SET "%s" = %s WHERE id = %d`, c.Name, value, seal), `^seal \d+ was changed`)
				}
			}
		}
		h.try("the first seal", "DELETE FROM audit_seals WHERE id = 1", "the seals before 2 were taken away")
		h.try("a seal", "DELETE FROM audit_seals WHERE id = 2", "seal 2 was taken away")
		h.try("the order of seals", "UPDATE audit_seals SET id = -id WHERE id <> 2; UPDATE audit_seals SET id = 4 + id WHERE id < 0", "seal 3 was changed")
		h.try("the ids of a seal", "UPDATE audit_seals SET members = (SELECT members FROM audit_seals WHERE id = 2) WHERE id = 1",
			"^seal 1 was changed")
		h.try("all seals", "DELETE FROM audit_seals", "no seal")
		between := accounts.AuditID(h.clock.Now().Add(-90*time.Minute), 0).String()
		insert := "INSERT INTO audit_events (id, kind, actor, omitted) VALUES ('%s', 'signed_in', 'USER', 0)"
		h.try("a row between", fmt.Sprintf(insert, between), between)
		h.wantVerified("the control, in the end", 3, 9)
		h.checkEnd(insert)
	})
}

// checkEnd says what a verification without a known seal does not find: what happens after the last seal.
func (h tamperer) checkEnd(insert string) {
	h.t.Helper()
	last := h.wantVerified("before", 3, 9).Last
	h.exec(fmt.Sprintf(insert, accounts.AuditID(h.clock.Now().Add(-time.Second), 0)))
	newer, err := h.verifyAudit(accounts.AuditCheck{Known: last})
	check(h.t, err)
	wantEqual(h.t, "a row at the end is in no seal", []int{9, 1}, []int{newer.Rows, newer.Newer})
	h.exec("DELETE FROM audit_seals WHERE id = 3")
	newer, err = h.verifyAudit(accounts.AuditCheck{})
	check(h.t, err)
	wantEqual(h.t, "without the last seal", []int{6, 4}, []int{newer.Rows, newer.Newer})
	if _, err := h.verifyAudit(accounts.AuditCheck{Known: last}); err == nil {
		h.t.Error("a last seal that is known is not missed")
	}
}
