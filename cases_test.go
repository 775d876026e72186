package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/dbtest"
)

// TestCasesOfTheReference has the cases that no other test is about, by their ids; docs/security.md has them all.
func TestCasesOfTheReference(t *testing.T) {
	h := closedServer(t)
	ask := func(r *http.Request) (int, string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	post := func(query string, more ...string) (int, string) {
		return ask(graphqlPost(`{"query":`+jsonText(query)+strings.Join(more, "")+`}`, "Accept", "application/json"))
	}
	refused := func(t *testing.T, answer, code string) {
		t.Helper()
		if !strings.Contains(answer, `"code":"`+code+`"`) || strings.Contains(answer, `"data":{`) {
			t.Errorf("want %s: %s", code, answer)
		}
	}
	_, answer := post(`mutation{register(input:{email:"ann@example.com",password:"correct horse battery"}){accessToken}}`)
	token := between(t, answer, `"accessToken":"`, `"`)
	signedIn := func(query string) string {
		_, answer := ask(graphqlPost(`{"query":`+jsonText(query)+`}`, "Authorization", "Bearer "+token))
		return answer
	}

	t.Run("G-009 a name of an operation that is no name", func(t *testing.T) {
		for _, name := range []string{"B", `A\r\nlevel=ERROR`, `\u001b[31mA`, strings.Repeat("A", 30_000)} {
			_, answer := post("query A{me{id}} query C{me{id}}", `,"operationName":"`+name+`"`)
			refused(t, answer, unfitting)
		}
		_, answer := post("query A{__typename} query C{me{id}}", `,"operationName":"A"`)
		if !strings.Contains(answer, `"data":{"__typename":"Query"}`) {
			t.Errorf("the twin: %s", answer)
		}
	})
	t.Run("G-031 no IDE where the Playground is off", func(t *testing.T) {
		for _, path := range []string{"/", "/graphiql", "/playground", "/altair", "/voyager", "/console", "/access", "/schema.graphql", "/assets/"} {
			if status, _ := ask(httptest.NewRequest(http.MethodGet, path, nil)); status != 404 {
				t.Errorf("%s: %d", path, status)
			}
		}
		r := httptest.NewRequest(http.MethodGet, "/graphql", nil)
		r.Header.Set("Accept", "text/html")
		if status, answer := ask(r); status != 406 || strings.Contains(answer, "<") {
			t.Errorf("/graphql for a browser: %d %s", status, answer)
		}
	})
	t.Run("G-046 G-050 A-054 A-032 what an input does not have cannot be set", func(t *testing.T) {
		for _, field := range []string{`role:ADMIN`, `roles:[ADMIN]`, `id:"x"`, `userId:"x"`, `emailVerified:true`, `status:ACTIVE`, `createdAt:"x"`, `passwordHash:"x"`} {
			for _, query := range []string{
				`mutation{register(input:{email:"b@example.com",password:"correct horse battery",` + field + `}){tokenType}}`,
				`mutation{updateProfile(input:{name:"B",` + field + `}){user{name}}}`,
				`{users(filter:{` + strings.Replace(field, "role:ADMIN", "token:1", 1) + `,secret:1}){totalCount}}`,
			} {
				_, answer := post(query)
				refused(t, answer, unfitting)
			}
			name, _, _ := strings.Cut(field, ":")
			_, answer := post(`mutation($i:RegisterInput!){register(input:$i){tokenType}}`,
				`,"variables":{"i":{"email":"b@example.com","password":"correct horse battery","`+name+`":["ADMIN"]}}`)
			refused(t, answer, unfitting)
		}
		if answer := signedIn(`{me{name roles status}}`); !strings.Contains(answer, `{"name":null,"roles":["USER"],"status":"ACTIVE"}`) {
			t.Errorf("%s", answer)
		}
	})
	t.Run("G-049 SQL in every text", func(t *testing.T) {
		for _, text := range []string{`' OR '1'='1`, `x'; DROP TABLE users; --`, `%' UNION SELECT 1,2,3 --`, `\' OR 1=1 --`} {
			quoted := jsonText(text)
			_, answer := post(`mutation{login(input:{email:` + quoted + `,password:` + quoted + `}){tokenType}}`)
			refused(t, answer, "INVALID_CREDENTIALS")
			_, answer = post(`mutation{refresh(input:{refreshToken:` + quoted + `}){tokenType}}`)
			refused(t, answer, "INVALID_TOKEN")
			refused(t, signedIn(`mutation{revokeSession(id:`+quoted+`){session{id}}}`), badInput)
			if answer := signedIn(`mutation{updateProfile(input:{name:` + quoted + `}){user{name}}}`); !strings.Contains(answer, `"name":`+quoted) {
				t.Errorf("the text is not kept as it is: %s", answer)
			}
		}
	})
	t.Run("G-063 persisted queries are not offered", func(t *testing.T) {
		const extension = `"extensions":{"persistedQuery":{"version":1,"sha256Hash":"ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38"}}`
		_, answer := ask(graphqlPost(`{` + extension + `}`))
		refused(t, answer, badInput)
		if _, answer := post("{__typename}", ","+extension); !strings.Contains(answer, `"data":{"__typename":"Query"}`) {
			t.Errorf("the twin: %s", answer)
		}
		_, answer = ask(graphqlPost(`{` + extension + `}`)) // it was not registered by the twin
		refused(t, answer, badInput)
	})
	t.Run("G-074 G-075 answers say nothing of the server", func(t *testing.T) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, graphqlPost(`{"query":"{__typename}"}`))
		if w.Body.String() != `{"data":{"__typename":"Query"}}` || w.Header().Get("Server")+w.Header().Get("X-Powered-By") != "" {
			t.Errorf("%v %s", w.Header(), w.Body)
		}
	})
}

