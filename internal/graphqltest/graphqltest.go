// Package graphqltest sends requests to handlers of GraphQL over HTTP and reads their answers, for tests.
package graphqltest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	gqlparser "github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

const (
	typeJSON    = "application/json"
	typeGraphQL = "application/graphql-response+json"
)

// SDL is a schema that nests without end and has every kind of input.
const SDL = `
directive @signsIn on FIELD_DEFINITION
type Query { ping: Int  node: Node  echo(text: String, number: Int, id: ID, role: Role, roles: [Role!], list: [[Int!]!],
	in: In): String }
type Mutation { go(in: In): Node  enter(in: In): Pass! @signsIn  renew: Pass }
type Subscription { tick: Int }
type Pass { id: ID!  enter: Pass }
type Node { pass: Pass  id: ID!  name: String  node: Node  value(a: Int, s: String, in: In): Int }
input In { in: In  list: [In!]  s: String  i: Int  role: Role }
enum Role { USER ADMIN }
`

// Schema returns the schema SDL; every operation answers {"ran":true}.
func Schema() graphql.ExecutableSchema {
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: SDL})
	return &graphql.ExecutableSchemaMock{
		SchemaFunc: func() *ast.Schema { return schema },
		ExecFunc: func(context.Context) graphql.ResponseHandler {
			return graphql.OneShot(&graphql.Response{Data: json.RawMessage(`{"ran":true}`)})
		},
	}
}

// OperationFunc is an extension that runs in place of each operation, as an authorizing one does.
type OperationFunc func(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler

// ExtensionName is for gqlgen.
func (OperationFunc) ExtensionName() string { return "test" }

// Validate is for gqlgen.
func (OperationFunc) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptOperation calls f.
func (f OperationFunc) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	return f(ctx, next)
}

// Reply is an answer as a client reads it.
type Reply struct {
	*http.Response
	Text   string
	Errors []struct {
		Message    string
		Path       []any
		Locations  []map[string]int
		Extensions map[string]any
	}
	Data json.RawMessage
}

// Code returns the code of the first error, or nil.
func (r *Reply) Code() any {
	if len(r.Errors) == 0 {
		return nil
	}
	return r.Errors[0].Extensions["code"]
}

// Limit returns the limit that the first error names.
func (r *Reply) Limit() any { return r.Errors[0].Extensions["limit"] }

// Send sends one request, and checks what all answers have in common.
func Send(t testing.TB, h http.Handler, r *http.Request) *Reply {
	t.Helper()
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, r)
	got := &Reply{Response: recorder.Result(), Text: recorder.Body.String()}
	if err := json.Unmarshal(recorder.Body.Bytes(), got); err != nil {
		t.Fatalf("the answer is not JSON: %v\n%s", err, got.Text)
	}
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Vary": "Accept",
	} {
		if got.Header.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, got.Header.Get(name), want)
		}
	}
	if len(got.Header.Get("X-Request-Id")) != 36 {
		t.Errorf("X-Request-Id is %q", got.Header.Get("X-Request-Id"))
	}
	for _, e := range got.Errors {
		if e.Extensions["code"] == nil || e.Message == "" {
			t.Errorf("an error without code or message: %s", got.Text)
		}
	}
	return got
}

// NewPost returns a POST request with this body; headers are names and values in turn.
func NewPost(body string, headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/graphql", strings.NewReader(body))
	r.Header.Set("Content-Type", typeJSON)
	return withHeaders(r, headers)
}

// NewGet returns a GET request with these parameters; headers are names and values in turn.
func NewGet(parameters url.Values, headers ...string) *http.Request {
	return withHeaders(httptest.NewRequest(http.MethodGet, "/graphql?"+parameters.Encode(), nil), headers)
}

func withHeaders(r *http.Request, headers []string) *http.Request {
	r.Header.Set("Accept", typeGraphQL)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

// Post sends a POST request with this body.
func Post(t testing.TB, h http.Handler, body string, headers ...string) *Reply {
	t.Helper()
	return Send(t, h, NewPost(body, headers...))
}

// Query posts a document, with variables if there are any.
func Query(t testing.TB, h http.Handler, document string, variables ...map[string]any) *Reply {
	t.Helper()
	return Post(t, h, Body(document, variables...))
}

// Body returns the JSON of a request with a document, and variables if there are any.
func Body(document string, variables ...map[string]any) string {
	m := map[string]any{"query": document}
	if len(variables) > 0 {
		m["variables"] = variables[0]
	}
	body, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(body)
}

// Repeat writes a pattern n times; %d is the number of the repetition and %e the next one.
func Repeat(n int, pattern string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.NewReplacer("%d", fmt.Sprint(i), "%e", fmt.Sprint(i+1)).Replace(pattern))
	}
	return b.String()
}
