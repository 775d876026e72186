package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/cli"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestBadConfiguration_StopsTheStartWithASentence holds each refusal against what it must name.
func TestBadConfiguration_StopsTheStartWithASentence(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	sqlite, issuer := "GATEHOUSE_DATABASE_URL=sqlite:"+path, "GATEHOUSE_ISSUER=https://id.example.com"
	for name, c := range map[string]struct {
		env  []string
		says []string
	}{
		"unknown name": {[]string{"GATEHOUSE_ADRR=x"}, []string{"GATEHOUSE_ADRR", "help config"}},
		"address":      {[]string{"GATEHOUSE_ADDR=nonsense"}, []string{"GATEHOUSE_ADDR", "HOST:PORT"}},
		"no issuer":    {[]string{"GATEHOUSE_ADDR=0.0.0.0:0"}, []string{"GATEHOUSE_ISSUER", "required"}},
		"line break":   {[]string{"GATEHOUSE_AUDIENCE=api\n"}, []string{"GATEHOUSE_AUDIENCE", "line break"}},
		"duration":     {[]string{"GATEHOUSE_ACCESS_TTL=soon"}, []string{"GATEHOUSE_ACCESS_TTL", "soon"}},
		"database":     {[]string{"GATEHOUSE_DATABASE_URL=mysql://x"}, []string{"sqlite:PATH", "postgres://"}},
		"Postgres without secret": {[]string{"GATEHOUSE_DATABASE_URL=postgres://u@127.0.0.1:1/x"},
			[]string{"GATEHOUSE_SECRET", "required"}},
		"short secret": {[]string{sqlite, "GATEHOUSE_SECRET=short"}, []string{"GATEHOUSE_SECRET", "32"}},
		"signing key": {[]string{sqlite, "GATEHOUSE_SIGNING_KEY=/nowhere.pem"},
			[]string{"GATEHOUSE_SIGNING_KEY", "/nowhere.pem"}},
		"limits":   {[]string{sqlite, "GATEHOUSE_LIMITS=deep=3"}, []string{"GATEHOUSE_LIMITS", "deep"}},
		"throttle": {[]string{sqlite, "GATEHOUSE_THROTTLE=pairs=3"}, []string{"GATEHOUSE_THROTTLE", "pairs"}},
		"no throttle": {[]string{sqlite, "GATEHOUSE_ADDR=0.0.0.0:0", issuer, "GATEHOUSE_THROTTLE=off"},
			[]string{"GATEHOUSE_THROTTLE", "loopback"}},
		"cheap hashing": {[]string{sqlite, "GATEHOUSE_ADDR=0.0.0.0:0", issuer, "GATEHOUSE_ARGON2=m=64,t=1,p=1"},
			[]string{"GATEHOUSE_ARGON2", "loopback"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := servertest.Command(t, c.env, "")
			if o.Code != cli.ExitFailed || o.Stdout != "" {
				t.Errorf("%+v; want exit code %d and no output", o, cli.ExitFailed)
			}
			if _, err := os.Stat(path); err == nil {
				t.Error("the database was made all the same")
			}
			for _, word := range c.says {
				if !strings.Contains(o.Stderr, word) {
					t.Errorf("the refusal does not say %q: %s", word, o.Stderr)
				}
			}
		})
	}
}

// TestGoodConfiguration_Starts is the twin of the refusals.
func TestGoodConfiguration_Starts(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, "GATEHOUSE_ACCESS_TTL=1m", "GATEHOUSE_PORT=tcp://10.0.0.1:8080",
		servertest.NewSigningKey(t).Setting,
		"GATEHOUSE_LIMITS=depth=5", "GATEHOUSE_THROTTLE=account=9,network=2000", "GATEHOUSE_LOG=debug,json",
		"GATEHOUSE_PLAYGROUND=off")
	if a := s.Get("/healthz"); a.Status != 200 || a.Body != "ok\n" {
		t.Errorf("/healthz: %v", a)
	}
	if a := s.Get("/schema.graphql"); a.Status != 404 {
		t.Errorf("/schema.graphql with the Playground off: %v, want 404", a)
	}
	if strings.Contains(s.Log.String(), "WARN") {
		t.Errorf("a warning:\n%s", s.Log)
	}
}

// TestSigningKey_ThatEveryUserMayReadIsWarnedOf with how to mend it. TestGoodConfiguration_Starts is the twin.
func TestSigningKey_ThatEveryUserMayReadIsWarnedOf(t *testing.T) {
	t.Parallel()
	setting := servertest.NewSigningKey(t).Setting
	path := strings.TrimPrefix(setting, "GATEHOUSE_SIGNING_KEY=")
	servertest.Check(t, os.Chmod(path, 0o644))
	s := servertest.Start(t, setting)
	if want := "chmod o= " + path; !strings.Contains(s.Log.String(), want) {
		t.Errorf("no %q:\n%s", want, s.Log)
	}
}

