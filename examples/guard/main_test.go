package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/authz"
	"github.com/gatehouse/gatehouse/examples/guard/graph"
)

var (
	anonymous = http.Header{}
	author    = http.Header{"X-User": {"ann"}}
	otherUser = http.Header{"X-User": {"bob"}}
	editor    = http.Header{"X-User": {"eve"}, "X-Roles": {"EDITOR"}}
	proved    = http.Header{"X-User": {"eve"}, "X-Roles": {"EDITOR"}, "X-Mfa": {"yes"}}
)

const (
	articles  = `{ articles { title author } }`
	draft     = `query($id: ID!) { draft(id: $id) { title } }`
	publish   = `mutation { publish(id: "2") { title } }`
	retract   = `mutation { retract(id: "1") { title } }`
	published = `{"data":{"articles":[{"title":"Installation","author":"ann"}]}}`
	annsDraft = `{"data":{"draft":{"title":"Upgrading"}}}`
)

func TestArticles_AreListedForEveryone(t *testing.T) {
	s := start(t)
	for _, who := range []http.Header{anonymous, otherUser, author, editor} {
		s.want(who, articles, published)
	}
}

func TestDraft_IsShownToItsAuthorAndToEditors(t *testing.T) {
	s := start(t)
	s.want(author, draft, annsDraft)
	s.want(editor, draft, annsDraft)
}

func TestDraft_OfAnotherAuthorLooksMissing(t *testing.T) {
	s := start(t)
	foreign, missing := s.ask(otherUser, draft, "2"), s.ask(otherUser, draft, "99")
	if foreign != missing {
		t.Errorf("the answers show whether a draft exists:\n%s\n%s", foreign, missing)
	}
	if !strings.Contains(foreign, `"code":"NOT_FOUND"`) || !strings.HasSuffix(foreign, `"data":{"draft":null}}`) {
		t.Errorf("not null with NOT_FOUND: %s", foreign)
	}
	s.wantCode(anonymous, draft, "UNAUTHENTICATED")
}

func TestPublish_IsAllowedToEditorsOnly(t *testing.T) {
	s := start(t)
	for _, who := range []http.Header{author, otherUser} {
		s.wantCode(who, publish, "FORBIDDEN")
	}
	s.wantCode(anonymous, publish, "UNAUTHENTICATED")
	s.want(anonymous, articles, published)
	s.want(author, draft, annsDraft)

	s.want(editor, publish, `{"data":{"publish":{"title":"Upgrading"}}}`)
	s.want(anonymous, articles, strings.Replace(published, `]}}`, `,{"title":"Upgrading","author":"ann"}]}}`, 1))
	s.want(editor, draft, `{"data":{"draft":null}}`)
}

func TestRetract_WantsASecondFactorOfEditors(t *testing.T) {
	s := start(t)
	s.wantCode(editor, retract, "REAUTHENTICATION_REQUIRED")
	if got := s.ask(editor, retract); !strings.Contains(got, `"mfa":true`) {
		t.Errorf("the error does not say what is lacking: %s", got)
	}
	s.wantCode(http.Header{"X-User": {"ann"}, "X-Mfa": {"yes"}}, retract, "FORBIDDEN")
	s.wantCode(http.Header{"X-Mfa": {"yes"}}, retract, "UNAUTHENTICATED")
	s.want(anonymous, articles, published)

	s.want(proved, retract, `{"data":{"retract":{"title":"Installation"}}}`)
	s.want(anonymous, articles, `{"data":{"articles":[]}}`)
}

// TestScopes_OpenWhatNamesThemAndNothingElse asks as a program of ann, and of an editor.
func TestScopes_OpenWhatNamesThemAndNothingElse(t *testing.T) {
	s := start(t)
	program := func(scope string, who http.Header) http.Header {
		restricted := who.Clone()
		restricted.Set("X-Scopes", scope)
		return restricted
	}
	reader := program("drafts:read", author)
	s.want(reader, draft, annsDraft)
	s.want(reader, articles, published)
	const notFound = `"code":"NOT_FOUND"`
	for _, who := range []http.Header{program("drafts:read", otherUser), program("drafts:read", proved)} {
		if got := s.ask(who, draft); !strings.Contains(got, notFound) {
			t.Errorf("%v sees the draft of another: %s", who, got)
		}
	}
	if got := s.ask(reader, draft, "99"); !strings.Contains(got, notFound) {
		t.Errorf("a missing draft: %s", got)
	}
	s.wantCode(program("drafts:write", author), draft, "INSUFFICIENT_SCOPE")
	write := `mutation { write(title: "x", text: "x") { id } }`
	s.wantCode(reader, write, "FORBIDDEN")
	for _, forbidden := range []string{publish, retract} {
		s.wantCode(program("drafts:read", proved), forbidden, "FORBIDDEN")
	}
	s.want(author, write, `{"data":{"write":{"id":"3"}}}`) // the controls
	s.want(proved, publish, `{"data":{"publish":{"title":"Upgrading"}}}`)
}

func TestMutation_WithOneForbiddenFieldDoesNothing(t *testing.T) {
	s := start(t)
	write := `write(title: "Removal", text: "Stop it first.") { id author }`
	s.wantCode(author, `mutation { `+write+` publish(id: "2") { id } }`, "FORBIDDEN")
	s.want(author, `mutation { `+write+` }`, `{"data":{"write":{"id":"3","author":"ann"}}}`)
	s.wantCode(anonymous, `mutation { `+write+` }`, "UNAUTHENTICATED")
}

