package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/gatehouse/gatehouse/internal/password"
	"github.com/gatehouse/gatehouse/internal/pgtemp"
)

// stage is all that is started and made for a run, in one temporary folder.
type stage struct {
	options
	table    *table
	progress io.Writer
	folder   string
	cluster  *pgtemp.Cluster // nil without Postgres on this machine
	engines  []engine
	throttle bool // whether the program can be told not to throttle sign-ins
}

func newStage(ctx context.Context, o *options, t *table, progress io.Writer) (*stage, error) {
	s := &stage{options: *o, table: t, progress: progress}
	var err error
	if s.folder, err = os.MkdirTemp("", "gatehouse-bench-"); err != nil {
		return nil, err
	}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *stage) open(ctx context.Context) (err error) {
	if s.binary == "" {
		s.say("building the program")
		s.binary = filepath.Join(s.folder, "gatehouse")
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", s.binary, "github.com/gatehouse/gatehouse")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if said, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("build the program: %w: %s", err, said)
		}
	}
	for _, path := range []*string{&s.binary, &s.against} {
		if *path != "" {
			if *path, err = filepath.Abs(*path); err != nil {
				return err
			}
		}
	}
	help, err := exec.CommandContext(ctx, s.binary, "help", "config").Output()
	if err != nil {
		return fmt.Errorf("ask %s for its settings: %w", s.binary, err)
	}
	s.throttle = strings.Contains(string(help), "GATEHOUSE_THROTTLE")
	s.engines = []engine{engines["SQLite"]}
	s.cluster, err = pgtemp.New()
	if errors.Is(err, pgtemp.ErrMissing) {
		s.table.note("Without Postgres: %v.", err)
		return nil
	}
	s.engines = []engine{engines["Postgres"], engines["SQLite"]}
	return err
}

func (s *stage) close() error {
	var err error
	if s.cluster != nil {
		err = s.cluster.Close()
	}
	return errors.Join(err, os.RemoveAll(s.folder))
}

func (s *stage) say(format string, args ...any) { fmt.Fprintf(s.progress, format+"\n", args...) }

// makeDatabase returns the URL of a database of its own with so many users.
func (s *stage) makeDatabase(ctx context.Context, e engine, users int, cost password.Cost) (string, error) {
	hash, err := hashed(ctx, cost)
	if err != nil {
		return "", err
	}
	folder, err := os.MkdirTemp(s.folder, "database-")
	if err != nil {
		return "", err
	}
	url := "sqlite:" + filepath.Join(folder, "gatehouse.db")
	if e.name == "Postgres" {
		name := strings.ReplaceAll(filepath.Base(folder), "-", "_")
		if err := s.administer(ctx, "CREATE DATABASE "+name); err != nil {
			return "", err
		}
		url = s.cluster.URL(name)
	}
	return url, seed(ctx, e, url, users, hash)
}

func (s *stage) administer(ctx context.Context, statement string) error {
	db, err := sql.Open("postgres", s.cluster.URL("postgres"))
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, statement)
	return errors.Join(err, db.Close())
}

// serve starts a build of the program on a database and waits for its first answer.
func (s *stage) serve(ctx context.Context, program, url string, cost password.Cost) (*child, error) {
	c, err := s.launch(ctx, program, url, cost)
	if err != nil {
		return nil, err
	}
	err = c.answer(ctx, traffic{requests: [][]byte{ask("{__typename}", nil, "")}, begins: []byte(`{"data":`)})
	return c, err
}

func (s *stage) launch(ctx context.Context, program, url string, cost password.Cost) (*child, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	environment := []string{
		"GATEHOUSE_ADDR=" + address,
		"GATEHOUSE_DATABASE_URL=" + url,
		"GATEHOUSE_SECRET_FILE=" + filepath.Join(s.folder, "secret"),
		"GATEHOUSE_ARGON2=" + cost.String(),
		"GATEHOUSE_ISSUER=http://127.0.0.1", // the same for all, so that each takes the tokens of the others
		"GATEHOUSE_ACCESS_TTL=1h",           // longer than a run
	}
	if s.throttle {
		environment = append(environment, "GATEHOUSE_THROTTLE=off") // all clients have the same address
	}
	return spawn(ctx, s.folder, address, program, environment)
}

// servePlain starts the plain server.
func (s *stage) servePlain(ctx context.Context) (*child, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c, err := spawn(ctx, s.folder, address, program, nil, plainCommand, address)
	if err != nil {
		return nil, err
	}
	err = c.answer(ctx, traffic{requests: [][]byte{ask(meQuery, nil, "")}, begins: []byte(`{"data":`)})
	return c, err
}

// The operations. No page asks for totalCount: it counts, which takes the longer the more there is to count.
const (
	meQuery    = "{me{id email}}"
	loginQuery = "mutation($in:LoginInput!){login(input:$in){accessToken}}"
	usersQuery = "query($after:String){users(first:100,after:$after){edges{cursor node{id email name roles status createdAt}}pageInfo{hasNextPage endCursor}}}"
)

// ask is the bytes of one request.
func ask(query string, variables map[string]any, token string) []byte {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		panic(err) // strings and maps of strings
	}
	head := "POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\nAccept: application/json\r\nContent-Type: application/json\r\n"
	if token != "" {
		head += "Authorization: Bearer " + token + "\r\n"
	}
	return fmt.Appendf(nil, "%sContent-Length: %d\r\n\r\n%s", head, len(body), body)
}

func askLogin(n int) []byte {
	return ask(loginQuery, map[string]any{"in": map[string]any{"email": userEmail(n), "password": thePassword}}, "")
}

// askMe is `me` of so many callers, spread over the users.
func askMe(ctx context.Context, c *child, callers, users int) (traffic, error) {
	t := traffic{address: c.address, begins: []byte(`{"data":{"me":{"id":"`)}
	for i := range callers {
		token, err := signIn(ctx, c, i*(users/callers))
		if err != nil {
			return t, err
		}
		t.requests = append(t.requests, ask(meQuery, nil, token))
	}
	return t, nil
}

func askNobody(c *child) traffic {
	return traffic{address: c.address, requests: [][]byte{ask(meQuery, nil, "")}, begins: []byte(`{"errors":[{`)}
}

func askLogins(c *child, callers, users int) traffic {
	t := traffic{address: c.address, begins: []byte(`{"data":{"login":{"accessToken":"`)}
	for i := range callers {
		t.requests = append(t.requests, askLogin(i*(users/callers)))
	}
	return t
}

// askUsers is pages all over the list.
func askUsers(ctx context.Context, c *child, pages, users int) (traffic, error) {
	t := traffic{address: c.address, begins: []byte(`{"data":{"users":{"edges":[{`)}
	token, err := signIn(ctx, c, 0)
	for i := range pages {
		after := map[string]any{"after": cursor(i * (users - 101) / pages)}
		t.requests = append(t.requests, ask(usersQuery, after, token))
	}
	return t, err
}

// signIn returns an access token.
func signIn(ctx context.Context, c *child, n int) (string, error) {
	client, err := dial(c.address)
	if err != nil {
		return "", err
	}
	defer client.conn.Close()
	defer context.AfterFunc(ctx, func() { client.conn.Close() })()
	body, err := client.do(askLogin(n))
	if err != nil {
		return "", err
	}
	var answer struct {
		Data struct {
			Login struct{ AccessToken string }
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Data.Login.AccessToken == "" {
		return "", fmt.Errorf("sign in as user %d: %s", n, body)
	}
	return answer.Data.Login.AccessToken, nil
}
