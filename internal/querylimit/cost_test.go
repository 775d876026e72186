package querylimit

import (
	"fmt"
	"testing"

	"github.com/gatehouse/gatehouse/internal/graphqltest"
)

// The doubling of fragments must cost no more than the text: allocations are counted, not time.
func TestDocumentLimits_DoublingFragmentsTakeLinearSpace(t *testing.T) {
	for _, n := range []int{10, 30, 60, 90} {
		document := "{node{...F0}}" + graphqltest.Repeat(n, "fragment F%d on Node{...F%e ...F%e}") +
			fmt.Sprintf("fragment F%d on Node{id}", n)
		limits := NewDocumentLimits(graphqltest.Schema().Schema(), DefaultLimits(), false)
		allocations := testing.AllocsPerRun(3, func() {
			if err := limits.Check(document); err == nil || err.Extensions["limit"] != "fields" {
				t.Fatalf("2^%d fields: %v", n, err)
			}
		})
		if allocations > float64(40*n+200) {
			t.Errorf("2^%d fields: %.0f allocations", n, allocations)
		}
	}
}
