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
	"golang.org/x/tools/txtar"

	"github.com/gatehouse/gatehouse/authz"
	"github.com/gatehouse/gatehouse/authz/testdata/allfeatures"
)

//go:generate go tool gqlgen generate --config testdata/allfeatures/gqlgen.yml
//go:generate go tool gqlgen generate --config testdata/runtimedirectives/gqlgen.yml

var now = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// persona is a caller of the matrix.
type persona struct {
	name string
	*allfeatures.Viewer
}

func personas() []persona {
	type viewer = allfeatures.Viewer
	day, minute := now.Add(-24*time.Hour), now.Add(-time.Minute)
	user, editor, admin := []string{"USER"}, []string{"EDITOR"}, []string{"ADMIN"}
	bothRoles, bothScopes := []string{"ADMIN", "EDITOR"}, []string{"a:read", "b:read"}
	away := errors.New("the database is away")
	return []persona{
		{"no viewer", nil},
		{"missing", &viewer{AnonymousReason: "missing"}},
		{"expired", &viewer{AnonymousReason: "expired", ID: "alice", Roles: admin, AuthTime: minute}},
		{"revoked", &viewer{AnonymousReason: "revoked", ID: "alice", Scopes: bothScopes, AuthTime: minute}},
		{"invalid", &viewer{AnonymousReason: "invalid"}},
		{"unchecked", &viewer{ID: "alice", Roles: bothRoles, AuthTime: minute, CheckErr: away}},
		{"unchecked, anonymous", &viewer{AnonymousReason: "missing", CheckErr: away}},
		{"without id", &viewer{Roles: user, AuthTime: minute}},
		{"other user", &viewer{ID: "carol", Roles: user, AuthTime: minute}},
		{"alice", &viewer{ID: "alice", Roles: user, AuthTime: minute}},
		{"bob", &viewer{ID: "bob", Roles: user, AuthTime: minute}},
		{"alice, stale", &viewer{ID: "alice", Roles: user, AuthTime: day}},
		{"alice, never authenticated", &viewer{ID: "alice", Roles: user}},
		{"scope a", &viewer{ID: "alice", Scopes: []string{"a:read"}, AuthTime: minute}},
		{"scope b", &viewer{ID: "bob", Scopes: []string{"b:read"}, AuthTime: day}},
		{"scope a, stale", &viewer{ID: "bob", Scopes: []string{"a:read"}, AuthTime: day}},
		{"both scopes", &viewer{ID: "carol", Scopes: []string{"b:read", "a:read"}, AuthTime: minute}},
		{"restricted to a", &viewer{ID: "alice", Roles: bothRoles, Scopes: bothScopes[:1], Restrict: true, AuthTime: minute}},
		{"restricted to both scopes", &viewer{ID: "bob", Roles: editor, Scopes: bothScopes, Restrict: true, AuthTime: minute}},
		{"restricted to nothing", &viewer{ID: "alice", Roles: bothRoles, Restrict: true, AuthTime: minute}},
		{"editor", &viewer{ID: "bob", Roles: editor, AuthTime: minute}},
		{"editor, stale", &viewer{ID: "bob", Roles: editor, AuthTime: day}},
		{"administrator", &viewer{ID: "root", Roles: admin, AuthTime: minute}},
		{"administrator, stale", &viewer{ID: "root", Roles: bothRoles, Scopes: bothScopes, AuthTime: day}},
		{"everything", &viewer{ID: "alice", Roles: bothRoles, Scopes: bothScopes, AuthTime: minute, TwoFactors: true}},
		{"expired, two factors", &viewer{AnonymousReason: "expired", ID: "alice", AuthTime: minute, TwoFactors: true}},
		{"alice, two factors", &viewer{ID: "alice", Roles: user, AuthTime: minute, TwoFactors: true}},
		{"alice, two factors, stale", &viewer{ID: "alice", Roles: user, AuthTime: day, TwoFactors: true}},
		{"bob, two factors", &viewer{ID: "bob", Roles: user, AuthTime: minute, TwoFactors: true}},
		{"editor, two factors", &viewer{ID: "bob", Roles: editor, AuthTime: minute, TwoFactors: true}},
		{"editor, two factors, stale", &viewer{ID: "bob", Roles: editor, AuthTime: day, TwoFactors: true}},
		{"administrator, two factors", &viewer{ID: "root", Roles: admin, AuthTime: minute, TwoFactors: true}},
		{"restricted to a, two factors", &viewer{
			ID: "alice", Roles: bothRoles, Scopes: bothScopes[:1], Restrict: true, AuthTime: minute, TwoFactors: true}},
		{"restricted to both scopes, two factors, stale", &viewer{
			ID: "bob", Roles: admin, Scopes: bothScopes, Restrict: true, AuthTime: day, TwoFactors: true}},
		{"restricted to nothing, two factors", &viewer{
			ID: "alice", Roles: bothRoles, Restrict: true, AuthTime: minute, TwoFactors: true}},
	}
}

