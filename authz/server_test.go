package authz_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/gatehouse/gatehouse/authz"
	"github.com/gatehouse/gatehouse/authz/testdata/allfeatures"
)

//go:generate go tool gqlgen generate --config testdata/allfeatures/gqlgen.yml
//go:generate go tool gqlgen generate --config testdata/runtimedirectives/gqlgen.yml

var now = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// persona is a caller of the matrix.
type persona struct {
	name string
	*allfeatures.Person
}

func personas() []persona {
	day, minute := now.Add(-24*time.Hour), now.Add(-time.Minute)
	return []persona{
		{"no viewer", nil},
		{"missing", &allfeatures.Person{Because: "missing"}},
		{"expired", &allfeatures.Person{Because: "expired", ID: "alice", Roles: []string{"ADMIN"}, Proved: minute}},
		{"revoked", &allfeatures.Person{Because: "revoked", ID: "alice", Scopes: []string{"a:read", "b:read"}, Proved: minute}},
		{"invalid", &allfeatures.Person{Because: "invalid"}},
		{"trouble", &allfeatures.Person{ID: "alice", Roles: []string{"ADMIN", "EDITOR"}, Proved: minute, Broken: errors.New("the database is away")}},
		{"trouble, nobody", &allfeatures.Person{Because: "missing", Broken: errors.New("the database is away")}},
		{"without id", &allfeatures.Person{Roles: []string{"USER"}, Proved: minute}},
		{"stranger", &allfeatures.Person{ID: "carol", Roles: []string{"USER"}, Proved: minute}},
		{"alice", &allfeatures.Person{ID: "alice", Roles: []string{"USER"}, Proved: minute}},
		{"bob", &allfeatures.Person{ID: "bob", Roles: []string{"USER"}, Proved: minute}},
		{"alice, stale", &allfeatures.Person{ID: "alice", Roles: []string{"USER"}, Proved: day}},
		{"alice, never proved", &allfeatures.Person{ID: "alice", Roles: []string{"USER"}}},
		{"scope a", &allfeatures.Person{ID: "alice", Scopes: []string{"a:read"}, Proved: minute}},
		{"scope b", &allfeatures.Person{ID: "bob", Scopes: []string{"b:read"}, Proved: day}},
		{"scope a, stale", &allfeatures.Person{ID: "bob", Scopes: []string{"a:read"}, Proved: day}},
		{"both scopes", &allfeatures.Person{ID: "carol", Scopes: []string{"b:read", "a:read"}, Proved: minute}},
		{"editor", &allfeatures.Person{ID: "bob", Roles: []string{"EDITOR"}, Proved: minute}},
		{"editor, stale", &allfeatures.Person{ID: "bob", Roles: []string{"EDITOR"}, Proved: day}},
		{"administrator", &allfeatures.Person{ID: "root", Roles: []string{"ADMIN"}, Proved: minute}},
		{"administrator, stale", &allfeatures.Person{ID: "root", Roles: []string{"ADMIN", "EDITOR"}, Scopes: []string{"a:read", "b:read"}, Proved: day}},
		{"everything", &allfeatures.Person{ID: "alice", Roles: []string{"ADMIN", "EDITOR"}, Scopes: []string{"a:read", "b:read"}, Proved: minute}},
	}
}

func who(t testing.TB, name string) *allfeatures.Person {
	t.Helper()
	for _, p := range personas() {
		if p.name == name {
			return p.Person
		}
	}
	t.Fatalf("no persona %q", name)
	return nil
}

// operation is a request.
type operation struct {
	text      string
	name      string
	variables map[string]any
}

// answer is what a response comes to: its data, and its denials as a sorted set of "CODE coordinate".
type answer struct {
	Refused bool // no data
	Data    any
	Denials []string
}

// server is the allfeatures behind a guard. Its fields count what gqlgen resolves, plain struct fields included.
type server struct {
	world  *allfeatures.World
	guard  *authz.Guard
	exec   *executor.Executor
	fields atomic.Int64
}

type personKey struct{}

func as(ctx context.Context, p *allfeatures.Person) context.Context {
	return context.WithValue(ctx, personKey{}, p)
}

