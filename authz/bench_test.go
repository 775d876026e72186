package authz

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/gatehouse/gatehouse/authz/testdata/allfeatures"
	"github.com/gatehouse/gatehouse/authz/testdata/runtimedirectives"
)

// ten asks for ten guarded fields, and for their type's rule too.
const ten = `{ rows { a b c d e } more: rows { f: a g: b h: c i: d j: e } }`

func benchGuard(b testing.TB) *Guard {
	b.Helper()
	schema, err := allfeatures.Load(allfeatures.SDL)
	if err != nil {
		b.Fatal(err)
	}
	nobody := func(context.Context, Viewer, any) (bool, error) { return false, nil }
	person := &allfeatures.Person{ID: "alice", Roles: []string{"USER"}, Scopes: []string{"a:read"}, Proved: time.Now()}
	guard, err := New(schema, Config{
		Viewer:   func(context.Context) Viewer { return person },
		Owners:   map[string]Owner{"AUTHOR": nobody, "MEMBER": nobody},
		SignedIn: func(context.Context, any) Viewer { return person },
		Log:      slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	return guard
}

func benchDocument(b *testing.B, schema *ast.Schema, text string) *ast.QueryDocument {
	b.Helper()
	doc, errs := gqlparser.LoadQueryWithRules(schema, text, rules.NewDefaultRules())
	if errs != nil {
		b.Fatal(errs)
	}
	return doc
}

// BenchmarkPlanHit is what the guard costs a request whose operation it has seen and grants: the plan's look-up, the
// viewer's questions and the comparison.
func BenchmarkPlanHit(b *testing.B) {
	guard := benchGuard(b)
	cache := guard.QueryCache(10)
	doc := benchDocument(b, guard.table.schema, ten)
	cache.Add(b.Context(), ten, doc)
	oc := &graphql.OperationContext{RawQuery: ten, Doc: doc, Operation: doc.Operations[0]}
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

// BenchmarkPlanMiss is what an operation costs on first sight; it must grow with the document's tokens.
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

// doubling is a document of so many fragments, each of which spreads the next twice.
func doubling(fragments int) string {
	var text strings.Builder
	text.WriteString("{ nodes { ...F0 ...F0 } }")
	for i := range fragments {
		fmt.Fprintf(&text, " fragment F%d on Node { ...F%d ...F%d }", i, i+1, i+1)
	}
	fmt.Fprintf(&text, " fragment F%d on Node { id secret: __typename }", fragments)
	return text.String()
}

// TestAPlanIsLinearInTheDocument would not end otherwise.
func TestAPlanIsLinearInTheDocument(t *testing.T) {
	guard := benchGuard(t)
	nodes := map[int]int{}
	for _, fragments := range []int{60, 120} {
		doc, err := parseOnly(doubling(fragments))
		if err != nil {
			t.Fatal(err)
		}
		p := newPlan(guard.table, doc, doc.Operations[0])
		for _, strict := range []bool{false, true} {
			guard.decide([]*node{p.root}, strict, nil, bits{}, nil)
		}
		count := map[*node]bool{}
		var walk func(*node)
		walk = func(n *node) {
			if count[n] {
				return
			}
			count[n] = true
			for _, u := range n.uses {
				for _, c := range u.children {
					walk(c)
				}
			}
			for _, e := range n.edges {
				walk(e.to)
			}
		}
		walk(p.root)
		nodes[fragments] = len(count)
	}
	if nodes[120] > 2*nodes[60] {
		t.Errorf("%d nodes for 120 fragments, %d for 60", nodes[120], nodes[60])
	}
}

// TestGateLooksAtListsOfValues: gqlgen can be told to hold objects in lists as values, where a hidden one cannot be nil.
func TestGateLooksAtListsOfValues(t *testing.T) {
	guard := benchGuard(t)
	guard.config.Owners["AUTHOR"] = func(_ context.Context, _ Viewer, object any) (bool, error) {
		return *object.(*allfeatures.Draft).AuthorID == "alice", nil
	}
	alice, bob := "alice", "bob"
	v := guard.config.Viewer(t.Context())
	r := &run{guard: guard, met: map[string]*violation{}}
	field := guard.table.types["Query"].fields["draftsOrNull"]
	g := &gatekeeper{run: r, ctx: t.Context(), decision: &decision{viewer: v, have: guard.ask(v)}, field: field}
	for name, c := range map[string]struct {
		list   any
		hidden bool
	}{
		"values, all shown":   {[]allfeatures.Draft{{AuthorID: &alice}}, false},
		"values, one hidden":  {[]allfeatures.Draft{{AuthorID: &alice}, {AuthorID: &bob}}, true},
		"pointers, one hides": {[]*allfeatures.Draft{{AuthorID: &alice}, {AuthorID: &bob}}, false},
		"no list":             {[]*allfeatures.Draft(nil), false},
	} {
		left, hidden := g.value(reflect.ValueOf(c.list), field.definition.Type, nil)
		if hidden != c.hidden {
			t.Errorf("%s: hidden %t", name, hidden)
		}
		if list, ok := left.Interface().([]*allfeatures.Draft); ok && len(list) == 2 && (list[0] == nil || list[1] != nil) {
			t.Errorf("%s: %v", name, list)
		}
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
			guard.decide([]*node{p.root}, false, nil, bits{}, nil)
		}
	})
}

// BenchmarkList answers 10,000 objects of five fields: without a guard, granted by the guard, decided field by field
// because another field of the operation is forbidden, audited, and with gqlgen's directives.
func BenchmarkList(b *testing.B) {
	const text = `{ rows { a b c d e } }`
	world := allfeatures.NewWorld()
	world.Many = allfeatures.Rows(10_000)
	servers := func(b *testing.B, change func(*Guard, *executor.Executor)) *executor.Executor {
		guard := benchGuard(b)
		exec := executor.New(world.Executable(guard.table.schema))
		if change != nil {
			change(guard, exec)
		}
		return exec
	}
	b.Run("server=open", func(b *testing.B) { benchAnswer(b, servers(b, nil), text) })
	b.Run("server=guarded", func(b *testing.B) {
		benchAnswer(b, servers(b, func(g *Guard, e *executor.Executor) { e.Use(g) }), text)
	})
	b.Run("server=guarded-beside-denial", func(b *testing.B) {
		benchAnswer(b, servers(b, func(g *Guard, e *executor.Executor) { e.Use(g) }), `{ rows { a b c d e } staff }`)
	})
	b.Run("server=audited", func(b *testing.B) {
		benchAnswer(b, servers(b, func(g *Guard, e *executor.Executor) { g.config.VerifyExecution = true; e.Use(g) }), text)
	})
	b.Run("server=directives", func(b *testing.B) {
		rows := make([]*runtimedirectives.Row, 10_000)
		for i := range rows {
			rows[i] = &runtimedirectives.Row{A: i, B: i, C: i, D: i, E: i}
		}
		benchAnswer(b, executor.New(runtimedirectives.NewExecutableSchema(runtimedirectives.Config{
			Resolvers: directiveRows{rows},
			Directives: runtimedirectives.DirectiveRoot{Auth: func(ctx context.Context, _ any, next graphql.Resolver) (any, error) {
				if ctx.Value(personKey{}) != nil {
					return nil, context.Canceled
				}
				return next(ctx)
			}},
		})), text)
	})
}

type personKey struct{}

type directiveRows struct{ rows []*runtimedirectives.Row }

func (r directiveRows) Query() runtimedirectives.QueryResolver                    { return r }
func (r directiveRows) Rows(context.Context) ([]*runtimedirectives.Row, error)    { return r.rows, nil }
func (directiveRows) Secret(context.Context) (*runtimedirectives.Secret, error)   { return nil, nil }
func (directiveRows) Thing(context.Context) (runtimedirectives.Thing, error)      { return nil, nil }
func (directiveRows) Animal(context.Context) (runtimedirectives.Animal, error)    { return nil, nil }
func (directiveRows) Again(context.Context) (q *runtimedirectives.Query, _ error) { return q, nil }

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

func parseOnly(text string) (*ast.QueryDocument, error) {
	return parser.ParseQuery(&ast.Source{Input: text})
}
