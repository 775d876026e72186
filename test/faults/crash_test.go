package faults

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
)

const (
	clientCount = 8
	operations  = 1_000 // answered ones, of all clients
)

// TestKilledServer_LosesNothingThatItAnswered ends the program with SIGKILL ten times while clients register and
// refresh, and starts it again on the same database and port.
func TestKilledServer_LosesNothingThatItAnswered(t *testing.T) {
	if testing.Short() {
		t.Skip("kills servers for some seconds")
	}
	dbtest.Each(t, func(t *testing.T, url string) {
		s := servertest.StartChild(t, "GATEHOUSE_DATABASE_URL="+url)
		j := newJournal(t, s.Client)
		j.run(10, func(int) { s.Kill(); s.Restart() })
		j.check(url)
	})
}

// TestPostgresRestart_LosesNothing ends Postgres abruptly, with open transactions, while the program stays: it answers
// that the database is unavailable, and goes on when Postgres is back.
func TestPostgresRestart_LosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("restarts Postgres for some seconds")
	}
	cluster := dbtest.NewServer(t)
	url := cluster.URL("postgres")
	j := newJournal(t, servertest.Start(t, "GATEHOUSE_DATABASE_URL="+url).Client)
	j.serverStays = true
	j.run(4, func(time int) {
		end := []func() error{cluster.Abort, cluster.Kill}[time%2]
		if err := end(); err != nil {
			t.Error(err)
		}
		if a := j.login("somebody@example.com"); !a.Unavailable() {
			t.Errorf("without Postgres: %v; want UNAVAILABLE", a)
		}
		if err := cluster.Start(); err != nil {
			t.Error(err)
		}
	})
	j.check(url)
}

// journal is what each of several clients knows.
type journal struct {
	*servertest.Client
	t           *testing.T
	serverStays bool // each request has an answer
	answered    atomic.Int64
	entries     [clientCount][]*entry
}

// entry is what a client knows of one account.
type entry struct {
	email      string
	registered bool   // and was answered so
	refreshed  int    // how often, and was answered so
	newest     string // refresh token
	unanswered string // what was sent last without an answer: register or refresh
}

func newJournal(t *testing.T, c *servertest.Client) *journal {
	return &journal{t: t, Client: c}
}

// run lets the clients work while something is ended and begun so many times, at moments that a seed decides.
func (j *journal) run(times int, disaster func(time int)) {
	j.t.Helper()
	var working sync.WaitGroup
	for i := range clientCount {
		working.Go(func() { j.work(i) })
	}
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	for i := range times {
		for j.answered.Load() < int64((i+1)*operations/(times+2)) && !j.t.Failed() {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Duration(random.IntN(10_000)) * time.Microsecond)
		disaster(i)
	}
	working.Wait()
	j.t.Logf("seed %d, %d answered, %d disasters", seed, j.answered.Load(), times)
}

// work registers accounts and refreshes their sessions. A refresh without an answer is sent again by every other
// client, when the server is back; the others leave the account as it is.
func (j *journal) work(client int) {
	for n := 0; j.answered.Load() < operations && !j.t.Failed(); n++ {
		e := &entry{email: fmt.Sprintf("client-%d-%d@example.com", client, n)}
		j.entries[client] = append(j.entries[client], e)
		if j.send(e, "register", servertest.Registration(e.email)) {
			e.registered = true
		}
		for e.registered && e.refreshed < 4 && (e.unanswered == "" || client%2 == 0) && !j.t.Failed() {
			if j.send(e, "refresh", refresh(e.newest)) {
				e.refreshed++
			}
		}
	}
}

func refresh(token string) string {
	return `mutation { refresh(input: {refreshToken: "` + token + `"}) { accessToken refreshToken } }`
}

// send notes what became of a request. Where it has no answer, or only that the database is away, it waits until the
// server is ready.
func (j *journal) send(e *entry, what, query string) (done bool) {
	e.unanswered = what
	a := j.Do(servertest.Request{Query: query})
	if a.OK() {
		j.answered.Add(1)
		e.newest, e.unanswered = a.Field("refreshToken"), ""
		return true
	}
	if (a.Err == nil || j.serverStays) && !isUnavailable(a) && !a.HashesWait() {
		j.t.Errorf("refused: %v", a)
	}
	for deadline := time.Now().Add(servertest.HangGuard); !j.Ready(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			j.t.Errorf("the server is not ready again: %v", a)
			return false
		}
	}
	return false
}

