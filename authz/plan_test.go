package authz

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestPlan_IsLinearInTheDocument would not end if it were exponential.
func TestPlan_IsLinearInTheDocument(t *testing.T) {
	guard := benchGuard(t)
	nodes := map[int]int{}
	for _, fragments := range []int{60, 120} {
		text := doubling(fragments)
		var p *plan
		for _, leaf := range []string{"secret: __typename", "@include(if: $no)"} { // everything or nothing is selected
			doc, err := parseOnly(strings.Replace(text, "secret: __typename", leaf, 1))
			testenv.Check(t, err)
			p = newPlan(guard.table, doc, doc.Operations[0])
			for _, strict := range []bool{false, true} {
				guard.decide(context.Background(), []*node{p.root}, strict, caller{}, bits{}, nil)
			}
		}
		nodes[fragments] = countNodes([]*node{p.root}, map[*node]bool{})
	}
	if nodes[60] < 60 || nodes[120] > 2*nodes[60] {
		t.Errorf("%d nodes for 120 fragments, %d for 60", nodes[120], nodes[60])
	}
}

// countNodes is how many nodes a walk meets.
func countNodes(nodes []*node, seen map[*node]bool) (n int) {
	for _, at := range nodes {
		if seen[at] {
			continue
		}
		seen[at] = true
		n++
		for _, s := range at.selections {
			n += countNodes(s.children, seen)
		}
		for _, f := range at.fragments {
			n += countNodes([]*node{f.node}, seen)
		}
	}
	return n
}

// TestSignIns_AreDecidedEachForItself: after each of n fields that sign in, what is below it is decided, and not what is
// below all of them.
func TestSignIns_AreDecidedEachForItself(t *testing.T) {
	guard := benchGuard(t)
	decided := map[int]int{} // nodes, after all of so many fields
	for _, fields := range []int{40, 80} {
		text := strings.Repeat(`a: signIn(id: "ann") { ...F } `, 3) // of which the executor makes one field
		for i := range fields - 1 {
			text += fmt.Sprintf(`a%d: signIn(id: "ann") { ...F } `, i)
		}
		doc, err := parseOnly("mutation { " + text + "} fragment F on Session { vault { note } }")
		testenv.Check(t, err)
		p := newPlan(guard.table, doc, doc.Operations[0])
		d := guard.decide(t.Context(), []*node{p.root}, true, caller{}, bits{}, nil)
		testenv.Equal(t, fields, len(d.signIns), "fields that sign in")
		for _, below := range d.signIns {
			decided[fields] += countNodes(below, map[*node]bool{})
		}
	}
	if decided[40] < 2*40 || decided[80]-decided[40] != 3*40 {
		t.Errorf("%d nodes are decided after 80 fields, %d after 40", decided[80], decided[40])
	}
}

func TestQueryCache_PlansAnOperationOnceAndServesOneGuard(t *testing.T) {
	guard := benchGuard(t)
	doc, err := parseOnly(tenFields)
	testenv.Check(t, err)
	op := &graphql.OperationContext{RawQuery: tenFields, Doc: doc, Operation: doc.Operations[0]}
	ask := func() (p *plan, planned uint64) {
		before := guard.PlanStats().Misses
		p = guard.planOf(op)
		return p, guard.PlanStats().Misses - before
	}
	if _, planned := ask(); planned != 1 {
		t.Errorf("without a cache: planned %d times", planned)
	}
	cache := NewQueryCache(10)
	guard.config.QueryCache = cache
	cache.Add(t.Context(), tenFields, doc)
	first, _ := ask()
	if second, planned := ask(); planned != 0 || second != first {
		t.Errorf("with a cache: planned %d times", planned)
	}
	config := Config{Viewer: guard.config.Viewer, QueryCache: cache}
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: Directives + `
		enum Role { A } enum Owner { A } type Query { a: Int @public }`})
	if _, err := New(schema, config); err != nil {
		t.Error(err)
	}
	if _, err := New(schema, config); err == nil || !strings.Contains(err.Error(), "another guard's") {
		t.Errorf("a second guard takes it, too: %v", err)
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

func parseOnly(text string) (*ast.QueryDocument, error) {
	return parser.ParseQuery(&ast.Source{Input: text})
}

// TestComparePaths_OrdersIndexesAsNumbers: of many places where something is denied, the first is in the answer.
func TestComparePaths_OrdersIndexesAsNumbers(t *testing.T) {
	path := func(index int) ast.Path {
		return ast.Path{ast.PathName("rows"), ast.PathIndex(index), ast.PathName("a")}
	}
	for i, a := range []int{0, 9, 10, 100} {
		for j, b := range []int{0, 9, 10, 100} {
			testenv.Equal(t, cmp.Compare(i, j), comparePaths(path(a), path(b)), "%d and %d", a, b)
		}
	}
}
