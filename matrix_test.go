package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/internal/dbtest"
)

// TestEveryRootFieldAnswersEveryPersonaAsItsRuleSays asks a running server for each root field, as each persona, in
// each shape, and holds the answer against a naive reading of schema.graphql that shares no code with package authz.
func TestEveryRootFieldAnswersEveryPersonaAsItsRuleSays(t *testing.T) {
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: read(t, "schema.graphql")})
	if err != nil {
		t.Fatal(err)
	}
	dbtest.Each(t, func(t *testing.T, databaseURL string) {
		w := newStage(t, databaseURL)
		asked := 0
		for _, root := range []*ast.Definition{schema.Query, schema.Mutation} {
			for _, f := range root.Fields {
				if strings.HasPrefix(f.Name, "__") {
					continue
				}
				for _, p := range w.personas() {
					want := naiveVerdict(f, p)
					for _, shape := range shapesOf(t, schema, root, f) {
						asked++
						if got := w.verdict(shape, p.token(), root.Name+"."+f.Name); got != shape.wants(want) {
							t.Errorf("%s.%s as %s, %s: %q, want %q", root.Name, f.Name, p.name, shape.name, got, shape.wants(want))
						}
					}
				}
			}
		}
		t.Logf("%d operations", asked)
	})
}

// actor is somebody who calls, and what a naive reader of the rules must know of them.
type actor struct {
	name   string
	token  func() string // a new one each time: what is granted is carried out, and may end a session
	reason string        // why they are nobody; "" for somebody
	roles  []string
	stale  bool
}

// naiveVerdict reads a root field's directives: "" for granted, or the code of the denial.
func naiveVerdict(f *ast.FieldDefinition, p actor) string {
	if f.Directives.ForName("public") != nil {
		return ""
	}
	auth := f.Directives.ForName("auth")
	if auth == nil {
		return "the field says nothing"
	}
	if p.reason != "" {
		return "UNAUTHENTICATED " + p.reason
	}
	if roles := auth.Arguments.ForName("roles"); roles != nil {
		has := func(v *ast.ChildValue) bool { return slices.Contains(p.roles, v.Value.Raw) }
		if !slices.ContainsFunc(roles.Value.Children, has) {
			return "FORBIDDEN"
		}
	}
	if auth.Arguments.ForName("maxAge") != nil && p.stale {
		return "REAUTHENTICATION_REQUIRED"
	}
	return ""
}

// shape is one way to write an operation that selects a root field.
type shape struct {
	name      string
	method    string
	query     string
	operation string
	variables map[string]any
	skipped   bool // the field is not selected after all
}

func (s shape) wants(verdict string) string {
	if s.skipped {
		return ""
	}
	return verdict
}

// arguments are what each root field is asked with: refused by a rule of accounts, where it would change too much.
var arguments = map[string]string{
	"me": "", "users": "(first: 1)", "logout": "", "deleteAccount": "", "revokeOtherSessions": "",
	"user":           `(id: "00000000-0000-7000-8000-000000000000")`,
	"register":       `(input: {email: "no address", password: "correct horse battery"})`,
	"login":          `(input: {email: "nobody@example.com", password: "incorrect horse"})`,
	"refresh":        `(input: {refreshToken: "none"})`,
	"updateProfile":  `(input: {name: "Ann"})`,
	"reauthenticate": `(input: {password: "incorrect horse"})`,
	"changePassword": `(input: {currentPassword: "incorrect horse", newPassword: "correct horse battery"})`,
	"setRoles":       `(input: {userId: "00000000-0000-7000-8000-000000000000", roles: [USER]})`,
	"revokeSession":  `(id: "00000000-0000-7000-8000-000000000000")`,
	"suspendUser":    `(id: "00000000-0000-7000-8000-000000000000")`,
	"reinstateUser":  `(id: "00000000-0000-7000-8000-000000000000")`,
}

