package main

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/dbtest"
)

// TestBadConfigurationStopsTheStartWithASentence holds each refusal against what it must name.
func TestBadConfigurationStopsTheStartWithASentence(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	sqlite := "GATEHOUSE_DATABASE_URL=sqlite:" + path
	for name, c := range map[string]struct {
		env  []string
		says []string
	}{
		"unknown name":            {[]string{"GATEHOUSE_ADRR=x"}, []string{"GATEHOUSE_ADRR", "help config"}},
		"address":                 {[]string{"GATEHOUSE_ADDR=nonsense"}, []string{"GATEHOUSE_ADDR", "HOST:PORT"}},
		"duration":                {[]string{"GATEHOUSE_ACCESS_TTL=soon"}, []string{"GATEHOUSE_ACCESS_TTL", "soon"}},
		"database":                {[]string{"GATEHOUSE_DATABASE_URL=mysql://x"}, []string{"sqlite:PATH", "postgres://"}},
		"Postgres without secret": {[]string{"GATEHOUSE_DATABASE_URL=postgres://u@127.0.0.1:1/x"}, []string{"GATEHOUSE_SECRET", "required"}},
		"short secret":            {[]string{sqlite, "GATEHOUSE_SECRET=short"}, []string{"GATEHOUSE_SECRET", "32"}},
		"signing key":             {[]string{sqlite, "GATEHOUSE_SIGNING_KEY=/nowhere.pem"}, []string{"GATEHOUSE_SIGNING_KEY", "/nowhere.pem"}},
		"limits":                  {[]string{sqlite, "GATEHOUSE_LIMITS=deep=3"}, []string{"GATEHOUSE_LIMITS", "deep"}},
		"throttle":                {[]string{sqlite, "GATEHOUSE_THROTTLE=pairs=3"}, []string{"GATEHOUSE_THROTTLE", "pairs"}},
		"no throttle":             {[]string{sqlite, "GATEHOUSE_ADDR=0.0.0.0:0", "GATEHOUSE_THROTTLE=off"}, []string{"GATEHOUSE_THROTTLE", "loopback"}},
		"cheap hashing":           {[]string{sqlite, "GATEHOUSE_ADDR=0.0.0.0:0", "GATEHOUSE_ARGON2=m=64,t=1,p=1"}, []string{"GATEHOUSE_ARGON2", "loopback"}},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := command(t, c.env)
			if code != exitFailed || out != "" {
				t.Errorf("exit code %d, output %q; want %d and none", code, out, exitFailed)
			}
			if _, err := os.Stat(path); err == nil {
				t.Error("the database was made all the same")
			}
			for _, word := range c.says {
				if !strings.Contains(errs, word) {
					t.Errorf("the refusal does not say %q: %s", word, errs)
				}
			}
		})
	}
}

// TestGoodConfigurationStarts is the twin of the refusals.
func TestGoodConfigurationStarts(t *testing.T) {
	_, key := newSigningKey(t)
	s := start(t, "GATEHOUSE_DATABASE_URL="+dbtest.SQLite(t), "GATEHOUSE_ACCESS_TTL=1m", "GATEHOUSE_SIGNING_KEY="+key,
		"GATEHOUSE_LIMITS=depth=5", "GATEHOUSE_THROTTLE=account=9,network=2000", "GATEHOUSE_LOG=debug,json", "GATEHOUSE_PLAYGROUND=off")
	if status, body := get(t, s.URL+"/healthz"); status != 200 || body != "ok\n" {
		t.Errorf("/healthz: %d %q", status, body)
	}
	if status, _ := get(t, s.URL+"/schema.graphql"); status != 404 {
		t.Errorf("/schema.graphql with the Playground off: %d, want 404", status)
	}
}

func TestSecretOfAnotherDatabaseIsRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, url string) {
		database := "GATEHOUSE_DATABASE_URL=" + url
		one := "GATEHOUSE_SECRET=" + strings.Repeat("first secret ", 4)
		start(t, database, "GATEHOUSE_SECRET_FILE=", one).stop(t)
		_, code := tryStart(t, database, "GATEHOUSE_SECRET_FILE=", "GATEHOUSE_SECRET="+strings.Repeat("other secret ", 4))
		if code != exitFailed {
			t.Errorf("another secret: exit code %d, want %d", code, exitFailed)
		}
		start(t, database, "GATEHOUSE_SECRET_FILE=", one) // the twin: with its own secret it starts again
	})
}