// isUnavailable checks that an unavailable database is one for proxies too.
func isUnavailable(a servertest.Answer) bool {
	return a.Unavailable() && a.Status == http.StatusServiceUnavailable &&
		strings.HasPrefix(a.Header.Get("Content-Type"), "application/graphql-response+json")
}

func (j *journal) login(email string) servertest.Answer {
	return j.Do(servertest.Request{Query: fmt.Sprintf(`mutation { login(input: {email: %q, password: %q}) { accessToken } }`, email, servertest.Password)})
}

// check holds the journal against the tables, and then does with every account what its user would.
func (j *journal) check(url string) {
	j.t.Helper()
	rows := j.rows(url)
	var entries, doubtful, written, lost, half int
	for _, of := range j.entries {
		for _, e := range of {
			entries++
			row := rows[e.email]
			delete(rows, e.email)
			if e.unanswered != "" {
				doubtful++
			}
			switch {
			case row == nil && !e.registered:
				if a := j.login(e.email); a.Code() != "INVALID_CREDENTIALS" {
					j.t.Errorf("%s does not exist, and login answers %v", e.email, a)
				}
				continue
			case row == nil:
				lost++
				continue
			case len(row.Edges.Sessions) != 1 || len(row.Roles) != 1 || row.Edges.Sessions[0].EndedAt != nil:
				half++
				continue
			}
			more := row.Edges.Sessions[0].RefreshGeneration - e.refreshed
			if more < 0 || more > 1 || more == 1 && e.unanswered != "refresh" {
				j.t.Errorf("%s was refreshed %d times more than was answered", e.email, more)
				lost++
			}
			if e.unanswered == "refresh" && more == 1 || !e.registered {
				written++
			}
			if !j.works(e) {
				lost++
			}
		}
	}
	half += len(rows) // accounts that no client asked for
	j.t.Logf("%d accounts; %d last requests without an answer, of which %d were written; lost %d, half-written %d",
		entries, doubtful, written, lost, half)
	if lost+half > 0 || doubtful == 0 {
		j.t.Error("something is lost or written by half, or no request was ever in doubt")
	}
}

// rows reads the accounts, with their sessions, by address.
func (j *journal) rows(url string) map[string]*ent.User {
	j.t.Helper()
	db, err := database.Open(j.t.Context(), database.Config{URL: url, Log: slog.New(slog.DiscardHandler)})
	servertest.Check(j.t, err)
	defer db.Close()
	users, err := db.Client.User.Query().WithSessions().All(j.t.Context())
	servertest.Check(j.t, err)
	sessions, rows := 0, map[string]*ent.User{}
	for _, u := range users {
		rows[u.Email] = u
		sessions += len(u.Edges.Sessions)
	}
	if n, err := db.Client.Session.Query().Count(j.t.Context()); err != nil || n != sessions {
		j.t.Errorf("%d sessions, of which %d have a user: %v", n, sessions, err)
	}
	return rows
}

// works reports whether an account can be logged in to, and whether the newest token that the client has leads to a
// live session, whatever became of its last request.
func (j *journal) works(e *entry) bool {
	if a := j.login(e.email); !a.OK() {
		j.t.Errorf("%s cannot log in: %v", e.email, a)
		return false
	}
	if !e.registered { // and has no token
		return true
	}
	for range 2 { // the successor works too
		a := j.Do(servertest.Request{Query: refresh(e.newest)})
		if !a.OK() {
			j.t.Errorf("the newest token of %s: %v", e.email, a)
			return false
		}
		e.newest = a.Field("refreshToken")
		if me := j.Do(servertest.Request{Token: a.Field("accessToken"), Query: "{ me { email } }"}); !me.OK() ||
			me.Field("email") != e.email {
			j.t.Errorf("the access token of %s: %v", e.email, me)
			return false
		}
	}
	return true
}
