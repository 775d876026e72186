package main

import (
	"database/sql"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/graph"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/pgtemp"
)

// fleet is three instances on one Postgres with a streaming replica, and a balancer before them. deploy/docker-compose.scale.yml
// is the same with containers.
type fleet struct {
	*stage
	primary, replica *pgtemp.Cluster
	instances        []*stage
	copy             *sql.DB // the replica
	servers          []*instance
	proxy            *balancer
	root             string // an administrator's token
}

func newFleet(t *testing.T) *fleet {
	t.Helper()
	f := &fleet{primary: dbtest.NewCluster(t)}
	var err error
	if f.replica, err = f.primary.Replica(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.replica.Close() })
	if f.copy, err = sql.Open("postgres", f.replica.URL("postgres")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.copy.Close() })
	environment := []string{"GATEHOUSE_SECRET_FILE=", sameSecret, sameIssuer, "GATEHOUSE_TRUSTED_PROXIES=127.0.0.1",
		"GATEHOUSE_DATABASE_URL=" + f.primary.URL("postgres"), "GATEHOUSE_REPLICA_URL=" + f.replica.URL("postgres")}
	var urls []string
	for range 3 {
		s := start(t, environment...)
		urls = append(urls, s.URL)
		f.instances = append(f.instances, &stage{t: t, url: s.URL})
		f.servers = append(f.servers, s)
	}
	f.proxy = newBalancer(t, urls...)
	f.stage = &stage{t: t, url: f.proxy.URL}
	var out strings.Builder
	if code := run(t.Context(), world{Args: []string{"admin", "create", "root@example.com"}, Stdin: strings.NewReader("the root of it all\n"),
		Env: slices.DeleteFunc(environment, func(e string) bool { return e == "GATEHOUSE_SECRET_FILE=" }), Stdout: &out, Stderr: &out}); code != exitDone {
		t.Fatal(out.String())
	}
	f.root = f.admin()
	return f
}

func (f *fleet) pause(t *testing.T)  { f.onCopy(t, "SELECT pg_wal_replay_pause()") }
func (f *fleet) resume(t *testing.T) { f.onCopy(t, "SELECT pg_wal_replay_resume()") }

func (f *fleet) onCopy(t *testing.T, q string) {
	t.Helper()
	if _, err := f.copy.Exec(q); err != nil {
		t.Fatal(err)
	}
}

// lists reports whether users, asked through the balancer, has an address.
func (f *fleet) lists(email string) bool {
	return strings.Contains(f.must(f.root, `{ users(search: "`+email+`") { totalCount edges { node { email } } } }`), `"email":"`+email)
}

func (f *fleet) new(at *stage, email string) (token string) {
	return between(f.t, at.must("", `mutation { register(input: {email: "`+email+`", password: "correct horse battery"}) { accessToken } }`), `"accessToken":"`, `"`)
}

func (f *fleet) said(line string) (times int) {
	for _, s := range f.servers {
		times += strings.Count(s.Log.String(), line)
	}
	return times
}