func TestSecret_OfAnotherDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, url string) {
		database := "GATEHOUSE_DATABASE_URL=" + url
		servertest.Start(t, database, servertest.Secret).Stop()
		o := servertest.StartRefused(t, database, "GATEHOUSE_SECRET="+strings.Repeat("other secret,", 4))
		testenv.Equal(t, cli.ExitFailed, o.Code, "another secret: %+v", o)
		servertest.Start(t, database, servertest.Secret) // the twin: with its own secret it starts again
	})
}

// TestNewerDatabase_IsRefused with both versions in the sentence, and is not changed.
func TestNewerDatabase_IsRefused(t *testing.T) {
	t.Parallel()
	url := dbtest.SQLite(t)
	servertest.Start(t, "GATEHOUSE_DATABASE_URL="+url, servertest.Secret).Stop()
	servertest.Exec(t, servertest.OpenDB(t, url), "INSERT INTO gatehouse_db_version (version_id, is_applied) VALUES (9000, 1)")
	o := servertest.StartRefused(t, "GATEHOUSE_DATABASE_URL="+url, servertest.Secret)
	if o.Code != cli.ExitFailed || !strings.Contains(o.Stderr, "9000") || !strings.Contains(o.Stderr, "newer") {
		t.Errorf("%+v", o)
	}
}

// TestPostgresThatIsDown_IsWaitedFor starts a server first and its database after.
func TestPostgresThatIsDown_IsWaitedFor(t *testing.T) {
	t.Parallel()
	cluster := dbtest.NewServer(t)
	url := cluster.URL("postgres")
	servertest.Check(t, cluster.Stop())
	log := &servertest.Buffer{}
	go func() {
		for strings.Count(log.String(), "does not answer") < 2 { // one a second
			time.Sleep(10 * time.Millisecond)
		}
		if err := cluster.Start(); err != nil {
			t.Error(err)
		}
	}()
	s := servertest.Options{Log: log}.Start(t, "GATEHOUSE_DATABASE_URL="+url)
	if !s.Ready() {
		t.Error("not ready")
	}
}

func TestPostgresThatNeverComes_FailsTheStart(t *testing.T) {
	if testing.Short() {
		t.Skip("waits 30 s")
	}
	t.Parallel()
	o := servertest.StartRefused(t, "GATEHOUSE_DATABASE_URL=postgres://u:hunter2@127.0.0.1:1/x", servertest.Secret)
	lines := strings.Count(o.Stderr, "does not answer")
	if o.Code != cli.ExitFailed || o.Stdout != "" || lines < 2 || lines > 31 || strings.Contains(o.Stderr, "hunter2") {
		t.Errorf("%d lines; want one a second at most, for 30 s, and no password: %+v", lines, o)
	}
}

// TestMalformedRequest_LeavesItsPasswordNowhere sends bodies that are not as they should be, with a password in them.
func TestMalformedRequest_LeavesItsPasswordNowhere(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, "GATEHOUSE_LOG=debug")
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
			a := s.Do(servertest.Request{Body: c.body, Header: []string{"Accept", "application/json"}})
			if a.Err != nil || a.Status != c.status || a.Code() == "" {
				t.Errorf("%v; want %d and an error with its code", a, c.status)
			}
			if a.Has("CANARY-7") {
				t.Errorf("the answer repeats the password: %v", a)
			}
		})
	}
	if strings.Contains(s.Log.String(), "CANARY-7") {
		t.Errorf("the log has the password:\n%s", s.Log)
	}
}

// TestStop_LetsARunningRequestFinish asks the server to end while a request is under way.
func TestStop_LetsARunningRequestFinish(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, servertest.Hashing...)
	answered := s.BeginHashing()
	s.Stop()
	if a := <-answered; !a.OK() {
		t.Errorf("the running request got %v", a)
	}
	if a := s.Do(servertest.Request{Method: "GET", Path: "/healthz"}); a.Err == nil {
		t.Error("the server still answers")
	}
}

// TestInstances_StartSimultaneously lets four programs migrate one empty database.
func TestInstances_StartSimultaneously(t *testing.T) {
	t.Parallel()
	dbtest.EachEmpty(t, func(t *testing.T, url string) {
		var keys [4]string
		var all sync.WaitGroup
		for i := range keys {
			all.Go(func() {
				s, code := servertest.Options{}.TryStart(t, "GATEHOUSE_DATABASE_URL="+url, servertest.Secret)
				if s == nil {
					t.Errorf("instance %d: exit code %d", i, code)
					return
				}
				keys[i] = s.Get("/.well-known/jwks.json").Body
			})
		}
		all.Wait()
		for _, other := range keys[1:] {
			if other != keys[0] {
				t.Errorf("instances sign with different keys: %s and %s", keys[0], other)
			}
		}
	})
}
