package authz_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/authz/testdata/allfeatures"
)

// ids are of public objects, of objects with and without an owner, and of no object.
var ids = []string{"p1", "p2", "p0", "pe", "d1", "d2", "d3", "c1", "c2", "c0", "l1", "l0", "m1", "alice", "bob", "nothing"}

func schemaGenerator(schema *ast.Schema) *generator {
	return &generator{schema: schema, values: func(coordinate string, t *ast.Type) []string {
		switch {
		case t.Name() == "PostInput":
			return []string{`{title: "x"}`}
		case strings.HasPrefix(coordinate, "Mutation.sign"):
			return []string{`"alice"`, `"bob"`, `"nobody"`}
		case strings.HasPrefix(coordinate, "Mutation.touch"):
			return []string{`"d1"`, `"m1"`, `"nothing"`}
		}
		switch coordinate {
		case "Mutation.discard(id:)", "Query.excerpt(id:)", "Subscription.edits(id:)":
			return []string{`"p1"`, `"d2"`, `"m1"`, `"nothing"`}
		}
		prefix := map[string]string{
			"Query.post(id:)": "p", "Query.draft(id:)": "d", "Query.mustDraft(id:)": "d", "Query.club(id:)": "c",
			"Query.locker(id:)": "l", "Query.memo(id:)": "m", "Mutation.publish(id:)": "p", "Mutation.erase(id:)": "p1", "Mutation.promote(id:)": "m",
		}[coordinate]
		var all []string
		for _, id := range ids {
			if strings.HasPrefix(id, prefix) || id == "nothing" {
				all = append(all, `"`+id+`"`)
			}
		}
		return all
	}}
}

type cell struct {
	coordinate, shape string
	operation
}

// cells returns the operations of the complete matrix: each coordinate in each shape over each direct route, and in
// three shapes over each route of two fields.
func cells(t testing.TB, schema *ast.Schema) (all []cell) {
	g := schemaGenerator(schema)
	routes := g.routes(2)
	for _, typ := range g.objects() {
		for _, r := range routes[typ.Name] {
			for i, s := range shapes() {
				if r.depth == 2 && i%6 != 0 || r.kind == "subscription" && r.depth == 0 && s.name == "with __typename" {
					continue
				}
				all = append(all, g.fieldCells(r, typ, s)...)
			}
			if r.depth < 2 {
				all = append(all, g.argumentCells(r, typ)...)
			}
		}
	}
	for _, o := range sections(t, "testdata/operations.txtar", 25) {
		all = append(all, cell{"by hand", o.Name, operation{text: string(o.Data)}})
	}
	return all
}

func (g *generator) fieldCells(r route, typ *ast.Definition, s shape) (all []cell) {
	for _, f := range typ.Fields {
		if strings.HasPrefix(f.Name, "__") {
			continue
		}
		for _, call := range g.calls(typ, f, "") {
			all = append(all, cell{typ.Name + "." + f.Name, s.name, write(r, typ.Name, g.leaf(call, f.Type), s, variables{})})
		}
	}
	if r.depth > 0 || r.kind != "subscription" {
		all = append(all, cell{typ.Name + ".__typename", s.name, write(r, typ.Name, "__typename", s, variables{})})
	}
	return all
}

func (g *generator) argumentCells(r route, typ *ast.Definition) (all []cell) {
	for _, f := range typ.Fields {
		for _, a := range f.Arguments {
			if strings.HasPrefix(f.Name, "__") || a.Name == "id" {
				continue
			}
			at := typ.Name + "." + f.Name + "(" + a.Name + ":)"
			for _, way := range g.supplies(a) {
				others := ast.FieldDefinition{Name: f.Name}
				for _, b := range f.Arguments {
					if b.Name != a.Name {
						others.Arguments = append(others.Arguments, b)
					}
				}
				for _, call := range g.calls(typ, &others, way.text) {
					for _, i := range []int{0, 1, 5} {
						s := shapes()[i]
						all = append(all, cell{at, s.name + ", " + way.name, write(r, typ.Name, g.leaf(call, f.Type), s, way.variables)})
					}
				}
			}
		}
	}
	return all
}

