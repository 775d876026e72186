package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/dbtest"
)

// fleet is three instances on one Postgres, and a balancer before them. deploy/docker-compose.scale.yml is the same with
// containers.
type fleet struct {
	*stage
	instances []*stage
	servers   []*instance
	proxy     *balancer
	root      string // an administrator's token
}

func newFleet(t *testing.T) *fleet {
	t.Helper()
	f := &fleet{}
	environment := []string{"GATEHOUSE_SECRET_FILE=", sameSecret, sameIssuer, "GATEHOUSE_TRUSTED_PROXIES=127.0.0.1",
		"GATEHOUSE_DATABASE_URL=" + dbtest.Postgres(t)}
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

// lists reports whether users, asked through the balancer, has an address.
func (f *fleet) lists(email string) bool {
	return strings.Contains(f.must(f.root, `{ users(search: "`+email+`") { totalCount edges { node { email } } } }`), `"email":"`+email)
}

func (f *fleet) new(at *stage, email string) (token string) {
	return between(f.t, at.must("", `mutation { register(input: {email: "`+email+`", password: "correct horse battery"}) { accessToken } }`), `"accessToken":"`, `"`)
}

// TestInstances_ThreeBehindAProxyAreOneService is R-018.
func TestInstances_ThreeBehindAProxyAreOneService(t *testing.T) {
	f := newFleet(t)
	defer func() {
		if t.Failed() {
			t.Logf("the first instance's log:\n%s", f.servers[0].Log)
		}
	}()
	t.Run("one service", func(t *testing.T) {
		token := f.new(f.instances[0], "ada@example.com")
		f.instances[1].must(token, me)
		if !f.lists("ada@example.com") {
			t.Error("an administrator's users lacks a new account")
		}
		f.instances[2].must(token, "mutation { logout { success } }")
		soon(t, "it is refused everywhere", time.Second, func() bool {
			return !slices.ContainsFunc(f.instances, func(w *stage) bool {
				return !strings.Contains(w.ask(shape{method: http.MethodPost, query: me}, token), "revoked")
			})
		})
	})
	t.Run("a suspended user", func(t *testing.T) {
		token := f.new(f.instances[0], "late@example.com")
		id := between(t, f.instances[1].must(token, "{ me { id email } }"), `"id":"`, `"`)
		f.must(f.root, `mutation { suspendUser(id: "`+id+`") { user { status } } }`)
		soon(t, "who is suspended is out", time.Second, func() bool {
			return strings.Contains(f.instances[0].ask(shape{method: http.MethodPost, query: me}, token), "revoked")
		})
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
