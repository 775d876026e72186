package e2e

import (
	"database/sql"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestForeignIDs_ChangeNothing asks each mutation that takes an ID, as a second user, with every id that the first one
// has in the database. The answers are equal, and no row changes.
func TestForeignIDs_ChangeNothing(t *testing.T) {
	t.Parallel()
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: servertest.ReadFile(t, "schema.graphql")})
	servertest.Check(t, err)
	dbtest.Each(t, func(t *testing.T, url string) {
		s := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+url)
		ann := s.Register()
		s.AddAuthenticator(ann.Access)
		s.AddPasskey(ann.Access)
		db := servertest.OpenDB(t, url)
		ids := slices.Compact(slices.Sorted(slices.Values(uuids.FindAllString(rows(t, db), -1))))
		bob, asked := s.Register().Access, 0
		ask := func(token, id string) (answers []string) {
			for _, f := range schema.Mutation.Fields {
				with := argumentsWithIDs(schema, f)
				if !strings.Contains(with, servertest.NobodyID) {
					continue
				}
				asked++
				query := "mutation { " + f.Name + strings.ReplaceAll(with, servertest.NobodyID, id) + leafOf(schema, f.Type) + " }"
				before := rows(t, db)
				answer := s.Ask(token, query)
				if diff := cmp.Diff(before, rows(t, db)); token == bob && (answer.OK() || diff != "") {
					t.Errorf("%s: %v\nthe database changed: %s", query, answer, diff)
				}
				answers = append(answers, answer.Body)
			}
			return answers
		}
		missing := ask(bob, servertest.NobodyID)
		for _, id := range ids {
			testenv.Equal(t, missing, ask(bob, id), "the answers show that %s is somebody's", id)
		}
		if len(ids) < 2 || asked < 8 {
			t.Errorf("%d operations with the ids %v", asked, ids)
		}
		before := rows(t, db)
		for _, id := range ids { // the control
			ask(ann.Access, id)
		}
		if before == rows(t, db) {
			t.Error("nothing changes when the first user names what is theirs")
		}
	})
}

var uuids = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// argumentsWithIDs are made-up values of the arguments that a mutation requires, and of those that may hold an ID.
func argumentsWithIDs(schema *ast.Schema, f *ast.FieldDefinition) string {
	all, ids := ast.ArgumentDefinitionList{}, map[string]string{}
	for _, a := range f.Arguments {
		required := *a.Type
		required.NonNull = required.NonNull || holdsIDs(schema, a.Name, a.Type, ids)
		all = append(all, &ast.ArgumentDefinition{Name: a.Name, Type: &required})
	}
	return servertest.Arguments(schema, &ast.FieldDefinition{Arguments: all}, ids)
}

// holdsIDs reports whether a value may hold an ID, and adds a value for each by its name.
func holdsIDs(schema *ast.Schema, name string, typ *ast.Type, ids map[string]string) bool {
	if typ.Name() == "ID" {
		ids[name] = `"` + servertest.NobodyID + `"`
	}
	found := typ.Name() == "ID"
	for _, f := range schema.Types[typ.Name()].Fields {
		if f.Type.Name() != typ.Name() {
			found = holdsIDs(schema, f.Name, f.Type, ids) || found
		}
	}
	return found
}

// rows returns all that the database holds, but for the audit log, which has what was refused, and its seals.
func rows(t *testing.T, db *sql.DB) string {
	t.Helper()
	var all []string
	for _, table := range dbtest.Tables(t, db) {
		if strings.HasPrefix(table, "audit_") {
			continue
		}
		found, err := db.Query(`SELECT * FROM "` + table + `"`)
		servertest.Check(t, err)
		defer found.Close()
		columns, err := found.Columns()
		servertest.Check(t, err)
		for found.Next() {
			values := make([]any, len(columns))
			for i := range values {
				values[i] = new(sql.NullString)
			}
			servertest.Check(t, found.Scan(values...))
			line := table
			for i, v := range values {
				if table == "sessions" && columns[i] == "last_used_at" { // of the session that asks, once a minute
					continue
				}
				line += fmt.Sprintf(" %s=%q", columns[i], v.(*sql.NullString).String)
			}
			all = append(all, line)
		}
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}
