package graph

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/internal/graphqltest"
)

// maxIntrospectionBytes bounds what an answer to a question for the schema allocates.
const maxIntrospectionBytes = 8 << 20

// TestIntrospection_CostsLittleHoweverItIsAsked asks for the schema along all paths of objects, each as often as the
// limits allow.
func TestIntrospection_CostsLittleHoweverItIsAsked(t *testing.T) {
	schema := NewSchema(LoadSchema(), nil, nil)
	h := newHandler(t, schema, readable)
	depth := 4
	if testing.Short() {
		depth = 2
	}
	paths := introspections(schema.Schema(), "__Schema", depth)
	asked, most, worst := 0, uint64(0), ""
	for _, path := range paths {
		for n := 10; n > 0; n-- {
			document := "{" + graphqltest.Repeat(n, "a%d:__schema{"+path+"}") + "}"
			if bytes, accepted := allocated(t, h, document); accepted {
				asked++
				if bytes > most {
					most, worst = bytes, fmt.Sprintf("%d × %s", n, path)
				}
				break
			}
		}
	}
	t.Logf("%d of %d paths, the largest allocates %d KiB: %s", asked, len(paths), most>>10, worst)
	if most > maxIntrospectionBytes || asked < 10 {
		t.Errorf("at most %d KiB wanted", maxIntrospectionBytes>>10)
	}
}

// introspections returns the selections of all leaves at the end of each path of objects below a type.
func introspections(schema *ast.Schema, typ string, depth int) (all []string) {
	leaves := ""
	for _, f := range schema.Types[typ].Fields {
		switch def := schema.Types[f.Type.Name()]; {
		case def.IsLeafType():
			leaves += f.Name + " "
		case depth > 0:
			for _, below := range introspections(schema, def.Name, depth-1) {
				all = append(all, f.Name+"{"+below+"}")
			}
		}
	}
	return append(all, leaves)
}

// allocated returns what a request allocates, and whether it is within the limits.
func allocated(t *testing.T, h http.Handler, document string) (bytes uint64, accepted bool) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got := graphqltest.Query(t, h, document)
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc, len(got.Errors) == 0 || !strings.Contains(got.Text, "LIMIT_EXCEEDED") &&
		got.Code() != invalid
}
