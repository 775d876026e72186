package abuse

import (
	"cmp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestReads_FloodOfOneCallerLeavesConnectionsToOthers: the database is slow, and one caller has very many reads of one
// root field under way, or sign-ins with addresses that nobody has. Others, in another network, read and sign in nearly
// as fast as without the flood.
func TestReads_FloodOfOneCallerLeavesConnectionsToOthers(t *testing.T) {
	if testing.Short() {
		t.Skip("floods for seconds")
	}
	url := dbtest.Postgres(t)
	proxy := dbtest.NewProxy(t, url)
	s := servertest.Start(t, "GATEHOUSE_LOG=error",
		"GATEHOUSE_TRUSTED_PROXIES=127.0.0.1/32", "GATEHOUSE_DATABASE_URL="+proxy.URL)
	flooder, honest, reader := s.Register(), s.Register(), s.CreateAdmin()
	operations := map[string]servertest.Request{
		"a page":   {Token: reader, Query: "{ users(first: 10) { edges { node { email } } } }", Header: from("192.0.2.1")},
		"a read":   {Token: honest.Access, Query: "{ me { sessions { id } } }", Header: from("192.0.2.2")},
		"a log-in": {Query: honest.Questions()[2], Header: from("192.0.2.3")},
	}
	// fastest is of three, all operations side by side.
	fastest := func() map[string]time.Duration {
		took, mu, all := map[string]time.Duration{}, sync.Mutex{}, sync.WaitGroup{}
		for name, operation := range operations {
			all.Go(func() {
				for range 3 {
					a := s.Do(operation)
					mu.Lock()
					if took[name] = min(cmp.Or(took[name], a.Took), a.Took); !a.OK() {
						t.Errorf("%s: %v", name, a)
					}
					mu.Unlock()
				}
			})
		}
		all.Wait()
		return took
	}
	proxy.Delay(slowness)
	t.Cleanup(proxy.Pass)
	usual, floods := fastest(), 0
	for name, flood := range readsOf(flooder) {
		if name != "me" && !testenv.Long("expensive") {
			continue
		}
		flood.Header = from("198.51.100.7")
		if s.Do(flood).Took < slowness {
			continue // it does not come to the database
		}
		floods++
		stop, all := make(chan struct{}), sync.WaitGroup{}
		for range 280 {
			all.Go(func() { until(stop, func() { s.Do(flood) }) })
		}
		time.Sleep(6 * slowness)
		took := fastest()
		for tries := 1; tries < 3 && slowed(usual, took) != ""; tries++ { // the machine may do something else meanwhile
			took = fastest()
		}
		close(stop)
		proxy.Pass() // what is under way need not be slow
		all.Wait()
		proxy.Delay(slowness)
		t.Logf("during a flood of %s: %v, usually %v", name, took, usual)
		if operation := slowed(usual, took); operation != "" {
			t.Errorf("%s takes %v during a flood of %s, and %v otherwise", operation, took[operation], name, usual[operation])
		}
	}
	if floods == 0 || floods < 3 && testenv.Long("expensive") {
		t.Errorf("only %d fields read the database", floods)
	}
}

// slowed is an operation that takes several times as long as usually, "" when none does.
func slowed(usual, took map[string]time.Duration) string {
	for operation, d := range took {
		if d > 4*usual[operation] {
			return operation
		}
	}
	return ""
}

// slowness is of each answer of the database.
const slowness = 50 * time.Millisecond

// readsOf returns for each root field that reads a request of an account that makes it read the database, and a sign-in.
func readsOf(a servertest.Account) map[string]servertest.Request {
	all := map[string]servertest.Request{"login": {Query: `mutation { login(input: {email: "nobody@example.com", password: "` +
		servertest.Password + `"}) { accessToken } }`}}
	for _, f := range schema.Query.Fields {
		if !strings.HasPrefix(f.Name, "__") {
			query := "{" + f.Name + servertest.Arguments(schema, f, map[string]string{"id": servertest.JSON(a.ID)}) + "{__typename " +
				lists(f.Type) + "}}"
			all[f.Name] = servertest.Request{Token: a.Access, Query: query}
		}
	}
	return all
}

// lists selects the lists of objects that a type has, or a type that implements it, and nothing of these.
func lists(typ *ast.Type) (selected string) {
	for _, def := range append(schema.GetPossibleTypes(schema.Types[typ.Name()]), schema.Types[typ.Name()]) {
		for _, f := range def.Fields {
			if f.Type.Elem != nil && !schema.Types[f.Type.Name()].IsLeafType() {
				selected += "... on " + def.Name + "{" + f.Name + "{__typename}}"
			}
		}
	}
	return selected
}
