package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/dbtest"
)

const (
	clients    = 8
	operations = 1_000 // answered ones, of all clients
)

// TestAKilledServerLosesNothingThatItAnswered ends the program with SIGKILL ten times while clients register and
// refresh, and starts it again on the same database and port.
func TestAKilledServerLosesNothingThatItAnswered(t *testing.T) {
	if testing.Short() {
		t.Skip("kills servers for some seconds")
	}
	binary := filepath.Join(t.TempDir(), "gatehouse")
	execute(t, ".", "go", "build", "-o", binary, ".")
	dbtest.Each(t, func(t *testing.T, url string) {
		p := newProcess(t, binary, url)
		c := newCrowd(t, p.url)
		c.endure(10, func(int) { p.kill(); p.begin() })
		c.audit(url)
	})
}

// TestARestartOfPostgresUnderTheServerLosesNothing ends Postgres at once, with open transactions, while the program
// stays: it answers that the database is unavailable, and goes on when Postgres is back.
func TestARestartOfPostgresUnderTheServerLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("restarts Postgres for some seconds")
	}
	cluster := dbtest.NewCluster(t)
	url := cluster.URL("postgres")
	c := newCrowd(t, start(t, "GATEHOUSE_DATABASE_URL="+url).URL)
	c.stays = true
	c.endure(4, func(time int) {
		end := []func() error{cluster.Abort, cluster.Kill}[time%2]
		if err := end(); err != nil {
			t.Error(err)
		}
		if _, code, err := c.login("somebody@example.com"); code != "UNAVAILABLE" || err != nil {
			t.Errorf("without Postgres: %q, %v; want UNAVAILABLE", code, err)
		}
		if err := cluster.Start(); err != nil {
			t.Error(err)
		}
	})
	c.audit(url)
}

// process is the program as it is installed, on a port of its own.
type process struct {
	t           *testing.T
	url         string
	binary      string
	environment []string
	command     *exec.Cmd
	log         *buffer
}

func newProcess(t *testing.T, binary, databaseURL string, environment ...string) *process {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	address := l.Addr().String()
	environment = append([]string{
		"GATEHOUSE_ADDR=" + address,
		"GATEHOUSE_ARGON2=m=64,t=1,p=1", "GATEHOUSE_THROTTLE=off",
		"GATEHOUSE_DATABASE_URL=" + databaseURL,
	}, environment...)
	if !slices.Contains(environment, sameSecret) {
		environment = append(environment, "GATEHOUSE_SECRET_FILE="+filepath.Join(t.TempDir(), "secret"))
	}
	p := &process{t: t, url: "http://" + address, binary: binary, log: &buffer{}, environment: environment}
	p.begin()
	t.Cleanup(p.kill)
	return p
}

// begin starts the program and waits for the line that says that it serves. It tries for a while, because a connection
// that somebody made meanwhile can have the port.
func (p *process) begin() {
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		err := p.tryBegin()
		if err == nil {
			return
		}
		p.kill()
		if time.Now().After(deadline) {
			p.t.Errorf("the program does not start: %v\n%s", err, p.log)
			return
		}
	}
}

func (p *process) tryBegin() error {
	p.command = exec.Command(p.binary)
	p.command.Env, p.command.Stderr = p.environment, p.log
	out, err := p.command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := p.command.Start(); err != nil {
		return err
	}
	_, err = bufio.NewReader(out).ReadString('\n')
	return err
}

func (p *process) kill() {
	if p.command.Process != nil {
		p.command.Process.Kill()
		p.command.Wait()
	}
}

// crowd is clients, and the journal of what each of them knows.
type crowd struct {
	t        *testing.T
	url      string
	http     *http.Client
	stays    bool // the server: each request has an answer
	answered atomic.Int64
	journal  [clients][]*entry
}

// entry is what a client knows of one account.
type entry struct {
	email      string
	registered bool   // and was told so
	refreshed  int    // how often, and was told so
	newest     string // refresh token
	unanswered string // what was sent last without an answer: register or refresh
}

