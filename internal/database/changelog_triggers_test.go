package database_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"entgo.io/ent/dialect/sql/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent/migrate"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

var triggerOn = regexp.MustCompile(`AFTER (INSERT|UPDATE|DELETE)[^;]*? ON [\W]*(\w+)`)

// triggers returns the kinds of statements that the database's catalogue has triggers of the log for, by table. TRUNCATE
// is not among them: it does not say whether there were rows.
func (l *logged) triggers() map[string][]string {
	query := "SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND name LIKE 'gatehouse_log%'"
	if l.Shared() {
		query = `SELECT DISTINCT 'AFTER ' || event_manipulation || ' ON ' || event_object_table FROM information_schema.triggers
			WHERE trigger_schema = current_schema() AND trigger_name LIKE 'gatehouse_log%'`
	}
	rows := must(l.SQL().Query(query))
	defer rows.Close()
	tables := map[string][]string{}
	for rows.Next() {
		var text string
		check(l.t, rows.Scan(&text))
		m := triggerOn.FindStringSubmatch(text)
		tables[m[2]] = append(tables[m[2]], m[1])
	}
	check(l.t, rows.Err())
	return tables
}

// literal returns the nth value of a column: later ones of a time are earlier, as what ends a session is.
func (l *logged) literal(table *schema.Table, c *schema.Column, n int) string {
	refers := slices.ContainsFunc(table.ForeignKeys, func(k *schema.ForeignKey) bool { return k.Columns[0] == c })
	switch {
	case refers:
		return "'" + l.user.ID.String() + "'"
	case c.Type == field.TypeUUID:
		return fmt.Sprintf("'0190a0b0-0000-7000-8000-%012d'", n)
	case c.Type == field.TypeTime:
		return fmt.Sprintf("'%d-01-01 00:00:00+00:00'", 2099-n)
	case c.Type == field.TypeJSON:
		return fmt.Sprintf(`'["R%d"]'`, n)
	case c.Type == field.TypeInt:
		return fmt.Sprint(n)
	case c.Type == field.TypeBool:
		return fmt.Sprint(n%2 == 1)
	}
	return fmt.Sprintf("'s%d'", n)
}

func (l *logged) insert(table *schema.Table, n int) string {
	var names, values []string
	for _, c := range table.Columns {
		value := "NULL"
		if !c.Nullable {
			value = l.literal(table, c, n)
		}
		names, values = append(names, `"`+c.Name+`"`), append(values, value)
	}
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", table.Name, strings.Join(names, ", "), strings.Join(values, ", "))
}

// statements returns those of a kind that change no row, and those of which one or more change the nth row.
func (l *logged) statements(table *schema.Table, kind string, n int) (idle, busy []string) {
	name, id := table.Name, l.literal(table, table.Columns[0], n)
	switch kind {
	case "INSERT":
		return []string{fmt.Sprintf("INSERT INTO %[1]s SELECT * FROM %[1]s WHERE false", name),
			fmt.Sprintf("INSERT INTO %[1]s SELECT * FROM %[1]s WHERE true ON CONFLICT DO NOTHING", name)}, []string{l.insert(table, 9)}
	case "DELETE":
		return []string{"DELETE FROM " + name + " WHERE false"}, []string{fmt.Sprintf("DELETE FROM %s WHERE id = %s", name, id)}
	}
	for _, c := range slices.Backward(table.Columns) { // the id last
		other := fmt.Sprintf(`UPDATE %s SET "%s" = %s WHERE `, name, c.Name, l.literal(table, c, 8))
		idle = append(idle, fmt.Sprintf(`UPDATE %s SET "%[2]s" = "%[2]s"`, name, c.Name), other+"false")
		busy = append(busy, other+"id = "+id)
	}
	return idle, busy
}

// wantOnlyChanges runs statements of a kind that has a trigger.
func (l *logged) wantOnlyChanges(table *schema.Table, kind string, n int) {
	l.t.Helper()
	l.exec(l.insert(table, n))
	l.read()
	idle, busy := l.statements(table, kind, n)
	for _, statement := range idle {
		l.exec(statement)
		l.wantRead(statement, 0, uuid.Nil)
	}
	known := 0
	for _, statement := range busy {
		l.exec(statement)
		changes, _ := l.read()
		known += len(changes)
	}
	if known == 0 {
		l.t.Errorf("nothing in the log of %q", busy)
	}
}

// TestChangeLog_StatementThatChangesNothingIsNotInIt of every table and kind of statement that has a trigger: what
// concerns all empties every cache.
func TestChangeLog_StatementThatChangesNothingIsNotInIt(t *testing.T) {
	eachLogged(t, func(t *testing.T, l *logged) {
		triggers := l.triggers()
		for _, table := range migrate.Tables {
			for i, kind := range []string{"UPDATE", "INSERT", "DELETE"} {
				if slices.Contains(triggers[table.Name], kind) {
					l.wantOnlyChanges(table, kind, i+1)
				}
			}
			delete(triggers, table.Name)
		}
		testenv.Equal(t, 0, len(triggers), "tables with triggers that are not in the schema: %v", triggers)
	})
}