func testConfig(audit bool) authz.Config {
	owner := func(is func(*allfeatures.Person, any) bool) authz.Owner {
		return func(_ context.Context, v authz.Viewer, object any) (bool, error) {
			return is(v.(*allfeatures.Person), object), nil
		}
	}
	return authz.Config{
		Viewer: func(ctx context.Context) authz.Viewer {
			if p, _ := ctx.Value(personKey{}).(*allfeatures.Person); p != nil {
				return p
			}
			return nil
		},
		Owners:          map[string]authz.Owner{"AUTHOR": owner(allfeatures.Authored), "MEMBER": owner(allfeatures.Belongs)},
		SignedIn:        func(_ context.Context, result any) authz.Viewer { return signedIn(result.(*allfeatures.Session)) },
		Clock:           func() time.Time { return now },
		VerifyExecution: audit,
		Log:             slog.New(slog.DiscardHandler),
	}
}

func signedIn(s *allfeatures.Session) *allfeatures.Person {
	return &allfeatures.Person{ID: s.Token[len("t-"):], Roles: []string{"USER"}, Proved: now}
}

// serve starts a server of the allfeatures, or of a mutant of its schema.
func serve(t testing.TB, sdl string, config authz.Config) (*server, error) {
	t.Helper()
	schema, err := allfeatures.Load(sdl)
	if err != nil {
		return nil, err
	}
	s := &server{world: allfeatures.NewWorld()}
	es := s.world.Executable(schema)
	if s.guard, err = authz.New(es.Schema(), config); err != nil {
		return nil, err
	}
	s.exec = executor.New(es)
	s.exec.Use(s.guard)
	s.exec.AroundFields(func(ctx context.Context, next graphql.Resolver) (any, error) {
		s.fields.Add(1)
		return next(ctx)
	})
	s.exec.SetQueryCache(s.guard.QueryCache(4096))
	return s, nil
}

func mustServe(t testing.TB, audit bool) *server {
	t.Helper()
	s, err := serve(t, allfeatures.SDL, testConfig(audit))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// raw runs one operation and returns all its responses, or what validation says.
func (s *server) raw(p *allfeatures.Person, o operation) ([]*graphql.Response, gqlerror.List) {
	ctx := as(graphql.StartOperationTrace(context.Background()), p)
	oc, errs := s.exec.CreateOperationContext(ctx, &graphql.RawParams{Query: o.text, OperationName: o.name, Variables: o.variables})
	if errs != nil {
		return nil, errs
	}
	var all []*graphql.Response
	next, ctx := s.exec.DispatchOperation(ctx, oc)
	for {
		r := next(ctx)
		if r == nil {
			return all, nil
		}
		clone := *r
		clone.Data = slices.Clone(r.Data)
		all = append(all, &clone)
	}
}

// ask runs one operation and returns what its responses come to.
func (s *server) ask(p *allfeatures.Person, o operation) ([]answer, error) {
	responses, errs := s.raw(p, o)
	if errs != nil {
		return nil, errs
	}
	var all []answer
	for _, r := range responses {
		a := answer{Refused: r.Data == nil}
		if !a.Refused {
			if err := json.Unmarshal(r.Data, &a.Data); err != nil {
				return nil, fmt.Errorf("%w in %s", err, r.Data)
			}
		}
		for _, e := range r.Errors {
			a.Denials = append(a.Denials, denialOf(e))
		}
		all = append(all, a.sorted())
	}
	return all, nil
}

// denialOf is an error as the matrix compares it. gqlgen's own errors have no code: null where none may be.
func denialOf(e *gqlerror.Error) string {
	code, _ := e.Extensions["code"].(string)
	switch coordinate, _ := e.Extensions["coordinate"].(string); {
	case code == "INTERNAL":
		return code
	case code != "":
		return code + " " + coordinate
	case strings.Contains(e.Message, "cannot return null for non-null field") || e.Message == "the requested element is null which the schema does not allow":
		return "NULL"
	default:
		return "unexpected: " + e.Error()
	}
}

func (a answer) sorted() answer {
	slices.Sort(a.Denials)
	a.Denials = slices.Compact(a.Denials)
	return a
}

// refuseAll asks a schema without resolvers for all of its root fields, and returns the refusal's errors.
func refuseAll(t testing.TB, schema *ast.Schema, config authz.Config, p *allfeatures.Person) gqlerror.List {
	t.Helper()
	guard, err := authz.New(schema, config)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, f := range schema.Query.Fields {
		if !strings.HasPrefix(f.Name, "__") {
			b.WriteString(" " + f.Name)
		}
	}
	exec := executor.New((&allfeatures.World{}).Executable(schema))
	exec.Use(guard)
	ctx := as(graphql.StartOperationTrace(context.Background()), p)
	oc, errs := exec.CreateOperationContext(ctx, &graphql.RawParams{Query: "{" + b.String() + "}"})
	if errs != nil {
		t.Fatal(errs)
	}
	next, ctx := exec.DispatchOperation(ctx, oc)
	return next(ctx).Errors
}