func newCrowd(t *testing.T, url string) *crowd {
	return &crowd{t: t, url: url, http: &http.Client{
		Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: clients},
	}}
}

// endure lets the clients work while something is ended and begun so many times, at moments that a seed decides.
func (c *crowd) endure(times int, disaster func(time int)) {
	c.t.Helper()
	var working sync.WaitGroup
	for i := range clients {
		working.Go(func() { c.work(i) })
	}
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	for i := range times {
		for c.answered.Load() < int64((i+1)*operations/(times+2)) && !c.t.Failed() {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Duration(random.IntN(10_000)) * time.Microsecond)
		disaster(i)
	}
	working.Wait()
	c.t.Logf("seed %d, %d answered, %d disasters", seed, c.answered.Load(), times)
}

// work registers accounts and refreshes their sessions. A refresh without an answer is sent again by every other
// client, when the server is back; the others leave the account as it is.
func (c *crowd) work(client int) {
	for n := 0; c.answered.Load() < operations && !c.t.Failed(); n++ {
		e := &entry{email: fmt.Sprintf("client-%d-%d@example.com", client, n)}
		c.journal[client] = append(c.journal[client], e)
		c.register(e)
		for e.registered && e.refreshed < 4 && (e.unanswered == "" || client%2 == 0) && !c.t.Failed() {
			c.refresh(e)
		}
	}
}

func (c *crowd) register(e *entry) {
	e.unanswered = "register"
	if got, ok := c.must(c.ask(register, map[string]string{"email": e.email, "password": thePassword}, "")); ok {
		e.registered, e.newest, e.unanswered = true, got.RefreshToken, ""
	}
}

func (c *crowd) refresh(e *entry) {
	e.unanswered = "refresh"
	if got, ok := c.must(c.ask(refresh, map[string]string{"token": e.newest}, "")); ok {
		e.refreshed, e.newest, e.unanswered = e.refreshed+1, got.RefreshToken, ""
	}
}

func (c *crowd) login(email string) (given, string, error) {
	return c.ask(login, map[string]string{"email": email, "password": thePassword}, "")
}

const (
	thePassword = "the same for all of them"

	register = `mutation ($email: String!, $password: String!) { answer: register(input: {email: $email, password: $password}) { accessToken refreshToken } }`
	login    = `mutation ($email: String!, $password: String!) { answer: login(input: {email: $email, password: $password}) { accessToken } }`
	refresh  = `mutation ($token: String!) { answer: refresh(input: {refreshToken: $token}) { accessToken refreshToken } }`
)

