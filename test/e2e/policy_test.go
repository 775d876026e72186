package e2e

import (
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/graph"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
)

// TestPolicy_HoldsOnTheProductsSchema asks a running server about each row of the policy's table that its schema has a
// case of. The rows of interfaces, unions and subscriptions are held in package authz, on a schema that has them.
func TestPolicy_HoldsOnTheProductsSchema(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, url string) {
		s := newPersonas(t, url)
		account, bob := s.Register(), s.Register().Access
		ann, annID := account.Access, account.ID
		stale := s.Register().Access
		ageSession(t, s.db, stale)
		for _, c := range []struct{ row, token, query, want string }{
			{"a field needs its type's rule and its own", s.Admin(), `{ user(id: "` + annID + `") { email sessions { id } } }`,
				`"code":"NOT_FOUND","coordinate":"User.sessions"`},
			{"a field needs its type's rule and its own", ann, `{ me { sessions { current } } }`,
				`{"data":{"me":{"sessions":[{"current":true}]}}}`},
			{"root fields: introspection follows the Playground", "", `{ __schema { queryType { name } } }`,
				`{"data":{"__schema":{"queryType":{"name":"Query"}}}}`},
			{"decided by type and field, never by name or alias", bob, `query login { login: users { totalCount } }`,
				`"coordinate":"Query.users"`},
			{"decided by type and field, in fragments too", bob,
				`query login { ...login } fragment login on Query { ... { login: users { totalCount } } }`,
				`"coordinate":"Query.users"`},
			{"@skip and @include, with a default", bob,
				`query ($no: Boolean = false) { me { name } users @include(if: $no) { totalCount } }`,
				`{"data":{"me":{"name":null}}}`},
			{"@skip and @include, with a default", bob,
				`query ($no: Boolean = false) { me { name } users @skip(if: $no) { totalCount } }`, `"coordinate":"Query.users"`},
			{"a denial takes nothing with it", bob, `{ me { name } users { totalCount } }`,
				`"coordinate":"Query.users"}}],"data":{"me":{"name":null},"users":null}}`},
			{"a denial takes nothing with it", s.Admin(), `{ user(id: "` + annID + `") { id sessions { id } } }`,
				`"data":{"user":{"id":"` + annID + `","sessions":null}}}`},
			{"an input field that the client supplied", s.Admin(), `{ users(filter: {role: ADMIN}) { totalCount } }`,
				`{"data":{"users":{"totalCount":1}}}`},
			{"query: null and one error a coordinate", bob, `{ me { name } a: user(id: "` + annID + `") { id } b: user(id: "` +
				annID + `") { id } }`, `"a":null,"b":null`},
			{"mutation: one forbidden part refuses all", bob,
				`mutation { updateProfile(input: {name: "Bob"}) { user { id } } suspendUser(id: "` + annID +
					`") { user { id } } }`, `"coordinate":"Mutation.suspendUser"`},
			{"mutation: nothing was written", bob, `{ me { name } }`, `{"data":{"me":{"name":null}}}`},
			{"nothing left to run: no data", "", `{ me { id } users { totalCount } }`, `{"errors":[`},
			{"owner: one's own", ann, `{ me { email } }`, `"email"`},
			{"all violations, the most pressing first", stale, `mutation { suspendUser(id: "` + annID +
				`") { user { id } } deleteAccount { success } }`,
				`"path":["deleteAccount"],"locations":[{"line":1,"column":84}],` +
					`"extensions":{"code":"REAUTHENTICATION_REQUIRED","coordinate":"Mutation.deleteAccount","maxAge":300}},{"message":"Mutation.suspendUser`},
			{"a sign-in decides what is below it", "",
				`mutation { register(input: {email: "carol@example.com", password: "correct horse battery"}) { user { email } } }`, `{"data":{"register":{"user":{"email":"carol@example.com"}}}}`},
		} {
			body := s.Ask(c.token, c.query).Body
			if !strings.Contains(body, c.want) {
				t.Errorf("%s: %s\ngot  %s\nwant %s", c.row, c.query, body, c.want)
			}
			if n := strings.Count(body, `"coordinate":"Query.user"`); n > 1 {
				t.Errorf("%s: %d errors for one coordinate: %s", c.row, n, body)
			}
		}
	})
}

// TestTypesReachedByEveryone_MustSaySo takes the word of a type away that everyone reaches.
func TestTypesReachedByEveryone_MustSaySo(t *testing.T) {
	t.Parallel()
	sdl := strings.Replace(servertest.ReadFile(t, "schema.graphql"), "type AuthPayload @public {", "type AuthPayload {", 1)
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: sdl})
	servertest.Check(t, err)
	_, refused := graph.NewGuard(schema, graph.GuardConfig{})
	if refused == nil || !strings.Contains(refused.Error(), "Mutation.acceptInvitation → AuthPayload.accessToken") {
		t.Errorf("got %v, want a refusal with the path", refused)
	}
}

// TestIntrospection_FollowsThePlayground is the other side of the row above.
func TestIntrospection_FollowsThePlayground(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+dbtest.SQLite(t), "GATEHOUSE_PLAYGROUND=off")
	for _, query := range []string{`{ __schema { queryType { name } } }`, `{ __type(name: "User") { name } }`,
		`{ ...F } fragment F on Query { x: __schema { queryType { name } } }`} {
		if a := s.Ask("", query); !a.Has(`"errors"`) || a.Has(`"name":"`) {
			t.Errorf("%s: %v", query, a)
		}
	}
}
