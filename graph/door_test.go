package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	gqlparser "github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/logging"
)

// stub answers for the accounts of the product's schema.
type stub struct {
	ResolverRoot
	me    func(context.Context) (*accounts.User, error)
	login func(context.Context, accounts.LoginInput) (*accounts.AuthPayload, error)
}

type (
	stubQuery struct {
		QueryResolver
		stub
	}
	stubMutation struct {
		MutationResolver
		stub
	}
)

func (s stub) Query() QueryResolver       { return stubQuery{stub: s} }
func (s stub) Mutation() MutationResolver { return stubMutation{stub: s} }

func (s stubQuery) Me(ctx context.Context) (*accounts.User, error) {
	if s.me == nil {
		return nil, nil
	}
	return s.me(ctx)
}

func (s stubMutation) Login(ctx context.Context, in accounts.LoginInput) (*accounts.AuthPayload, error) {
	return s.login(ctx, in)
}

// product returns the handler of the product's schema over a stub.
func product(t testing.TB, s stub, change ...func(*HandlerConfig)) http.Handler {
	return door(t, NewExecutableSchema(Config{Resolvers: s}), change...)
}

// toySchema nests without end and has every kind of input.
const toySchema = `
directive @signsIn on FIELD_DEFINITION
type Query { ping: Int  node: Node  echo(text: String, number: Int, id: ID, role: Role, roles: [Role!], list: [[Int!]!], in: In): String }
type Mutation { go(in: In): Node  enter(in: In): Pass! @signsIn  renew: Pass }
type Subscription { tick: Int }
type Pass { id: ID!  enter: Pass }
type Node { pass: Pass  id: ID!  name: String  node: Node  value(a: Int, s: String, in: In): Int }
input In { in: In  list: [In!]  s: String  i: Int  role: Role }
enum Role { USER ADMIN }
`

// toy returns the handler of a schema whose every operation answers the same.
func toy(t testing.TB, change ...func(*HandlerConfig)) http.Handler {
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: toySchema})
	return door(t, &graphql.ExecutableSchemaMock{
		SchemaFunc: func() *ast.Schema { return schema },
		ExecFunc: func(context.Context) graphql.ResponseHandler {
			return graphql.OneShot(&graphql.Response{Data: json.RawMessage(`{"ran":true}`)})
		},
	}, change...)
}

func door(t testing.TB, schema graphql.ExecutableSchema, change ...func(*HandlerConfig)) http.Handler {
	t.Helper()
	c := HandlerConfig{Schema: schema, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	for _, f := range change {
		f(&c)
	}
	return NewHandler(c)
}

func readable(c *HandlerConfig) { c.Introspection = true }

func logInto(b *bytes.Buffer) func(*HandlerConfig) {
	return func(c *HandlerConfig) { c.Log = slog.New(logging.WithRequestID(slog.NewTextHandler(b, nil))) }
}

// reply is an answer as a client reads it.
type reply struct {
	*http.Response
	text   string
	Errors []struct {
		Message    string
		Path       []any
		Locations  []map[string]int
		Extensions map[string]any
	}
	Data json.RawMessage
}

func (r *reply) code() any {
	if len(r.Errors) == 0 {
		return nil
	}
	return r.Errors[0].Extensions["code"]
}

func (r *reply) limit() any { return r.Errors[0].Extensions["limit"] }

// send sends one request, and holds every answer against what all of them have in common.
func send(t testing.TB, h http.Handler, r *http.Request) *reply {
	t.Helper()
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, r)
	got := &reply{Response: recorder.Result(), text: recorder.Body.String()}
	if err := json.Unmarshal(recorder.Body.Bytes(), got); err != nil {
		t.Fatalf("the answer is not JSON: %v\n%s", err, got.text)
	}
	for name, want := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Vary": "Accept"} {
		if got.Header.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, got.Header.Get(name), want)
		}
	}
	if len(got.Header.Get("X-Request-Id")) != 36 {
		t.Errorf("X-Request-Id is %q", got.Header.Get("X-Request-Id"))
	}
	for _, e := range got.Errors {
		if e.Extensions["code"] == nil || e.Message == "" {
			t.Errorf("an error without code or message: %s", got.text)
		}
	}
	return got
}

func newPost(body string, headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/graphql", strings.NewReader(body))
	r.Header.Set("Content-Type", typeJSON)
	r.Header.Set("Accept", typeGraphQL)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func post(t testing.TB, h http.Handler, body string, headers ...string) *reply {
	t.Helper()
	return send(t, h, newPost(body, headers...))
}

// query posts a document, with variables if there are any.
func query(t testing.TB, h http.Handler, document string, variables ...map[string]any) *reply {
	t.Helper()
	return post(t, h, request(document, variables...))
}

func request(document string, variables ...map[string]any) string {
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

func newGet(parameters url.Values, headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/graphql?"+parameters.Encode(), nil)
	r.Header.Set("Accept", typeGraphQL)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

// field is a selected field with an argument, for tests that present errors without running an operation.
func field(name, argument string) graphql.CollectedField {
	return graphql.CollectedField{Field: &ast.Field{Name: name, Alias: name, Arguments: ast.ArgumentList{{Name: argument}}}}
}
