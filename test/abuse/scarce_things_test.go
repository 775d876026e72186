package abuse

import (
	"database/sql"
	"slices"
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

var schema = gqlparser.MustLoadSchema(&ast.Source{Input: graph.SDL()})

// TestScarceThings_NoFieldHoldsThemWhileItWaits asks for each root field, several times and with as large an answer as
// its type allows, while the rows, the writer and the hashes that it needs are not to be had. An administrator's page is
// answered meanwhile, and on Postgres another user's write.
func TestScarceThings_NoFieldHoldsThemWhileItWaits(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, url string) {
		s := servertest.StartChild(t, servertest.Secret, servertest.Issuer, "GATEHOUSE_DATABASE_URL="+url,
			"GOMAXPROCS=1") // so that one process makes all hashes
		db := servertest.OpenDB(t, url)
		reader, honest, blocked := s.CreateAdmin(), s.Register(), s.Register()
		servertest.Exec(t, db, `UPDATE users SET roles = '["ADMIN"]' WHERE id = '`+blocked.ID+`'`)
		blocked = s.Login(blocked.Email, servertest.Password)
		fields := rootFields(t, s, blocked)
		page := "{" + repeat(2, "a%d: users(first: 100) { edges { node { id email name roles status createdAt } } }") + "}"
		if !isLarge(t, page) {
			t.Fatal("the page needs no slot")
		}
		long := time.Now().UTC().Add(-5*time.Minute).Format(time.DateTime) + "+00:00"
		_, err := db.Exec("UPDATE sessions SET last_used_at = $1", long)
		servertest.Check(t, err) // so that each request is a use that is to be recorded
		release := block(t, s, db, blocked)
		defer release()
		var waiting sync.WaitGroup
		for name, query := range fields {
			for range requestsPerField {
				waiting.Go(func() {
					if a := s.Ask(blocked.Access, query); strings.HasPrefix(query, "mutation") && a.Took < blockedFor/2 {
						t.Errorf("%s did not wait: %v", name, a)
					}
				})
			}
		}
		time.Sleep(blockedFor / 2)
		if a := s.Ask(reader, page); !a.OK() || a.Took > time.Second {
			t.Errorf("an administrator's page, meanwhile: %v", a)
		}
		if strings.HasPrefix(url, "postgres") {
			if a := s.Ask(honest.Access, rename); !a.OK() || a.Took > time.Second {
				t.Errorf("another user's write, meanwhile: %v", a)
			}
		}
		time.Sleep(blockedFor / 2)
		release()
		waiting.Wait()
	})
}

const (
	blockedFor       = 2 * time.Second
	requestsPerField = 3
	rename           = `mutation { updateProfile(input: {name: "Ada"}) { user { id } } }`
)

// rootFields returns for each root field an operation that acts on the account, as large as possible.
func rootFields(t *testing.T, s *servertest.Process, a servertest.Account) map[string]string {
	t.Helper()
	values := map[string]string{
		"id": servertest.JSON(a.ID), "userId": servertest.JSON(a.ID), "email": servertest.JSON(a.Email),
		"refreshToken": servertest.JSON(a.Refresh), "password": `"not the password"`,
		"newPassword": `"another horse battery"`,
	}
	session := map[string]string{"id": servertest.JSON(s.Must(a.Access, "{ me { sessions { id } } }").Field("id"))}
	fields, large := map[string]string{}, 0
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
				everything(f.Type) + "}"
			if fields[f.Name] = query; root == schema.Mutation && isLarge(t, query) {
				large++
			}
		}
	}
	if large < 2 {
		t.Errorf("%d mutations have large answers", large)
	}
	return fields
}

// block makes everything wait that needs the rows of an account, on SQLite everything that writes, and all hashes.
func block(t *testing.T, s *servertest.Process, db *sql.DB, a servertest.Account) (release func()) {
	t.Helper()
	rows, err := db.BeginTx(t.Context(), nil)
	servertest.Check(t, err)
	_, err = rows.Exec("UPDATE users SET status = status WHERE id = $1", a.ID)
	servertest.Check(t, err)
	_, err = rows.Exec("UPDATE sessions SET user_id = user_id WHERE user_id = $1", a.ID)
	servertest.Check(t, err)
	worker := s.HashWorker()
	syscall.Kill(worker, syscall.SIGSTOP)
	return sync.OnceFunc(func() {
		syscall.Kill(worker, syscall.SIGCONT)
		rows.Rollback()
	})
}

// TestTurns_FloodOfOneAccountLeavesTurnsToOthers: of each mutation that writes to its caller's account, one account has
// a hundred under way at any time. Another user writes meanwhile.
func TestTurns_FloodOfOneAccountLeavesTurnsToOthers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, url string) {
		s := servertest.StartChild(t, servertest.Secret, servertest.Issuer, servertest.CheapHashing,
			"GATEHOUSE_DATABASE_URL="+url)
		flooder, honest, longest := s.Register(), s.Register(), time.Duration(0)
		for name, query := range rootFields(t, s, flooder) {
			if slices.Contains(endsOrHashes, name) || !strings.HasPrefix(query, "mutation") {
				continue
			}
			var flood sync.WaitGroup
			stop := make(chan struct{})
			for range 100 {
				flood.Go(func() { until(stop, func() { s.Ask(flooder.Access, query) }) })
			}
			time.Sleep(200 * time.Millisecond)
			for range 5 {
				a := s.Ask(honest.Access, rename)
				longest = max(longest, a.Took)
				if !a.OK() || a.Took > time.Second {
					t.Errorf("another user's write during a flood of %s: %v", name, a)
				}
			}
			close(stop)
			flood.Wait()
		}
		t.Logf("another user's writes took at most %v", longest)
	})
}

// endsOrHashes are mutations that end the session which floods, or wait for a hash first: their floods are bounded
// there.
var endsOrHashes = []string{
	"changePassword", "deleteAccount", "login", "logout", "reauthenticate", "register", "revokeSession",
}

func until(stop <-chan struct{}, f func()) {
	for {
		select {
		case <-stop:
			return
		default:
			f()
		}
	}
}

// everything selects all that is below a type, each list of objects twice.
func everything(typ *ast.Type) string {
	def, all := schema.Types[typ.Name()], ""
	if def.IsLeafType() {
		return ""
	}
	for _, f := range def.Fields {
		if all += f.Name + everything(f.Type) + " "; f.Type.Elem != nil && !schema.Types[f.Type.Name()].IsLeafType() {
			all += "again: " + f.Name + everything(f.Type) + " "
		}
	}
	return "{" + all + "}"
}

func isLarge(t *testing.T, query string) bool {
	t.Helper()
	doc, errs := gqlparser.LoadQueryWithRules(schema, query, nil)
	if len(errs) > 0 {
		t.Fatalf("%s: %v", query, errs)
	}
	return querylimit.AnswerFields(doc.Operations[0], querylimit.DefaultLimits().Page) >= querylimit.ExpensiveFields
}