// TestMatrix_GuardAgreesWithTheEvaluator compares the guard with the evaluator for every coordinate, shape and persona.
// It takes a sample of the operations; TEST_LONG=matrix takes all.
func TestMatrix_GuardAgreesWithTheEvaluator(t *testing.T) {
	schema := load(t, allfeatures.SDL)
	all := cells(t, schema)
	taken := sample(all)
	covered := map[string]bool{}
	for _, c := range taken {
		covered[c.coordinate] = true
	}
	for _, typ := range schemaGenerator(schema).objects() {
		for _, f := range typ.Fields {
			if at := typ.Name + "." + f.Name; !strings.HasPrefix(f.Name, "__") && !covered[at] {
				t.Errorf("%s is not in the matrix", at)
			}
		}
	}
	t.Logf("%d of %d operations for %d coordinates and %d personas", len(taken), len(all), len(covered), len(personas()))
	const shards = 2
	for shard := range shards {
		t.Run(fmt.Sprint(shard), func(t *testing.T) {
			t.Parallel()
			m := newMatrix(t, schema)
			for i := shard; i < len(taken); i += shards {
				if message := m.differs(taken[i]); message != "" {
					t.Fatal(message)
				}
			}
			t.Logf("%d answers compared: %d rejected, %d with data and denials", m.compared, m.rejected, m.partial)
		})
	}
}

// matrix is two guarded servers of allfeatures, one with VerifyExecution, and the schema and resolver of the evaluator.
type matrix struct {
	schema                      *ast.Schema // the intended policy
	resolver                    *allfeatures.Resolver
	plain, verifying            *server
	compared, rejected, partial int
}

// sample takes each nth cell, those by hand, and the first of each coordinate.
func sample(all []cell) (taken []cell) {
	every := scaled(1, 23, 101)
	covered := map[string]bool{}
	for i, c := range all {
		if i%every == 0 || c.coordinate == "by hand" || !covered[c.coordinate] {
			covered[c.coordinate] = true
			taken = append(taken, c)
		}
	}
	return taken
}

func newMatrix(t testing.TB, schema *ast.Schema) *matrix {
	t.Helper()
	plain, verifying := mustServe(t, false), mustServe(t, true)
	return &matrix{schema: schema, resolver: allfeatures.NewResolver(), plain: plain, verifying: verifying}
}

// differs runs one cell as every persona and describes where the guard and the evaluator differ; "" when they agree.
func (m *matrix) differs(c cell) string {
	e, err := evaluate(m.schema, m.resolver, c.operation)
	if err != nil {
		return fmt.Sprintf("%v\n%s", err, c.text)
	}
	for i, p := range personas() {
		want := e.expect(p.Viewer)
		if want == nil {
			continue
		}
		m.compared++
		if want[0].Rejected {
			m.rejected++
		} else if len(want[0].Denials) > 0 {
			m.partial++
		}
		s := m.plain
		if (m.compared+i)%4 == 0 {
			s = m.verifying
		}
		if message := s.compare(p.Viewer, c.operation, want); message != "" {
			return fmt.Sprintf("%s, %s, %s: %s", c.coordinate, c.shape, p.name, message)
		}
	}
	return ""
}

// compare runs an operation and describes how its answers differ from the wanted ones; "" when they agree. It also
// checks that a rejected operation resolves nothing.
func (s *server) compare(p *allfeatures.Viewer, o operation, want []answer) string {
	calls, fields := s.resolver.Calls.Load(), s.fields.Load()
	got, err := s.ask(p, o)
	if err != nil {
		return fmt.Sprintf("%v\n%s %v", err, o.text, o.variables)
	}
	if strings.Contains(o.text, "subscription ") {
		alignNulls(want, got)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		return fmt.Sprintf("(-want +got)\n%s\n%s %v", diff, o.text, o.variables)
	}
	if want[0].Rejected && (s.resolver.Calls.Load() != calls || s.fields.Load() != fields) {
		return "rejected, but something was resolved\n" + o.text
	}
	return ""
}

// alignNulls removes data that is null on both sides: in a subscription gqlgen answers {"field": null} where null
// should bubble up.
func alignNulls(want, got []answer) {
	for i := range min(len(want), len(got)) {
		if isNull(got[i].Data) && isNull(want[i].Data) {
			got[i].Data, want[i].Data = nil, nil
		}
	}
}

func isNull(data any) bool {
	object, _ := data.(map[string]any)
	for _, v := range object {
		return v == nil
	}
	return data == nil
}