func viewerNamed(t testing.TB, name string) *allfeatures.Viewer {
	t.Helper()
	for _, p := range personas() {
		if p.name == name {
			return p.Viewer
		}
	}
	t.Fatalf("no persona %q", name)
	return nil
}

type operation struct {
	text      string
	name      string
	variables map[string]any
}

// answer is a response for comparison: its data, and its denials as a sorted set of "CODE coordinate".
type answer struct {
	Rejected bool // no data
	Data     any
	Denials  []string
}

// server is allfeatures behind a guard. Its fields count what gqlgen resolves, plain struct fields included.
type server struct {
	resolver *allfeatures.Resolver
	guard    *authz.Guard
	exec     *executor.Executor
	fields   atomic.Int64
}

type viewerKey struct{}

func as(ctx context.Context, p *allfeatures.Viewer) context.Context {
	return context.WithValue(ctx, viewerKey{}, p)
}

func testConfig(verify bool) authz.Config {
	return authz.Config{
		Viewer:          callingViewer,
		Owners:          map[string][]authz.Owner{"AUTHOR": ownersBy(isAuthor), "MEMBER": ownersBy(isMember)},
		Objects:         objects(allfeatures.NewResolver()),
		SignedIn:        signedInBy,
		Clock:           func() time.Time { return now },
		VerifyExecution: verify,
		Log:             slog.New(slog.DiscardHandler),
	}
}

// callingViewer is the Viewer of the tests' configuration.
func callingViewer(ctx context.Context) (authz.Viewer, error) {
	p, _ := ctx.Value(viewerKey{}).(*allfeatures.Viewer)
	switch {
	case p == nil:
		return nil, nil
	case p.CheckErr != nil:
		return p, p.CheckErr
	case !p.SignedIn():
		return p, fmt.Errorf("wrapped: %w", authz.AnonymousError(p.AnonymousReason))
	}
	return p, nil
}

func signedInBy(_ context.Context, result any) (authz.Viewer, error) {
	return signedIn(result.(*allfeatures.Session)), nil
}

// relation is one predicate for objects of every type.
type relation = func(ctx context.Context, v *allfeatures.Viewer, object any) (bool, error)

func isAuthor(ctx context.Context, v *allfeatures.Viewer, object any) (bool, error) {
	return allfeatures.IsAuthor(v, object), ctx.Err()
}

func isMember(ctx context.Context, v *allfeatures.Viewer, object any) (bool, error) {
	return allfeatures.IsMember(v, object), ctx.Err()
}

// ownersBy makes a predicate for each type of allfeatures that has owners.
func ownersBy(is relation) []authz.Owner {
	return []authz.Owner{
		ownerBy[*allfeatures.Post](is, "Post"), ownerBy[*allfeatures.Draft](is, "Draft"),
		ownerBy[*allfeatures.Club](is, "Club"), ownerBy[*allfeatures.Member](is, "Member"),
		ownerBy[*allfeatures.Locker](is, "Locker"),
	}
}

func ownerBy[T any](is relation, name string) authz.Owner {
	return authz.OwnerOf(func(ctx context.Context, v *allfeatures.Viewer, object T) (bool, error) {
		return is(ctx, v, object)
	}).On(name)
}

// objects loads what allfeatures' operations name, in the context of their request.
func objects(r *allfeatures.Resolver) map[string]func(context.Context, string) (any, error) {
	load := func(ctx context.Context, id string) (any, error) { return r.Object(id), ctx.Err() }
	return map[string]func(context.Context, string) (any, error){
		"Mutation.discard(id:)": load, "Mutation.move(ids:)": load, "MoveInput.draft": load, "MoveInput.fresh": load,
		"MoveInput.proven":   load,
		"Query.excerpt(id:)": load, "Subscription.edits(id:)": load,
	}
}

func signedIn(s *allfeatures.Session) *allfeatures.Viewer {
	return &allfeatures.Viewer{ID: s.Token[len("t-"):], Roles: []string{"USER"}, AuthTime: now}
}

