package e2e

import (
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
)

// refusedBefore are mutations that are refused before the session is looked at again, since the account has no such
// thing, or a browser made no such response; nothing is written.
var refusedBefore = map[string]string{
	"addPasskey": "BAD_USER_INPUT", "removeFactor": "NOT_FOUND", "renameFactor": "NOT_FOUND", "revokeAccessToken": "NOT_FOUND",
}

// TestOtherProgram_EndsASessionForEveryRootField changes the row of a session that is cached, past the server. A
// mutation never trusts the cache: it is refused immediately. A query is refused as soon as the log was read.
func TestOtherProgram_EndsASessionForEveryRootField(t *testing.T) {
	t.Parallel()
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: servertest.ReadFile(t, "schema.graphql")})
	servertest.Check(t, err)
	dbtest.Each(t, func(t *testing.T, databaseURL string) {
		s := newPersonas(t, databaseURL)
		db := servertest.OpenDB(t, databaseURL)
		for _, root := range []*ast.Definition{schema.Query, schema.Mutation} {
			for _, f := range root.Fields {
				if f.Directives.ForName("auth") == nil {
					continue
				}
				s.Admin()
				var other string // another session, which goes on
				servertest.Check(t, db.QueryRow("SELECT id FROM sessions ORDER BY id DESC LIMIT 1").Scan(&other))
				token := s.Admin()
				for range 2 { // read, and cached
					s.Must(token, "{ me { id } }")
				}
				arguments := servertest.Arguments(schema, f, map[string]string{"id": servertest.JSON(other),
					"email":           servertest.JSON(servertest.NewAddress()),
					"password":        servertest.JSON(servertest.AdminPassword),
					"currentPassword": servertest.JSON(servertest.AdminPassword), "newPassword": `"quite another password"`,
					"scopes": `["account:read"]`})
				query := strings.ToLower(root.Name) + " { " + f.Name + arguments + leafOf(schema, f.Type) + " }"
				if root == schema.Query && s.Code(token, query) == "UNAUTHENTICATED" {
					t.Errorf("%s: refused before the session ended", query)
				}
				servertest.Exec(t, db, "UPDATE sessions SET ended_at = created_at WHERE id <> '"+other+"'")
				if root == schema.Mutation {
					code := s.Code(token, query)
					if code != "UNAUTHENTICATED" && code != refusedBefore[f.Name] {
						t.Errorf("%s: %q with the first request, want UNAUTHENTICATED", query, code)
					}
				}
				servertest.Eventually(t, query+" is refused", servertest.HangGuard, func() bool {
					return s.Code(token, query) == "UNAUTHENTICATED"
				})
			}
		}
	})
}