func shapesOf(t *testing.T, schema *ast.Schema, root *ast.Definition, f *ast.FieldDefinition) []shape {
	t.Helper()
	with, ok := arguments[f.Name]
	if !ok {
		t.Fatalf("%s.%s is new: say in matrix_test.go with which arguments it is asked", root.Name, f.Name)
	}
	field := f.Name + with + leafOf(schema, f.Type)
	kind := strings.ToLower(root.Name)
	yes, no := map[string]any{"v": true}, map[string]any{"v": false}
	all := []shape{
		{name: "plain", query: kind + " { " + field + " }"},
		{name: "under an alias", query: kind + " { login: " + field + " }"},
		{name: "in an inline fragment", query: kind + " { ... on " + root.Name + " { ... { " + field + " } } }"},
		{name: "in a named fragment", query: kind + " { ...A } fragment A on " + root.Name + " { ...B } fragment B on " + root.Name + " { " + field + " }"},
		{name: "included by a variable", query: kind + " ($v: Boolean!) { x: __typename @skip(if: $v) " + strings.Replace(field, f.Name+with, f.Name+with+" @include(if: $v)", 1) + " }", variables: yes},
		{name: "skipped by a variable", query: kind + " ($v: Boolean!) { __typename ...A @include(if: $v) } fragment A on " + root.Name + " { " + field + " }", variables: no, skipped: true},
		{name: "one of several operations", query: "query other { __typename } " + kind + " this { " + field + " }", operation: "this"},
		{name: "the other of several operations", query: "query other { __typename } " + kind + " this { " + field + " }", operation: "other", skipped: true},
	}
	for i := range all {
		all[i].method = http.MethodPost
	}
	if root == schema.Query {
		all = append(all, shape{name: "by GET", method: http.MethodGet, query: "{ " + field + " }"})
	}
	return all
}

// leafOf selects one field of a type, down to a leaf.
func leafOf(schema *ast.Schema, typ *ast.Type) string {
	def := schema.Types[typ.Name()]
	if def.IsLeafType() {
		return ""
	}
	for _, f := range def.Fields {
		if schema.Types[f.Type.Name()].IsLeafType() {
			return " { " + f.Name + " }"
		}
	}
	return " { " + def.Fields[0].Name + leafOf(schema, def.Fields[0].Type) + " }"
}

// stage is a running server with its personas.
type stage struct {
	t    *testing.T
	url  string
	play *player
	n    int
}

func newStage(t *testing.T, databaseURL string) *stage {
	t.Helper()
	key, path := newSigningKey(t)
	environment := []string{"GATEHOUSE_DATABASE_URL=" + databaseURL, "GATEHOUSE_SIGNING_KEY=" + path, "GATEHOUSE_ARGON2=m=64,t=1,p=1",
		"GATEHOUSE_SECRET_FILE=" + t.TempDir() + "/secret"}
	s := start(t, environment...)
	w := &stage{t: t, url: s.URL, play: &player{key: key}}
	var out strings.Builder
	if code := run(t.Context(), world{Args: []string{"admin", "create", "root@example.com"}, Env: environment,
		Stdin: strings.NewReader("the root of it all\n"), Stdout: &out, Stderr: &out}); code != exitDone {
		t.Fatal(out.String())
	}
	return w
}

func (w *stage) personas() []actor {
	user := func() string { return w.register() }
	admin := w.admin
	revoked := func() string {
		token := w.register()
		w.must(token, "mutation { logout { success } }")
		return token
	}
	suspended := func() string {
		token := w.register()
		id := between(w.t, w.must(token, "{ me { id } }"), `"id":"`, `"`)
		w.must(admin(), `mutation { suspendUser(id: "`+id+`") { user { id } } }`)
		return token
	}
	deleted := func() string {
		token := w.register()
		w.must(token, "mutation { deleteAccount { success } }")
		return token
	}
	return []actor{
		{name: "nobody", token: func() string { return "" }, reason: "missing"},
		{name: "a forger", token: func() string { return w.remake(user(), "forged") }, reason: "invalid"},
		{name: "a late user", token: func() string { return w.remake(user(), "expired") }, reason: "expired"},
		{name: "a user who logged out", token: revoked, reason: "revoked"},
		{name: "a suspended user", token: suspended, reason: "revoked"},
		{name: "a deleted user", token: deleted, reason: "revoked"},
		{name: "a user", token: user, roles: []string{"USER"}},
		{name: "a user of long ago", token: func() string { return w.remake(user(), "stale") }, roles: []string{"USER"}, stale: true},
		{name: "an administrator", token: admin, roles: []string{"ADMIN", "USER"}},
		{name: "an administrator of long ago", token: func() string { return w.remake(admin(), "stale") }, roles: []string{"ADMIN", "USER"}, stale: true},
		{name: "a user who claims to be an administrator", token: func() string { return w.claim(user(), []string{"ADMIN", "USER"}) }, roles: []string{"USER"}},
	}
}