// TestAnAnswerIsBounded is G-082: somebody with a hundred sessions, each of a client with a long name, asks for all of
// them as often as they may.
func TestAnAnswerIsBounded(t *testing.T) {
	s := start(t, "GATEHOUSE_DATABASE_URL="+dbtest.SQLite(t))
	agent := strings.Repeat("🦊", 256)
	ask := func(query string, header ...string) string {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/graphql", strings.NewReader(`{"query":`+jsonText(query)+`}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	const who = `(input:{email:"ann@example.com",password:"correct horse battery"}){accessToken}`
	token := between(t, ask("mutation{register"+who+"}"), `"accessToken":"`, `"`)
	for range 99 {
		ask("mutation{login"+who+"}", "User-Agent", agent)
	}
	asMe := func(query string) string { return ask(query, "Authorization", "Bearer "+token) }

	all := "{sessions{id current createdAt lastUsedAt expiresAt userAgent ip}}"
	one := asMe("{me" + all + "}")
	if n := strings.Count(one, agent); n < 98 || len(one) > 1<<20 {
		t.Errorf("once: %d sessions in %d bytes", n, len(one))
	}
	many := asMe("{me" + all + repeat(9, "a%d:me"+all) + "}")
	t.Logf("once %d bytes, ten times %d", len(one), len(many))
	if len(many) > 2<<10 || !strings.Contains(many, `"LIMIT_EXCEEDED"`) || !strings.Contains(many, `"data":null`) {
		t.Errorf("ten times: %d bytes: %.300s", len(many), many)
	}
	if got := asMe("{me{sessions{" + strings.Repeat("x", 60_000) + ":id}}}"); !strings.Contains(got, `"limit":"aliases"`) {
		t.Errorf("a long alias: %.300s", got)
	}
	if got := asMe(fmt.Sprintf("{me{sessions{%s:id}}}", strings.Repeat("x", 100))); strings.Contains(got, `"errors"`) {
		t.Errorf("the twin: %.300s", got)
	}
}
