package authz

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

// TestPlan_IsLinearInTheDocument would not end if it were exponential.
func TestPlan_IsLinearInTheDocument(t *testing.T) {
	guard := benchGuard(t)
	nodes := map[int]int{}
	for _, fragments := range []int{60, 120} {
		doc, err := parseOnly(doubling(fragments))
		if err != nil {
			t.Fatal(err)
		}
		p := newPlan(guard.table, doc, doc.Operations[0])
		for _, strict := range []bool{false, true} {
			guard.decide([]*node{p.root}, strict, caller{}, bits{}, nil)
		}
		anyNode([]*node{p.root}, map[*node]bool{}, func(*node) bool { nodes[fragments]++; return false })
	}
	if nodes[60] < 60 || nodes[120] > 2*nodes[60] {
		t.Errorf("%d nodes for 120 fragments, %d for 60", nodes[120], nodes[60])
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
