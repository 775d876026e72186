package e2e

import (
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/servertest"
)

// refused checks that an answer has a code, and no data.
func refused(t *testing.T, a servertest.Answer, code string) {
	t.Helper()
	if a.Code() != code || a.Has(`"data":{`) {
		t.Errorf("want %s: %v", code, a)
	}
}

// TestReferenceCases has cases of the lists that attackers use, which no other test is about.
func TestReferenceCases(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, "GATEHOUSE_PLAYGROUND=off")

	t.Run("a name of an operation that is no name", func(t *testing.T) {
		for _, name := range []string{"B", `A\r\nlevel=ERROR`, `\u001b[31mA`, strings.Repeat("A", 30_000)} {
			a := s.Do(servertest.Request{Body: `{"query":"query A{me{id}} query C{me{id}}","operationName":"` + name + `"}`})
			refused(t, a, "GRAPHQL_VALIDATION_FAILED")
		}
		a := s.Do(servertest.Request{Query: "query A{__typename} query C{me{id}}", Operation: "A"})
		if !a.Has(`"data":{"__typename":"Query"}`) {
			t.Errorf("the twin: %v", a)
		}
	})
	t.Run("no IDE where the Playground is off", func(t *testing.T) {
		for _, path := range []string{"/", "/graphiql", "/playground", "/altair", "/voyager", "/console", "/access",
			"/schema.graphql", "/assets/"} {
			if a := s.Get(path); a.Status != 404 {
				t.Errorf("%s: %v", path, a)
			}
		}
		if a := s.Get("/graphql", "Accept", "text/html"); a.Status != 406 || a.Has("<") {
			t.Errorf("/graphql for a browser: %v", a)
		}
	})
	t.Run("persisted queries are not offered", func(t *testing.T) {
		const extension = `"extensions":{"persistedQuery":{"version":1,"sha256Hash":"ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38"}}`
		alone, withQuery := servertest.Request{Body: `{` + extension + `}`},
			servertest.Request{Body: `{"query":"{__typename}",` + extension + `}`}
		refused(t, s.Do(alone), "PERSISTED_QUERY_NOT_SUPPORTED")
		if a := s.Do(withQuery); !a.Has(`"data":{"__typename":"Query"}`) {
			t.Errorf("the twin: %v", a)
		}
		refused(t, s.Do(alone), "PERSISTED_QUERY_NOT_SUPPORTED") // the twin has not registered it
	})
	t.Run("answers say nothing of the server", func(t *testing.T) {
		if a := s.Ask("", "{__typename}"); a.Body != `{"data":{"__typename":"Query"}}` ||
			a.Header.Get("Server")+a.Header.Get("X-Powered-By") != "" {
			t.Errorf("%v %v", a.Header, a)
		}
	})
}

// TestInput_SetsNothingThatItDoesNotHave: roles, ids, and what only the server writes.
func TestInput_SetsNothingThatItDoesNotHave(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, "GATEHOUSE_PLAYGROUND=off")
	token := s.Register().Access
	for _, field := range []string{`role:ADMIN`, `roles:[ADMIN]`, `id:"x"`, `userId:"x"`, `emailVerified:true`,
		`status:ACTIVE`, `createdAt:"x"`, `passwordHash:"x"`} {
		for _, query := range []string{
			`mutation{register(input:{email:"b@example.com",password:"correct horse battery",` + field + `}){tokenType}}`,
			`mutation{updateProfile(input:{name:"B",` + field + `}){user{name}}}`,
			`{users(filter:{` + strings.Replace(field, "role:ADMIN", "token:1", 1) + `,secret:1}){totalCount}}`,
		} {
			refused(t, s.Ask("", query), "GRAPHQL_VALIDATION_FAILED")
		}
		name, _, _ := strings.Cut(field, ":")
		input := map[string]any{"email": "b@example.com", "password": servertest.Password, name: []string{"ADMIN"}}
		refused(t, s.Do(servertest.Request{Query: `mutation($i:RegisterInput!){register(input:$i){tokenType}}`,
			Variables: map[string]any{"i": input}}), "GRAPHQL_VALIDATION_FAILED")
	}
	if a := s.Ask(token, `{me{name roles status}}`); !a.Has(`{"name":null,"roles":["USER"],"status":"ACTIVE"}`) {
		t.Error(a)
	}
}

// TestSQL_InATextIsStoredAsText sends it in every text of every input.
func TestSQL_InATextIsStoredAsText(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, "GATEHOUSE_PLAYGROUND=off")
	token := s.Register().Access
	for _, text := range []string{`' OR '1'='1`, `x'; DROP TABLE users; --`, `%' UNION SELECT 1,2,3 --`, `\' OR 1=1 --`} {
		quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
		refused(t, s.Ask("", `mutation{login(input:{email:`+quoted+`,password:`+quoted+`}){tokenType}}`), "INVALID_CREDENTIALS")
		refused(t, s.Ask("", `mutation{refresh(input:{refreshToken:`+quoted+`}){tokenType}}`), "INVALID_TOKEN")
		refused(t, s.Ask(token, `mutation{revokeSession(id:`+quoted+`){session{id}}}`), "BAD_USER_INPUT")
		if a := s.Ask(token, `mutation{updateProfile(input:{name:`+quoted+`}){user{name}}}`); !a.Has(`"name":` + quoted) {
			t.Errorf("the text is not stored as it is: %v", a)
		}
	}
}

// TestAnswer_IsBounded: a user with a hundred sessions, each of a client with a long name, asks for all of them
// as often as a query may.
func TestAnswer_IsBounded(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	agent := strings.Repeat("🦊", 256)
	user := s.Register()
	for range 99 {
		s.Ask("", user.Questions()[2], "User-Agent", agent)
	}
	ask := func(query string) string { return s.Ask(user.Access, query).Body }

	all := "{sessions{id current createdAt lastUsedAt expiresAt userAgent ip}}"
	one := ask("{me" + all + "}")
	if n := strings.Count(one, agent); n < 98 || len(one) > 1<<20 {
		t.Errorf("once: %d sessions in %d bytes", n, len(one))
	}
	var nine strings.Builder
	for _, alias := range "abcdefghi" {
		nine.WriteString(" " + string(alias) + ":me" + all)
	}
	ten := ask("{me" + all + nine.String() + "}")
	t.Logf("once %d bytes, ten times %d", len(one), len(ten))
	if len(ten) > 2<<10 || !strings.Contains(ten, `"LIMIT_EXCEEDED"`) || !strings.Contains(ten, `"data":null`) {
		t.Errorf("ten times: %d bytes: %.300s", len(ten), ten)
	}
	if got := ask("{me{sessions{" + strings.Repeat("x", 60_000) + ":id}}}"); !strings.Contains(got, `"limit":"aliases"`) {
		t.Errorf("a long alias: %.300s", got)
	}
	if got := ask("{me{sessions{" + strings.Repeat("x", 100) + ":id}}}"); strings.Contains(got, `"errors"`) {
		t.Errorf("the twin: %.300s", got)
	}
}
