package abuse

import (
	"database/sql"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/graph"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/querylimit"
	"github.com/gatehouse/gatehouse/internal/servertest"
)

// TestExecutionSlot_NoFieldHoldsItWhileItWaits asks for each root field, with as large an answer as its type allows,
// while the rows and the hashes that it needs are not to be had. An administrator's page is answered meanwhile.
func TestExecutionSlot_NoFieldHoldsItWhileItWaits(t *testing.T) {
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: graph.SDL()})
	url := dbtest.Postgres(t)
	s := servertest.StartChild(t, servertest.Secret, servertest.Issuer, "GATEHOUSE_DATABASE_URL="+url,
		"GOMAXPROCS=1") // so that one process makes all hashes
	db := servertest.OpenDB(t, url)
	reader, blocked := s.CreateAdmin(), s.Register()
	servertest.Exec(t, db, `UPDATE users SET roles = '["ADMIN"]' WHERE id = '`+blocked.ID+`'`)
	blocked = s.Login(blocked.Email, servertest.Password)
	s.Must(blocked.Access, servertest.Me) // its use is recorded while that is possible
	values := map[string]string{
		"id": servertest.JSON(blocked.ID), "userId": servertest.JSON(blocked.ID), "email": servertest.JSON(blocked.Email),
		"refreshToken": servertest.JSON(blocked.Refresh), "password": `"not the password"`, "newPassword": `"another horse battery"`,
	}
	session := map[string]string{"id": servertest.JSON(s.Must(blocked.Access, "{ me { sessions { id } } }").Field("id"))}
	page := "{" + repeat(2, "a%d: users(first: 100) { edges { node { id email name roles status createdAt } } }") + "}"
	if !isLarge(t, schema, page) {
		t.Fatal("the page needs no slot")
	}
	release := block(t, s, db, blocked)
	defer release()
	var waiting sync.WaitGroup
	large := 0
	for _, root := range []*ast.Definition{schema.Query, schema.Mutation} {
		for _, f := range root.Fields {
			if strings.HasPrefix(f.Name, "__") {
				continue
			}
			values := values
			if f.Name == "revokeSession" { // of another, it is refused before it waits
				values = session
			}
			query := strings.ToLower(root.Name) + "{" + f.Name + servertest.Arguments(schema, f, values) +
				everything(schema, f.Type) + "}"
			if root == schema.Mutation && isLarge(t, schema, query) {
				large++
			}
			waiting.Go(func() {
				if a := s.Ask(blocked.Access, query); root == schema.Mutation && a.Took < blockedFor/2 {
					t.Errorf("%s did not wait: %v", f.Name, a)
				}
			})
		}
	}
	if large < 2 {
		t.Errorf("%d mutations have large answers", large)
	}
	time.Sleep(blockedFor / 2)
	if a := s.Ask(reader, page); !a.OK() || a.Took > time.Second {
		t.Errorf("an administrator's page, meanwhile: %v", a)
	}
	time.Sleep(blockedFor / 2)
	release()
	waiting.Wait()
}

const blockedFor = 2 * time.Second

// block makes everything wait that needs the rows of an account, or a hash.
func block(t *testing.T, s *servertest.Process, db *sql.DB, a servertest.Account) (release func()) {
	t.Helper()
	rows, err := db.BeginTx(t.Context(), nil)
	servertest.Check(t, err)
	_, err = rows.Exec("SELECT 1 FROM users JOIN sessions ON users.id = user_id WHERE user_id = $1 FOR UPDATE", a.ID)
	servertest.Check(t, err)
	worker := s.HashWorker()
	syscall.Kill(worker, syscall.SIGSTOP)
	return sync.OnceFunc(func() {
		syscall.Kill(worker, syscall.SIGCONT)
		rows.Rollback()
	})
}

// everything selects all that is below a type, each list of objects twice.
func everything(schema *ast.Schema, typ *ast.Type) string {
	def, all := schema.Types[typ.Name()], ""
	if def.IsLeafType() {
		return ""
	}
	for _, f := range def.Fields {
		if all += f.Name + everything(schema, f.Type) + " "; f.Type.Elem != nil && !schema.Types[f.Type.Name()].IsLeafType() {
			all += "again: " + f.Name + everything(schema, f.Type) + " "
		}
	}
	return "{" + all + "}"
}

func isLarge(t *testing.T, schema *ast.Schema, query string) bool {
	t.Helper()
	doc, errs := gqlparser.LoadQueryWithRules(schema, query, nil)
	if len(errs) > 0 {
		t.Fatalf("%s: %v", query, errs)
	}
	return querylimit.AnswerFields(doc.Operations[0], querylimit.DefaultLimits().Page) >= querylimit.ExpensiveFields
}
