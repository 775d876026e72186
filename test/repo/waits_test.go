package repo

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/servertest"
)

// TestTests_WaitAsLongAsABusyMachineTakes: outside the folders whose tests run alone, what must come is waited for until
// HangGuard; and no test but those of the driver itself opens a SQLite file without dbtest's wait for its lock.
func TestTests_WaitAsLongAsABusyMachineTakes(t *testing.T) {
	waits, opens := 0, 0
	for _, name := range tracked(t, "*_test.go") {
		file, err := parser.ParseFile(token.NewFileSet(), name, servertest.ReadFile(t, name), 0)
		servertest.Check(t, err)
		alone := strings.HasPrefix(name, "test/faults/") || strings.HasPrefix(name, "test/abuse/")
		for call := range calls(file) {
			switch called := types.ExprString(call.Fun); {
			case strings.HasSuffix(called, "Eventually") && !alone:
				waits++
				if bound := types.ExprString(call.Args[2]); !strings.HasSuffix(bound, "HangGuard") {
					t.Errorf("%s: Eventually waits for %s; HangGuard, or a test in test/faults", name, bound)
				}
			case called == "sql.Open" && types.ExprString(call.Args[0]) == `"sqlite"`:
				if opens++; name != "test/faults/sqlite_corruption_test.go" { // a file of its own
					t.Errorf("%s opens a SQLite file: dbtest.OpenRaw waits for its lock", name)
				}
			}
		}
	}
	if waits < 20 || opens != 1 {
		t.Errorf("found %d waits and %d SQLite files: the test looks in the wrong place", waits, opens)
	}
}

// calls are those in a file.
func calls(file *ast.File) func(yield func(*ast.CallExpr) bool) {
	return func(yield func(*ast.CallExpr) bool) {
		for n := range ast.Preorder(file) {
			if call, ok := n.(*ast.CallExpr); ok && !yield(call) {
				return
			}
		}
	}
}
