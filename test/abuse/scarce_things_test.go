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
	"github.com/gatehouse/gatehouse/internal/testenv"
)

var schema = gqlparser.MustLoadSchema(&ast.Source{Input: graph.SDL()})

// TestScarceThings_NoFieldHoldsThemWhileItWaits asks for each root field, several times and with as large an answer as
// its type allows, again and again, while the rows, the writer and the hashes that it needs are not to be had. An
// administrator's page is answered meanwhile, and on Postgres another user's write.
func TestScarceThings_NoFieldHoldsThemWhileItWaits(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, url string) {
		s := servertest.StartChild(t, servertest.Secret, servertest.Issuer, "GATEHOUSE_DATABASE_URL="+url,
			"GATEHOUSE_SMTP_URL=smtp://127.0.0.1:1", "GATEHOUSE_MAIL_FROM=gatehouse@example.com",
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
		stop := make(chan struct{})
		for name, query := range fields {
			for range requestsPerField {
				waiting.Go(func() {
					ask := servertest.Request{Token: blocked.Access, Query: query}
					if strings.HasPrefix(query, "query") {
						s.Do(ask)
						return
					}
					until(stop, func() {
						if a := s.Do(ask); !isClosed(stop) && a.Took < beforeOthersAsk && !slices.Contains(needNoAccount, name) {
							t.Errorf("%s did not wait: %v", name, a)
						}
					})
				})
			}
		}
		time.Sleep(beforeOthersAsk)
		soon(t, "an administrator's page", func() servertest.Answer { return s.Ask(reader, page) })
		if strings.HasPrefix(url, "postgres") {
			soon(t, "another user's write", func() servertest.Answer { return s.Ask(honest.Access, rename) })
		}
		close(stop)
		release()
		waiting.Wait()
	})
}

// needNoAccount are the mutations that are refused without the token of a mail or a challenge, or for an object that is
// not there, and the one that looks no account up.
var needNoAccount = []string{"verifyEmail", "resetPassword", "confirmEmailChange", "revertEmailChange", "requestPasswordReset",
	"acceptInvitation", "secureAccount", "downloadMyData", "completeLogin", "removeFactor",
	"renameFactor", "addPasskey", "passkeyLogin"}

const (
	beforeOthersAsk  = time.Second
	requestsPerField = 3
	rename           = `mutation { updateProfile(input: {name: "Ada"}) { user { id } } }`
)

// rootFields returns for each root field an operation that acts on the account, as large as possible.
func rootFields(t *testing.T, s *servertest.Process, a servertest.Account) map[string]string {
	t.Helper()
	values := map[string]string{
		"id": servertest.JSON(a.ID), "userId": servertest.JSON(a.ID), "email": servertest.JSON(a.Email),
		"refreshToken": servertest.JSON(a.Refresh), "password": `"not the password"`,
		"currentPassword": `"not the password"`,
		"newPassword":     `"another horse battery"`,
		"scopes":          `["account:read"]`,
	}
	program := `mutation { createAccessToken(input: {name: "made up", scopes: ["account:read"], expiresAt: "` +
		time.Now().Add(time.Hour).UTC().Format(time.RFC3339) + `"}) { accessToken { id } } }`
	token := map[string]string{"id": servertest.JSON(s.Must(a.Access, program).Field("id"))}
	session := map[string]string{"id": servertest.JSON(s.Must(a.Access, "{ me { sessions { id } } }").Field("id"))}
	fields, large := map[string]string{}, 0
	for _, root := range []*ast.Definition{schema.Query, schema.Mutation} {
		for _, f := range root.Fields {
			if strings.HasPrefix(f.Name, "__") {
				continue
			}
			values := values
			switch f.Name { // of another, they are refused before they wait
			case "revokeSession":
				values = session
			case "revokeAccessToken":
				values = token
			}
			query := strings.ToLower(root.Name) + "{" + f.Name + servertest.Arguments(schema, f, values) +
				servertest.Everything(schema, f.Type) + "}"
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
	testenv.Stop(t, worker)
	return sync.OnceFunc(func() {
		syscall.Kill(worker, syscall.SIGCONT)
		rows.Rollback()
	})
}

// TestTurns_FloodOfOneAccountLeavesTurnsToOthers: of each mutation that writes to its caller's account, one account has
// a hundred under way at any time, and writing takes long. Another user writes meanwhile, and waits for less than half as
// long as the flood does.
func TestTurns_FloodOfOneAccountLeavesTurnsToOthers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, url string) {
		s := servertest.StartChild(t, servertest.Secret, servertest.Issuer, servertest.CheapHashing,
			"GATEHOUSE_DATABASE_URL="+url)
		f, waited := writeFlood{t, s, servertest.OpenDB(t, url), s.Register(), s.Register()}, 0
		for name, query := range rootFields(t, s, f.flooder) {
			if slices.Contains(endsOrHashes, name) || !strings.HasPrefix(query, "mutation") ||
				!s.Ask(f.flooder.Access, query).OK() { // the account may not do that
				continue
			}
			flooding, others := f.besides(query)
			for tries := 1; others > flooding/2 && flooding > 0 && tries < 3; tries++ { // something else may be slow
				flooding, others = f.besides(query)
			}
			if flooding == 0 { // it did that once
				continue
			}
			waited++
			if t.Logf("%s: %v, another user's write: %v", name, flooding, others); others > flooding/2 {
				t.Errorf("another user's writes take %v during a flood of %s that take %v", others, name, flooding)
			}
		}
		if waited < 3 {
			t.Errorf("only %d floods wrote", waited)
		}
	})
}