// serve returns a server of allfeatures, or of a mutant of its schema.
func serve(t testing.TB, sdl string, config authz.Config) (*server, error) {
	t.Helper()
	schema, err := allfeatures.Load(sdl)
	if err != nil {
		return nil, err
	}
	s := &server{resolver: allfeatures.NewResolver()}
	es := s.resolver.Executable(schema)
	config.QueryCache = authz.NewQueryCache(4096)
	if s.guard, err = authz.New(es.Schema(), config); err != nil {
		return nil, err
	}
	s.exec = executor.New(es)
	s.exec.Use(s.guard)
	s.exec.AroundFields(func(ctx context.Context, next graphql.Resolver) (any, error) {
		s.fields.Add(1)
		return next(ctx)
	})
	s.exec.SetQueryCache(config.QueryCache)
	return s, nil
}

func mustServe(t testing.TB, verify bool) *server {
	t.Helper()
	s := must(serve(t, allfeatures.SDL, testConfig(verify)))
	return s
}

// serveWith returns a server of allfeatures with a changed configuration.
func serveWith(t testing.TB, change func(*authz.Config)) *server {
	t.Helper()
	config := testConfig(false)
	change(&config)
	return must(serve(t, allfeatures.SDL, config))
}

// raw runs one operation and returns all its responses, or the validation errors.
func (s *server) raw(p *allfeatures.Viewer, o operation) ([]*graphql.Response, gqlerror.List) {
	ctx := as(graphql.StartOperationTrace(context.Background()), p)
	params := &graphql.RawParams{Query: o.text, OperationName: o.name, Variables: o.variables}
	oc, errs := s.exec.CreateOperationContext(ctx, params)
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

// ask runs one operation and returns its answers.
func (s *server) ask(p *allfeatures.Viewer, o operation) ([]answer, error) {
	responses, errs := s.raw(p, o)
	if errs != nil {
		return nil, errs
	}
	var all []answer
	for _, r := range responses {
		a := answer{Rejected: r.Data == nil}
		if !a.Rejected {
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

// denialOf is an error as the matrix compares it. gqlgen's own errors, about null in a non-null place, have no code.
func denialOf(e *gqlerror.Error) string {
	code, _ := e.Extensions["code"].(string)
	switch coordinate, _ := e.Extensions["coordinate"].(string); {
	case code == "INTERNAL":
		return code
	case code != "" && (len(e.Locations) != 1 || e.Locations[0].Line == 0):
		return "says not where: " + e.Error()
	case code != "":
		return code + " " + coordinate
	case strings.Contains(e.Message, "cannot return null for non-null field"),
		e.Message == "the requested element is null which the schema does not allow":
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

// rejectAll asks a schema without resolvers for all of its root fields, and returns the errors.
func rejectAll(t testing.TB, schema *ast.Schema, config authz.Config, p *allfeatures.Viewer) gqlerror.List {
	t.Helper()
	guard := must(authz.New(schema, config))
	var b strings.Builder
	for _, f := range schema.Query.Fields {
		if !strings.HasPrefix(f.Name, "__") {
			b.WriteString(" " + f.Name)
		}
	}
	exec := executor.New((&allfeatures.Resolver{}).Executable(schema))
	exec.Use(guard)
	ctx := as(graphql.StartOperationTrace(context.Background()), p)
	oc, errs := exec.CreateOperationContext(ctx, &graphql.RawParams{Query: "{" + b.String() + "}"})
	if errs != nil {
		t.Fatal(errs)
	}
	next, ctx := exec.DispatchOperation(ctx, oc)
	return next(ctx).Errors
}

// named is an operation that runs the one of the name Op when the text has it.
func named(text string) operation {
	if strings.Contains(text, " Op") {
		return operation{text: text, name: "Op"}
	}
	return operation{text: text}
}

// sections returns the sections of a txtar file, which has at least so many.
func sections(t testing.TB, name string, least int) []txtar.File {
	t.Helper()
	archive := must(txtar.ParseFile(name))
	if len(archive.Files) < least {
		t.Fatalf("%s has %d sections, want %d or more", name, len(archive.Files), least)
	}
	return archive.Files
}

// summary runs an operation as a persona and returns its responses in one line each: the data, or "rejected", then each
// error's code, coordinate and path.
func (s *server) summary(t testing.TB, persona, text string, variables ...map[string]any) string {
	t.Helper()
	o := named(text)
	for _, v := range variables {
		o.variables = v
	}
	responses, errs := s.raw(viewerNamed(t, persona), o)
	if errs != nil {
		t.Fatalf("%v\n%s", errs, o.text)
	}
	var lines []string
	for _, r := range responses {
		line := string(r.Data)
		if r.Data == nil {
			line = "rejected"
		}
		for _, e := range r.Errors {
			line += fmt.Sprintf(" | %s @%s", denialOf(e), e.Path)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
