package repo

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/servertest"
)

// TestTests_WaitAsLongAsABusyMachineTakes: outside the folders whose tests run alone, what must come is waited for until
// HangGuard, in Eventually and where time.After fails a test; no test but those of the driver itself opens a SQLite file
// without dbtest's wait for its lock; and none takes a process for stopped that was only sent the signal.
func TestTests_WaitAsLongAsABusyMachineTakes(t *testing.T) {
	waits, guards, opens := 0, 0, 0
	for _, name := range tracked(t, "*_test.go") {
		file, err := parser.ParseFile(token.NewFileSet(), name, servertest.ReadFile(t, name), 0)
		servertest.Check(t, err)
		alone := strings.HasPrefix(name, "test/faults/") || strings.HasPrefix(name, "test/abuse/")
		for guard := range failingAfter(file) {
			if bound := types.ExprString(guard); !alone && !strings.HasSuffix(bound, "HangGuard") {
				t.Errorf("%s fails after %s; HangGuard, or a test in test/faults", name, bound)
			}
			guards++
		}
		if strings.Contains(servertest.ReadFile(t, name), "SIGSTOP") && name != "test/repo/waits_test.go" {
			t.Errorf("%s sends SIGSTOP: testenv.Stop waits until the process has stopped", name)
		}
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
	if waits < 20 || guards < 3 || opens != 1 {
		t.Errorf("found %d waits, %d guards and %d SQLite files: the test looks in the wrong place", waits, guards, opens)
	}
}

// TestBrowserTests_WaitByOneMeasure: scripts start a browser, and say how long it waits, by web/test/browser.mjs alone;
// what happens once is waited for from before its cause on, since on a busy machine it may be over after that; and so is
// the focus, which moves after what is drawn.
func TestBrowserTests_WaitByOneMeasure(t *testing.T) {
	const driver = "web/test/browser.mjs"
	own := regexp.MustCompile(`playwright-core|\.launch\(\{|setDefault\w*Timeout\(|timeout:`)
	late := regexp.MustCompile(`(?m)^\s*(?:const .* = )?await [\w.]+\.waitFor(?:URL|Navigation|Request|Response|Event)\(`)
	users := 0
	for _, name := range tracked(t, "*.mjs") {
		text := servertest.ReadFile(t, name)
		if found := own.FindString(text); found != "" && name != driver {
			t.Errorf("%s has %q; import from %s", name, found, driver)
		}
		if found := late.FindString(text); found != "" {
			t.Errorf("%s has %q after what causes it; Promise.all has both", name, strings.TrimSpace(found))
		}
		if strings.Contains(text, "evaluate(() => document.activeElement") {
			t.Errorf("%s asks for the focus; wait for an element with :focus", name)
		}
		if strings.Contains(text, "/browser.mjs'") {
			users++
		}
	}
	guard := fmt.Sprintf("hangGuard = %d;", servertest.HangGuard.Milliseconds())
	if text := strings.ReplaceAll(servertest.ReadFile(t, driver), "_", ""); users < 8 || !strings.Contains(text, guard) {
		t.Errorf("%d scripts import %s, which should have %s", users, driver, guard)
	}
}

// failingAfter are the times after which a file's tests fail: of time.After in a case whose statements do that.
func failingAfter(file *ast.File) func(yield func(ast.Expr) bool) {
	return func(yield func(ast.Expr) bool) {
		for n := range ast.Preorder(file) {
			clause, ok := n.(*ast.CommClause)
			if !ok || clause.Comm == nil {
				continue
			}
			for _, statement := range clause.Body {
				if !fails(statement) {
					continue
				}
				for call := range calls(clause.Comm) {
					if types.ExprString(call.Fun) == "time.After" && !yield(call.Args[0]) {
						return
					}
				}
			}
		}
	}
}

// fails reports whether a statement fails its test, by itself or by an error that it returns.
func fails(statement ast.Stmt) bool {
	for call := range calls(statement) {
		called := types.ExprString(call.Fun)
		if called == "errors.New" {
			return true
		}
		if _, name, _ := strings.Cut(called, "."); strings.HasPrefix(name, "Fatal") || strings.HasPrefix(name, "Error") {
			return true
		}
	}
	return false
}

// calls are those in a node.
func calls(node ast.Node) func(yield func(*ast.CallExpr) bool) {
	return func(yield func(*ast.CallExpr) bool) {
		for n := range ast.Preorder(node) {
			if call, ok := n.(*ast.CallExpr); ok && !yield(call) {
				return
			}
		}
	}
}