// admin signs the administrator in once more.
func (w *stage) admin() string {
	w.t.Helper()
	return w.login("root@example.com", "the root of it all")
}

func (w *stage) remake(token, how string) string {
	w.t.Helper()
	made, err := w.play.remake(token, how)
	if err != nil {
		w.t.Fatal(err)
	}
	return made
}

// claim signs a token, rightly, whose roles are not those of the account any more.
func (w *stage) claim(token string, roles []string) string {
	w.t.Helper()
	old, _, err := jwt.NewParser(jwt.WithJSONNumber()).ParseUnverified(token, jwt.MapClaims{})
	if err != nil {
		w.t.Fatal(err)
	}
	old.Claims.(jwt.MapClaims)["roles"] = roles
	made := jwt.NewWithClaims(jwt.SigningMethodEdDSA, old.Claims)
	made.Header = old.Header
	text, err := made.SignedString(w.play.key)
	if err != nil {
		w.t.Fatal(err)
	}
	return text
}

func (w *stage) register() string {
	w.t.Helper()
	return between(w.t, w.must("", w.registering()+` { accessToken } }`), `"accessToken":"`, `"`)
}

// registering begins an operation that registers somebody new.
func (w *stage) registering() string {
	w.n++
	email := fmt.Sprintf("user%d-%d@example.com", w.n, time.Now().UnixNano())
	return `mutation { register(input: {email: "` + email + `", password: "correct horse battery"})`
}

func (w *stage) login(email, password string) string {
	return between(w.t, w.must("", `mutation { login(input: {email: "`+email+`", password: "`+password+`"}) { accessToken } }`), `"accessToken":"`, `"`)
}

// must asks for what sets the scene.
func (w *stage) must(token, query string) string {
	w.t.Helper()
	body := w.ask(shape{method: http.MethodPost, query: query}, token)
	if strings.Contains(body, `"errors"`) {
		w.t.Fatalf("%s: %s", query, body)
	}
	return body
}

func (w *stage) ask(s shape, token string) string {
	w.t.Helper()
	target, body := w.url+"/graphql", []byte(nil)
	if s.method == http.MethodGet {
		target += "?query=" + url.QueryEscape(s.query)
	} else {
		body, _ = json.Marshal(map[string]any{"query": s.query, "operationName": s.operation, "variables": s.variables})
		if s.operation == "" {
			body, _ = json.Marshal(map[string]any{"query": s.query, "variables": s.variables})
		}
	}
	r, err := http.NewRequestWithContext(w.t.Context(), s.method, target, bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if s.method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(response.Body); err != nil {
		w.t.Fatal(err)
	}
	return text.String()
}

// verdict asks and returns what the guard said of a coordinate: "" for granted, else the code and the reason. An error
// of anything else than the guard or a rule of accounts is returned whole.
func (w *stage) verdict(s shape, token, coordinate string) string {
	w.t.Helper()
	body := w.ask(s, token)
	var answer struct {
		Data   json.RawMessage
		Errors []struct {
			Message    string
			Extensions struct{ Code, Coordinate, Reason string }
		}
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		return body
	}
	for _, e := range answer.Errors {
		switch e.Extensions.Code {
		case "INTERNAL", "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "LIMIT_EXCEEDED", "UNAVAILABLE", "":
			return body
		}
		if e.Extensions.Coordinate == "" {
			continue // a rule of accounts: the guard let it pass
		}
		if e.Extensions.Coordinate != coordinate {
			return body
		}
		if answer.Data != nil && !strings.Contains(s.query, "__typename") {
			return "not refused before execution: " + body
		}
		return strings.TrimSpace(e.Extensions.Code + " " + e.Extensions.Reason)
	}
	return ""
}
