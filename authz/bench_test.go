package authz

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/gatehouse/gatehouse/authz/testdata/allfeatures"
	"github.com/gatehouse/gatehouse/authz/testdata/runtimedirectives"
)

// tenFields selects ten guarded fields of a guarded type.
const tenFields = `{ rows { a b c d e } more: rows { f: a g: b h: c i: d j: e } }`

func benchGuard(b testing.TB) *Guard {
	b.Helper()
	schema, err := allfeatures.Load(allfeatures.SDL)
	if err != nil {
		b.Fatal(err)
	}
	none := func(context.Context, string) (any, error) { return nil, nil }
	never := OwnerOf(func(context.Context, Viewer, *allfeatures.Draft) (bool, error) { return false, nil }).
		On("Post", "Draft", "Club", "Member", "Locker")
	viewer := &allfeatures.Viewer{ID: "alice", Roles: []string{"USER"}, Scopes: []string{"a:read"}, AuthTime: time.Now()}
	guard, err := New(schema, Config{
		Viewer: func(context.Context) (Viewer, error) { return viewer, nil },
		Owners: map[string][]Owner{"AUTHOR": {never}, "MEMBER": {never}},
		Objects: map[string]func(context.Context, string) (any, error){
			"Mutation.discard(id:)": none, "Mutation.move(ids:)": none, "MoveInput.draft": none, "MoveInput.fresh": none,
			"MoveInput.proven":   none,
			"Query.excerpt(id:)": none, "Subscription.edits(id:)": none,
		},
		SignedIn: func(context.Context, any) (Viewer, error) { return viewer, nil },
		Log:      slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	return guard
}

func benchDocument(b testing.TB, schema *ast.Schema, text string) *ast.QueryDocument {
	b.Helper()
	doc, errs := gqlparser.LoadQueryWithRules(schema, text, rules.NewDefaultRules())
	if errs != nil {
		b.Fatal(errs)
	}
	return doc
}

// BenchmarkPlanHit measures a request whose plan is cached and that is granted: the look-up, the viewer's methods and
// the comparison.
func BenchmarkPlanHit(b *testing.B) {
	guard := benchGuard(b)
	guard.config.QueryCache = NewQueryCache(10)
	doc := benchDocument(b, guard.table.schema, tenFields)
	guard.config.QueryCache.Add(b.Context(), tenFields, doc)
	oc := &graphql.OperationContext{RawQuery: tenFields, Doc: doc, Operation: doc.Operations[0]}
	ctx := graphql.WithOperationContext(b.Context(), oc)
	ran := false
	next := func(context.Context) graphql.ResponseHandler { ran = true; return nil }
	b.ReportAllocs()
	for b.Loop() {
		guard.InterceptOperation(ctx, next)
	}
	if !ran {
		b.Fatal("not granted")
	}
}

// BenchmarkPlanMiss measures an operation without a cached plan; it must grow linearly with the document's tokens.
func BenchmarkPlanMiss(b *testing.B) {
	guard := benchGuard(b)
	field := func(i int) string { return fmt.Sprintf("n%d: documents { id } ", i) } // 6 tokens
	for _, tokens := range []int{250, 500, 1000, 2000} {
		var text strings.Builder
		for i := range tokens / 6 {
			text.WriteString(field(i))
		}
		benchPlan(b, fmt.Sprintf("tokens=%d", tokens), guard, "{"+text.String()+"}")
	}
	for _, fragments := range []int{30, 60, 120} { // each spreads the next twice: 2^30 fields and more when unfolded
		benchPlan(b, fmt.Sprintf("doubled=%d", fragments), guard, doubling(fragments))
	}
}

func benchPlan(b *testing.B, name string, guard *Guard, text string) {
	b.Run(name, func(b *testing.B) {
		doc := new(ast.QueryDocument)
		if strings.HasPrefix(name, "doubled") { // gqlparser's own validation takes long over these
			var err error
			if doc, err = parseOnly(text); err != nil {
				b.Fatal(err)
			}
		} else {
			doc = benchDocument(b, guard.table.schema, text)
		}
		b.ReportAllocs()
		for b.Loop() {
			p := newPlan(guard.table, doc, doc.Operations[0])
			guard.decide(context.Background(), []*node{p.root}, false, caller{}, bits{}, nil)
		}
	})
}

// BenchmarkList answers 10,000 objects of five fields: without a guard, granted in full, decided field by field because
// another field of the operation is forbidden, with VerifyExecution, and with gqlgen's runtime directives.
func BenchmarkList(b *testing.B) {
	const text = `{ rows { a b c d e } }`
	resolver := allfeatures.NewResolver()
	resolver.Many = allfeatures.Rows(10_000)
	for _, c := range []struct {
		name, text         string
		guarded, verifying bool
	}{
		{"open", text, false, false}, {"guarded", text, true, false},
		{"guarded-with-denial", `{ rows { a b c d e } staff }`, true, false}, {"verifying", text, true, true},
	} {
		b.Run("server="+c.name, func(b *testing.B) {
			guard := benchGuard(b)
			guard.config.VerifyExecution = c.verifying
			exec := executor.New(resolver.Executable(guard.table.schema))
			if c.guarded {
				exec.Use(guard)
			}
			benchAnswer(b, exec, c.text)
		})
	}
	b.Run("server=directives", func(b *testing.B) {
		rows := make([]*runtimedirectives.Row, 10_000)
		for i := range rows {
			rows[i] = &runtimedirectives.Row{A: i, B: i, C: i, D: i, E: i}
		}
		auth := func(ctx context.Context, _ any, next graphql.Resolver) (any, error) {
			if ctx.Value(viewerKey{}) != nil {
				return nil, context.Canceled
			}
			return next(ctx)
		}
		benchAnswer(b, executor.New(runtimedirectives.NewExecutableSchema(runtimedirectives.Config{
			Resolvers:  runtimedirectives.Resolver{Many: rows},
			Directives: runtimedirectives.DirectiveRoot{Auth: auth},
		})), text)
	})
}

type viewerKey struct{}

func benchAnswer(b *testing.B, exec *executor.Executor, text string) {
	b.ReportAllocs()
	for b.Loop() {
		ctx := graphql.StartOperationTrace(b.Context())
		oc, errs := exec.CreateOperationContext(ctx, &graphql.RawParams{Query: text})
		if errs != nil {
			b.Fatal(errs)
		}
		next, ctx := exec.DispatchOperation(ctx, oc)
		if r := next(ctx); len(r.Data) < 100_000 {
			b.Fatalf("%s %v", r.Data, r.Errors)
		}
	}
}