// must takes an answer. Where there is none, or only that the database is away, it waits until the server is ready.
func (c *crowd) must(got given, code string, err error) (given, bool) {
	if err == nil && code == "" {
		c.answered.Add(1)
		return got, true
	}
	if (code != "" || c.stays) && (code != "UNAVAILABLE" || err != nil) {
		c.t.Errorf("refused: %q, %v", code, err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if r, err := c.http.Get(c.url + "/readyz"); err == nil {
			r.Body.Close()
			if r.StatusCode == http.StatusOK {
				return given{}, false
			}
		}
		if time.Now().After(deadline) {
			c.t.Errorf("the server is not ready again: %s, %v", code, err)
			return given{}, false
		}
	}
}

// given is what the field that is called answer gave.
type given struct{ AccessToken, RefreshToken, Email string }

// ask sends a request; it returns the code of a refusal, or an error when there was no whole answer.
func (c *crowd) ask(query string, variables map[string]string, token string) (got given, code string, err error) {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return got, "", err
	}
	r, err := http.NewRequest(http.MethodPost, c.url+"/graphql", bytes.NewReader(body))
	if err != nil {
		return got, "", err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/graphql-response+json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := c.http.Do(r)
	if err != nil {
		return got, "", err
	}
	defer response.Body.Close()
	var whole struct {
		Data   map[string]*given
		Errors []struct{ Extensions struct{ Code string } }
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&whole); err != nil {
		return got, "", err
	}
	if len(whole.Errors) > 0 {
		return got, whole.Errors[0].Extensions.Code, statusOf(response, whole.Errors[0].Extensions.Code)
	}
	if whole.Data["answer"] == nil {
		return got, "", errors.New("neither data nor errors")
	}
	return *whole.Data["answer"], "", nil
}

// statusOf checks that an unavailable database is one for proxies too.
func statusOf(r *http.Response, code string) error {
	kind := r.Header.Get("Content-Type")
	if code == "UNAVAILABLE" && (r.StatusCode != http.StatusServiceUnavailable || !strings.HasPrefix(kind, "application/graphql-response+json")) {
		return fmt.Errorf("UNAVAILABLE came with %d, %s", r.StatusCode, kind)
	}
	return nil
}

// audit holds the journal against the tables, and then does with every account what its user would.
func (c *crowd) audit(url string) {
	c.t.Helper()
	rows := c.rows(url)
	var entries, doubtful, written, lost, half int
	for _, e := range c.entries() {
		entries++
		row := rows[e.email]
		delete(rows, e.email)
		if e.unanswered != "" {
			doubtful++
		}
		switch {
		case row == nil && !e.registered:
			if _, code, err := c.login(e.email); code != "INVALID_CREDENTIALS" {
				c.t.Errorf("%s does not exist, and login answers %q, %v", e.email, code, err)
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
			c.t.Errorf("%s was refreshed %d times more than was answered", e.email, more)
			lost++
		}
		if e.unanswered == "refresh" && more == 1 || !e.registered {
			written++
		}
		if !c.works(e) {
			lost++
		}
	}
	half += len(rows) // accounts that nobody asked for
	c.t.Logf("%d accounts; %d last requests without an answer, of which %d were written; lost %d, half-written %d", entries, doubtful, written, lost, half)
	if lost+half > 0 || doubtful == 0 {
		c.t.Error("something is lost or written by half, or no request was ever in doubt")
	}
}

func (c *crowd) entries() (all []*entry) {
	for _, of := range c.journal {
		all = append(all, of...)
	}
	return all
}

// rows reads the accounts, with their sessions, by address.
func (c *crowd) rows(url string) map[string]*ent.User {
	c.t.Helper()
	db, err := database.Open(c.t.Context(), database.Config{URL: url, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		c.t.Fatal(err)
	}
	defer db.Close()
	users, err := db.Client.User.Query().WithSessions().All(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	sessions, rows := 0, map[string]*ent.User{}
	for _, u := range users {
		rows[u.Email] = u
		sessions += len(u.Edges.Sessions)
	}
	if n, err := db.Client.Session.Query().Count(c.t.Context()); err != nil || n != sessions {
		c.t.Errorf("%d sessions, of which %d have a user: %v", n, sessions, err)
	}
	return rows
}

// works reports whether an account can be logged in to, and whether the newest token that the client has leads to a
// live session, whatever became of its last request.
func (c *crowd) works(e *entry) bool {
	if _, code, err := c.login(e.email); code != "" || err != nil {
		c.t.Errorf("%s cannot log in: %s, %v", e.email, code, err)
		return false
	}
	if !e.registered { // and has no token
		return true
	}
	for range 2 { // the successor works too
		got, code, err := c.ask(refresh, map[string]string{"token": e.newest}, "")
		if code != "" || err != nil {
			c.t.Errorf("the newest token of %s: %s, %v", e.email, code, err)
			return false
		}
		e.newest = got.RefreshToken
		if me, code, err := c.ask("{ answer: me { email } }", nil, got.AccessToken); me.Email != e.email {
			c.t.Errorf("the access token of %s: %s, %v", e.email, code, err)
			return false
		}
	}
	return true
}
