package e2e

import (
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/servertest"
)

// startOwnGraph starts examples/guard for the users of an issuer.
func startOwnGraph(t *testing.T, issuer string) *servertest.Process {
	t.Helper()
	return servertest.Options{Child: true, Program: servertest.Build(t, "./examples/guard"),
		Args: []string{"-issuer", issuer, "-address", "127.0.0.1:0"}}.Start(t)
}

// TestOwnGraph_HasGatehousesUsersAndItsOwnRules asks examples/guard as two users, an administrator and callers without
// a valid token.
func TestOwnGraph_HasGatehousesUsersAndItsOwnRules(t *testing.T) {
	s := servertest.Start(t)
	ann, bob, admin := s.Register(), s.Register(), s.CreateAdmin()
	graph := startOwnGraph(t, s.URL)
	const draft, publish = `{ draft(id: "3") { title } }`, `mutation { publish(id: "3") { author } }`
	graph.Must(ann.Access, `mutation { write(title: "Hers", text: "x") { id author } }`)
	for _, c := range []struct{ name, token, query, want string }{
		{"public, without a token", "", `{ articles { title } }`, `{"data":{"articles":[`},
		{"public, with a bad token", "a.b.c", `{ articles { title } }`, `{"data":{"articles":[`},
		{"without a token", "", draft, `"reason":"missing"`},
		{"with a bad token", "a.b.c", draft, `"reason":"invalid"`},
		{"with a refresh token", ann.Refresh, draft, `"reason":"invalid"`},
		{"its author", ann.Access, draft, `{"data":{"draft":{"title":"Hers"}}}`},
		{"another user", bob.Access, draft, `"code":"NOT_FOUND"`},
		{"its author publishes", ann.Access, publish, `"code":"FORBIDDEN"`},
		{"an administrator", admin, draft, `{"data":{"draft":{"title":"Hers"}}}`},
		{"an administrator publishes", admin, publish, `{"data":{"publish":{"author":"` + ann.ID + `"}}}`},
	} {
		if a := graph.Ask(c.token, c.query); !a.Has(c.want) {
			t.Errorf("%s: %v, want %s", c.name, a, c.want)
		}
	}
}

// TestOwnGraph_SaysWhenTheIssuerHasAnotherName: localhost finds the Gatehouse's keys, and is not its name.
func TestOwnGraph_SaysWhenTheIssuerHasAnotherName(t *testing.T) {
	s := servertest.Start(t)
	graph := startOwnGraph(t, strings.Replace(s.URL, "127.0.0.1", "localhost", 1))
	for range 2 {
		if a := graph.Ask(s.Register().Access, `{ draft(id: "2") { id } }`); !a.Has(`"reason":"invalid"`) {
			t.Errorf("%v", a)
		}
	}
	log, configured := graph.Log.String(), "configured=http://localhost:"
	if strings.Count(log, "another issuer") != 1 || !strings.Contains(log, "issuer="+s.URL+" "+configured) {
		t.Errorf("the log:\n%s", log)
	}
}