// TestDatabaseOfANewerProgramIsRefused names both versions and changes nothing.
func TestDatabaseOfANewerProgramIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	url := "GATEHOUSE_DATABASE_URL=sqlite:" + path
	start(t, url).stop(t)
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (9000, 1)"); err != nil {
		t.Fatal(err)
	}
	code, _, errs := command(t, []string{url, "GATEHOUSE_ADDR=127.0.0.1:0"})
	if code != exitFailed || !strings.Contains(errs, "9000") || !strings.Contains(errs, "newer") {
		t.Errorf("exit code %d: %s", code, errs)
	}
}

// TestPostgresThatIsDownIsWaitedFor starts a server first and its database after, and gives up on one that never comes.
func TestPostgresThatIsDownIsWaitedFor(t *testing.T) {
	cluster := dbtest.NewCluster(t)
	url := cluster.URL("postgres")
	if err := cluster.Stop(); err != nil {
		t.Fatal(err)
	}
	go func() {
		time.Sleep(1500 * time.Millisecond)
		if err := cluster.Start(); err != nil {
			t.Error(err)
		}
	}()
	s := start(t, "GATEHOUSE_DATABASE_URL="+url)
	if n := strings.Count(s.Log.String(), "does not answer"); n < 2 {
		t.Errorf("%d lines while waiting, want one a second:\n%s", n, s.Log)
	}
	if status, _ := get(t, s.URL+"/readyz"); status != 200 {
		t.Errorf("/readyz: %d", status)
	}
}

func TestPostgresThatNeverComesFailsTheStart(t *testing.T) {
	if testing.Short() {
		t.Skip("waits 30 s")
	}
	t.Parallel()
	code, out, errs := command(t, []string{"GATEHOUSE_DATABASE_URL=postgres://u:hunter2@127.0.0.1:1/x", "GATEHOUSE_ADDR=127.0.0.1:0",
		"GATEHOUSE_SECRET=" + strings.Repeat("some secret ", 4)})
	lines := strings.Count(errs, "does not answer")
	if code != exitFailed || out != "" || lines < 25 || lines > 31 || strings.Contains(errs, "hunter2") {
		t.Errorf("exit code %d, %d lines; want %d, one a second for 30 s, and no password:\n%s", code, lines, exitFailed, errs)
	}
}

// TestPasswordOfAMalformedRequestIsNowhere sends a body that is not JSON with a password in it.
func TestPasswordOfAMalformedRequestIsNowhere(t *testing.T) {
	s := start(t, "GATEHOUSE_DATABASE_URL="+dbtest.SQLite(t), "GATEHOUSE_LOG=debug")
	for name, c := range map[string]struct {
		body   string
		status int
	}{
		"malformed JSON":      {`{"query":"mutation{login(input:{email:\"a@example.com\",password:\"CANARY-7\"`, 400},
		"wrong type":          {`{"query":"mutation($p:Int!){login(input:{email:\"a@example.com\",password:$p}){tokenType}}","variables":{"p":"CANARY-7"}}`, 200},
		"variable of no type": {`{"query":"mutation($i:LoginInput!){login(input:$i){tokenType}}","variables":{"i":{"email":7,"password":["CANARY-7"]}}}`, 200},
		"missing variable":    {`{"query":"mutation($i:LoginInput!){login(input:$i){tokenType}}","variables":{"j":{"password":"CANARY-7"}}}`, 200},
		"1 MiB":               {`{"query":"{me{id}}","variables":{"p":"CANARY-7` + strings.Repeat("x", 1<<20) + `"}}`, 413},
	} {
		t.Run(name, func(t *testing.T) {
			response, err := http.Post(s.URL+"/graphql", "application/json", strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			answer, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			if response.StatusCode != c.status || !bytes.Contains(answer, []byte(`"errors"`)) || !bytes.Contains(answer, []byte(`"code"`)) {
				t.Errorf("%d %s; want %d and an error with its code", response.StatusCode, answer, c.status)
			}
			if bytes.Contains(answer, []byte("CANARY-7")) {
				t.Errorf("the answer repeats the password: %s", answer)
			}
		})
	}
	if strings.Contains(s.Log.String(), "CANARY-7") {
		t.Errorf("the log has the password:\n%s", s.Log)
	}
}

// TestStopLetsARunningRequestFinish asks the server to end while a request is under way.
func TestStopLetsARunningRequestFinish(t *testing.T) {
	s := start(t, "GATEHOUSE_DATABASE_URL="+dbtest.SQLite(t), "GATEHOUSE_ARGON2=m=65536,t=20,p=1") // about a second a hash
	type outcome struct {
		body string
		err  error
	}
	answered := make(chan outcome, 1)
	go func() {
		body := `{"query":"mutation{register(input:{email:\"a@example.com\",password:\"correct horse battery\"}){user{email}}}"}`
		response, err := http.Post(s.URL+"/graphql", "application/json", strings.NewReader(body))
		if err != nil {
			answered <- outcome{err: err}
			return
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		answered <- outcome{string(text), err}
	}()
	time.Sleep(200 * time.Millisecond)
	select {
	case o := <-answered:
		t.Fatalf("the machine hashes too fast for this test, raise the cost: %v", o)
	default:
	}
	s.stop(t)
	if o := <-answered; o.err != nil || !strings.Contains(o.body, "a@example.com") {
		t.Errorf("the running request got %q, %v", o.body, o.err)
	}
	if _, err := http.Get(s.URL + "/healthz"); err == nil {
		t.Error("the server still answers")
	}
}

// TestSeveralInstancesStartAtOnce lets four programs migrate one empty database.
func TestSeveralInstancesStartAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, url string) {
		secret := "GATEHOUSE_SECRET=" + strings.Repeat("one secret ", 4)
		keys := make(chan string, 4)
		for i := range 4 {
			go func() {
				s, code := tryStart(t, "GATEHOUSE_DATABASE_URL="+url, "GATEHOUSE_SECRET_FILE=", secret)
				if s == nil {
					t.Errorf("instance %d: exit code %d", i, code)
					keys <- ""
					return
				}
				defer s.stop(t)
				_, jwks := get(t, s.URL+"/.well-known/jwks.json")
				keys <- jwks
			}()
		}
		first := <-keys
		for range 3 {
			if other := <-keys; other != first {
				t.Errorf("instances sign with different keys: %s and %s", first, other)
			}
		}
	})
}