// TestThreeInstancesWithAReplicaAreOne is R-018, and part 5 of the issue: what decides security never comes from the
// replica, however far behind that is; the directory does, until the replica is too old or away.
func TestThreeInstancesWithAReplicaAreOne(t *testing.T) {
	if testing.Short() {
		t.Skip("waits until a replica is too old")
	}
	f := newFleet(t)
	defer func() {
		if t.Failed() {
			t.Logf("the first instance's log:\n%s", f.servers[0].Log)
		}
	}()
	soon(t, "all instances ask the replica", 10*time.Second, func() bool { return f.said("the replica is asked") == 3 })

	t.Run("one service", func(t *testing.T) {
		token := f.new(f.instances[0], "ada@example.com")
		f.instances[1].must(token, me)
		f.instances[2].must(token, "mutation { logout { success } }")
		soon(t, "it is refused everywhere", time.Second, func() bool {
			return !slices.ContainsFunc(f.instances, func(w *stage) bool {
				return !strings.Contains(w.ask(shape{method: http.MethodPost, query: me}, token), "revoked")
			})
		})
	})
	t.Run("a replica that lags", func(t *testing.T) {
		f.pause(t)
		defer f.resume(t)
		token := f.new(f.instances[0], "late@example.com")
		id := between(t, f.instances[1].must(token, "{ me { id email } }"), `"id":"`, `"`) // not on the replica
		if f.lists("late@example.com") {
			t.Error("users is not read from the replica: what follows shows nothing")
		}
		if body := f.must(f.root, `{ user(id: "`+id+`") { email } }`); !strings.Contains(body, "late@example.com") {
			t.Errorf("user, of one who is younger than the replica: %s", body)
		}
		if body := f.instances[2].ask(shape{method: http.MethodPost, query: `mutation { login(input: {email: "late@example.com", password: "correct horse battery"}) { user { email sessions { id } } } }`}, ""); strings.Count(body, `"id"`) != 2 {
			t.Errorf("login, and the sessions of the answer: %s", body)
		}
		f.must(f.root, `mutation { suspendUser(id: "`+id+`") { user { status } } }`)
		soon(t, "who is suspended is out", time.Second, func() bool {
			return strings.Contains(f.instances[0].ask(shape{method: http.MethodPost, query: me}, token), "revoked")
		})
		took := soon(t, "a replica that is too old is not asked", 15*time.Second, func() bool { return f.lists("late@example.com") })
		t.Logf("the primary answers after %v", took)
		soon(t, "each instance says so", 5*time.Second, func() bool { return f.said("the replica is not asked") == 3 })
		f.resume(t)
		soon(t, "the replica is asked again", 10*time.Second, func() bool { return f.said("the replica is asked") == 6 })
	})
	t.Run("a replica that is away", func(t *testing.T) {
		lines := f.said("the replica is not asked")
		if err := f.replica.Kill(); err != nil {
			t.Fatal(err)
		}
		for range 30 {
			if !f.lists("ada@example.com") {
				t.Error("users is wrong")
			}
		}
		soon(t, "each instance says so", 5*time.Second, func() bool { return f.said("the replica is not asked") == lines+3 })
		if err := f.replica.Start(); err != nil {
			t.Fatal(err)
		}
		soon(t, "the replica is asked again", 10*time.Second, func() bool { return f.said("the replica is asked") == 9 })
		if n := f.said("the replica is not asked"); n != lines+3 {
			t.Errorf("%d lines about one loss, want 3", n-lines)
		}
	})
	t.Run("an instance that is away", func(t *testing.T) {
		token := f.new(f.instances[0], "grace@example.com")
		f.servers[0].stop(t)
		soon(t, "the proxy turns away", 5*time.Second, func() bool { return !f.proxy.takes(0) })
		for range 6 {
			f.must(token, me)
		}
		f.must(token, "mutation { logout { success } }")
	})
}

// TestAReplicaThatIsNoneIsNotAsked: the primary itself, by mistake, or a replica that was promoted.
func TestAReplicaThatIsNoneIsNotAsked(t *testing.T) {
	databaseURL := dbtest.Postgres(t)
	s := start(t, "GATEHOUSE_SECRET_FILE=", sameSecret, "GATEHOUSE_DATABASE_URL="+databaseURL, "GATEHOUSE_REPLICA_URL="+databaseURL)
	soon(t, "the log says so", 5*time.Second, func() bool { return strings.Contains(s.Log.String(), "it is not a standby") })
	if strings.Contains(s.Log.String(), "the replica is asked") {
		t.Error("it is asked")
	}
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = "127.0.0.1:1"
	away := start(t, "GATEHOUSE_SECRET_FILE=", sameSecret, "GATEHOUSE_DATABASE_URL="+databaseURL, "GATEHOUSE_REPLICA_URL="+u.String()) // the start does not wait for it
	soon(t, "the log says so", 5*time.Second, func() bool { return strings.Contains(away.Log.String(), "the replica is not asked") })
	for url, want := range map[string]string{"sqlite:x.db": "a Postgres beside a Postgres", "mysql://h": "the URL cannot be read"} {
		if _, err := readSettings([]string{"GATEHOUSE_DATABASE_URL=" + databaseURL, "GATEHOUSE_REPLICA_URL=" + url, sameSecret}); err == nil || !strings.Contains(err.Error(), "GATEHOUSE_REPLICA_URL: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// TestNoMutationAnswersFromTheReplica holds that what only the directory gives is out of a mutation's reach: whoever has
// just written something reads it in the same answer.
func TestNoMutationAnswersFromTheReplica(t *testing.T) {
	schema := graph.NewSchema(nil).Schema()
	reached := map[string]bool{}
	var reach func(name string)
	reach = func(name string) {
		if reached[name] || schema.Types[name] == nil {
			return
		}
		reached[name] = true
		for _, f := range schema.Types[name].Fields {
			reach(f.Type.Name())
		}
	}
	reach(schema.Mutation.Name)
	if reached["UserConnection"] || reached[schema.Query.Name] || !reached["Session"] {
		t.Errorf("mutations reach %v", reached)
	}
}