// writeFlood is an account with many writes, and another user.
type writeFlood struct {
	t               *testing.T
	s               *servertest.Process
	db              *sql.DB
	flooder, honest servertest.Account
}

// besides floods with a mutation. It returns how long one takes that writes, 0 when none does, and how long a write of
// the other user takes meanwhile, both medians.
func (f writeFlood) besides(mutation string) (flooding, others time.Duration) {
	var mu sync.Mutex
	var times []time.Duration
	var flood sync.WaitGroup
	stop := make(chan struct{})
	for range 100 {
		flood.Go(func() {
			until(stop, func() {
				if a := f.s.Ask(f.flooder.Access, mutation); a.OK() {
					mu.Lock()
					times = append(times, a.Took)
					mu.Unlock()
				}
			})
		})
	}
	flood.Go(func() { until(stop, func() { writeFor(f.t, 10*time.Millisecond, f.db, f.flooder) }) })
	time.Sleep(200 * time.Millisecond)
	other := make([]time.Duration, 5)
	for i := range other {
		a := f.s.Ask(f.honest.Access, rename)
		if other[i] = a.Took; !a.OK() {
			f.t.Errorf("another user's write during a flood of %s: %v", mutation, a)
		}
	}
	close(stop)
	flood.Wait()
	if len(times) == 0 {
		return 0, median(other)
	}
	return median(times), median(other)
}

// writeFor keeps the rows of an account for some time, on SQLite the writer, so that what is short is not the processor.
func writeFor(t *testing.T, d time.Duration, db *sql.DB, a servertest.Account) {
	tx, err := db.Begin()
	if err == nil {
		_, err = tx.Exec("UPDATE users SET status = status WHERE id = $1", a.ID)
	}
	if err != nil {
		t.Error(err)
		return
	}
	time.Sleep(d)
	tx.Rollback()
	time.Sleep(time.Millisecond)
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}

// endsOrHashes are mutations that end the session which floods, or wait for a hash first: their floods are bounded
// there.
var endsOrHashes = []string{
	"changePassword", "deleteAccount", "login", "logout", "reauthenticate", "register", "revokeSession",
}

func until(stop <-chan struct{}, f func()) {
	for !isClosed(stop) {
		f()
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// soon asks until an answer has come within a second, at most ten times, since a machine may be busy. None is refused,
// nor as late as when those that wait give up. What the machine stands still for does not count.
func soon(t *testing.T, what string, ask func() servertest.Answer) {
	t.Helper()
	var a servertest.Answer
	for range 10 {
		if a = ask(); (!a.OK() || a.Slower(answeredIn)) && !a.Interrupted() {
			break
		} else if a.OK() && !a.Slower(time.Second) {
			return
		}
	}
	t.Errorf("%s, meanwhile: %v", what, a)
}

func isLarge(t *testing.T, query string) bool {
	t.Helper()
	doc, errs := gqlparser.LoadQueryWithRules(schema, query, nil)
	if len(errs) > 0 {
		t.Fatalf("%s: %v", query, errs)
	}
	return querylimit.AnswerFields(doc.Operations[0], querylimit.DefaultLimits().Page) >= querylimit.ExpensiveFields
}