func get(t testing.TB, url string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Errorf("GET %s: %v", url, err)
		return 0, fmt.Sprint(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Error(err)
	}
	return response.StatusCode, string(text)
}

// TestBadUsageExitsWithTwo holds the exit codes of commands that are not written as they should be.
func TestBadUsageExitsWithTwo(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"unknown command":         {[]string{"nope"}, exitUsage, "unknown command"},
		"unknown flag":            {[]string{"access", "--nope"}, exitUsage, "unknown flag"},
		"help on nothing":         {[]string{"help", "nope"}, exitUsage, "no help on"},
		"admin without a verb":    {[]string{"admin"}, exitUsage, "admin create EMAIL"},
		"admin without address":   {[]string{"admin", "create"}, exitUsage, "one e-mail address"},
		"password as argument":    {[]string{"admin", "create", "a@example.com", "secret"}, exitUsage, "one e-mail address"},
		"check of a missing file": {[]string{"access", "--check", ""}, exitFailed, "access --json"},
		"help":                    {[]string{"help"}, exitDone, ""},
		"help on a command":       {[]string{"help", "migrate", "status"}, exitDone, ""},
		"help on configuration":   {[]string{"help", "config"}, exitDone, ""},
		"version":                 {[]string{"version"}, exitDone, ""},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := command(t, nil, c.args...)
			if code != c.code || !strings.Contains(errs, c.says) || c.code == exitDone && out == "" {
				t.Errorf("exit code %d, output %q, errors %q; want %d and %q", code, out, errs, c.code, c.says)
			}
		})
	}
	if _, out, _ := command(t, nil, "help", "config"); !strings.Contains(out, "GATEHOUSE_DATABASE_URL") {
		t.Errorf("help config lists no variables: %s", out)
	}
}

// TestMigrateTellsTheVersionInASentence migrates, and looks before and after.
func TestMigrateTellsTheVersionInASentence(t *testing.T) {
	env := []string{"GATEHOUSE_DATABASE_URL=" + dbtest.SQLite(t)}
	if code, _, errs := command(t, env, "migrate", "status"); code != exitFailed || !strings.Contains(errs, "gatehouse migrate") {
		t.Errorf("status of no database: exit code %d, %s", code, errs)
	}
	for range 2 {
		if code, out, errs := command(t, env, "migrate"); code != exitDone || out != "The database is at version 3, which is this program's.\n" {
			t.Errorf("migrate: exit code %d, %q, %s", code, out, errs)
		}
	}
	if code, out, _ := command(t, env, "migrate", "status"); code != exitDone || !strings.Contains(out, "version 3") {
		t.Errorf("status: exit code %d, %q", code, out)
	}
}