func TestSchema_RootFieldWithoutRulePreventsTheStart(t *testing.T) {
	complete := read("schema.graphql")
	for field, coordinate := range map[string]string{
		"draft(\"The draft's id.\" id: ID!): Draft @auth(any: [{}, { scopes: [\"drafts:read\"] }])\n": "Query.draft",
		"publish(\"The draft's id.\" id: ID!): Article @auth(roles: [EDITOR])\n":                      "Mutation.publish",
		"retract(\"The article's id.\" id: ID!): Draft @auth(roles: [EDITOR], mfa: true)\n":           "Mutation.retract",
	} {
		without, _, _ := strings.Cut(field, "@auth")
		incomplete := strings.Replace(complete, field, without+"\n", 1)
		_, err := newHandler(executable(incomplete), usersByHeader)
		if err == nil || !strings.Contains(err.Error(), coordinate+": does not say who may use it") {
			t.Errorf("without its @auth, %s does not prevent the start: %v", coordinate, err)
		}
	}
	if _, err := newHandler(executable(complete), usersByHeader); err != nil {
		t.Errorf("the complete schema prevents it: %v", err)
	}
}

func TestIntrospection_ShowsTheRules(t *testing.T) {
	got := start(t).ask(anonymous, `{ __type(name: "Draft") { fields { description } } }`)
	if want := `Access: EDITOR, or AUTHOR, or AUTHOR with scope drafts:read.`; strings.Count(got, want) != 4 {
		t.Errorf("%q is not on each of the 4 fields: %s", want, got)
	}
}

func TestReadme_QuotesTheCode(t *testing.T) {
	code := strings.ReplaceAll(read("main.go")+read("gatehouse.go"), "\n\t", "\n")
	quotes := regexp.MustCompile("(?s)```go\n(.*?\n)```").FindAllStringSubmatch(read("README.md"), -1)
	for _, quote := range quotes {
		if !strings.Contains(code, "\n"+quote[1]) {
			t.Errorf("README.md quotes what is not there:\n%s", quote[1])
		}
	}
	if n := strings.Count(quotes[0][1], "\n"); n != 10 || len(quotes) != 2 {
		t.Errorf("%d quotes; the ten lines are %d", len(quotes), n)
	}
}

// TestReadme_CallsAnswerAsWritten makes each call of README.md that curl makes there and compares the answer below it.
func TestReadme_CallsAnswerAsWritten(t *testing.T) {
	s := start(t)
	calls := regexp.MustCompile(`(?m)^    curl .*?((?: -H '.*?')*) (?:--data-urlencode 'query=|--json '\{"query": ")(.*?)(?:"\})?'\n((?:      .*\n)+)`)
	all := calls.FindAllStringSubmatch(read("README.md"), -1)
	if len(all) != 4 {
		t.Fatalf("README.md has %d calls, want 4", len(all))
	}
	for _, call := range all {
		who := http.Header{}
		for _, header := range regexp.MustCompile(`-H '(.*?): (.*?)'`).FindAllStringSubmatch(call[1], -1) {
			who.Set(header[1], header[2])
		}
		s.want(who, call[2], regexp.MustCompile(`\n? {6}`).ReplaceAllString(strings.TrimSuffix(call[3], "\n"), ""))
	}
}

type server struct {
	*testing.T
	url string
}

func start(t *testing.T) server {
	t.Helper()
	s := httptest.NewServer(must(newHandler(executable(read("schema.graphql")), usersByHeader)))
	t.Cleanup(s.Close)
	return server{t, s.URL}
}

// executable parses the schema again for each server, because the guard writes its rules into the descriptions.
func executable(sdl string) graphql.ExecutableSchema {
	schema := must(gqlparser.LoadSchema(&ast.Source{Name: "schema.graphql", Input: authz.Directives + sdl}))
	return graph.NewExecutableSchema(graph.Config{Schema: schema, Resolvers: newStore(usersByHeader.name)})
}

// ask posts an operation, with $id 2 unless the call names another. It also sends queries by GET and wants the same
// answer.
func (s server) ask(who http.Header, query string, id ...string) string {
	s.Helper()
	variables := map[string]any{}
	if strings.Contains(query, "$id") {
		variables["id"] = append(id, "2")[0]
	}
	body := must(json.Marshal(map[string]any{"query": query, "variables": variables}))
	post := must(http.NewRequestWithContext(s.Context(), http.MethodPost, s.url, strings.NewReader(string(body))))
	answer := s.send(post, who)
	if strings.HasPrefix(query, "mutation") {
		return answer
	}
	parameters := url.Values{"query": {query}, "variables": {string(must(json.Marshal(variables)))}}.Encode()
	get := must(http.NewRequestWithContext(s.Context(), http.MethodGet, s.url+"?"+parameters, nil))
	if got := s.send(get, who); got != answer {
		s.Errorf("%s: GET answers %s, POST %s", query, got, answer)
	}
	return answer
}

func (s server) send(r *http.Request, who http.Header) string {
	s.Helper()
	r.Header = who.Clone()
	r.Header.Set("Content-Type", "application/json")
	answer := must(http.DefaultClient.Do(r))
	defer answer.Body.Close()
	return string(must(io.ReadAll(answer.Body)))
}

func (s server) want(who http.Header, query, want string) {
	s.Helper()
	if got := s.ask(who, query); got != want {
		s.Errorf("%v, %s:\n got %s\nwant %s", who, query, got, want)
	}
}

// wantCode wants an operation that was rejected before it ran: one error with the code and no data.
func (s server) wantCode(who http.Header, query, code string) {
	s.Helper()
	got := s.ask(who, query)
	if strings.Count(got, `"code"`) != 1 || !strings.Contains(got, `"code":"`+code+`"`) || !strings.HasSuffix(got, `"data":null}`) {
		s.Errorf("%v, %s: not rejected with %s: %s", who, query, code, got)
	}
}

func read(name string) string { return string(must(os.ReadFile(name))) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
