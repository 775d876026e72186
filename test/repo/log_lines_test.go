package repo

import (
	"bytes"
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/logging"
	"github.com/gatehouse/gatehouse/internal/requestid"
	"github.com/gatehouse/gatehouse/internal/servertest"
)

// logCall is a call that writes a line.
type logCall struct {
	place      string
	message    string // "" when it is not a constant
	hasContext bool   // so that the log knows whose request it is
}

// withoutContext are lines that no request causes, with a bound of their own: of the start, the end and the background.
var withoutContext = map[string]bool{
	"listening":                    true,
	"serving /metrics and /readyz": true,
	"GATEHOUSE_OPS_ADDR is not on loopback: every client that connects to it may read what it serves; keep it behind a firewall": true,
	"/metrics and /readyz are not served any more":                           true,
	"shutting down: draining connections, then waiting for running requests": true,
	"the log was read too slowly: lines were dropped":                        true,
	"lines were left out":            true,
	"OpenTelemetry reports an error": true,
}

// TestLogLines_OfRequestsHaveABudget floods the log with each line that the program can write, from one caller: only
// security events are all written. A line without a context would have no caller, and so no budget.
func TestLogLines_OfRequestsHaveABudget(t *testing.T) {
	const lines, most = 1000, 20
	calls := logCalls(t)
	for _, call := range calls {
		if !call.hasContext {
			if !withoutContext[call.message] {
				t.Errorf("%s: %q is written without a context: a request that causes it has no budget", call.place, call.message)
			}
			continue
		}
		var out bytes.Buffer
		log := logging.New(logging.Config{Out: &out})
		for range lines {
			log.ErrorContext(requestid.Ensure(context.Background()), call.message)
		}
		n := bytes.Count(out.Bytes(), []byte("\n"))
		if bounded := n > 0 && n <= most; bounded == (call.message == logging.SecurityEvent) {
			t.Errorf("%s: %d lines of %q", call.place, n, call.message)
		}
	}
	if len(calls) < 25 {
		t.Errorf("only %d lines were found", len(calls))
	}
}

// logCalls finds every call of a logger in what the program is made of.
func logCalls(t *testing.T) (calls []logCall) {
	t.Helper()
	for _, name := range tracked(t, "internal/*.go", "graph/*.go", "authz/*.go") {
		if strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, "generated.go") {
			continue
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, name, servertest.ReadFile(t, name), 0)
		servertest.Check(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if c, ok := asLogCall(call); ok {
					c.place = files.Position(call.Pos()).String()
					calls = append(calls, c)
				}
			}
			return true
		})
	}
	return calls
}

var logMethod = regexp.MustCompile(`^(Debug|Info|Warn|Error)(Context)?$|^Log(Attrs)?$`)

// asLogCall reads a call of a method of a logger, whatever variable holds it. Lines at level debug are somebody's wish.
func asLogCall(call *ast.CallExpr) (c logCall, ok bool) {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || !logMethod.MatchString(selector.Sel.Name) || !isLog(selector.X) {
		return c, false
	}
	method := selector.Sel.Name
	c.hasContext = strings.HasSuffix(method, "Context") || strings.HasPrefix(method, "Log")
	at := 0
	switch {
	case strings.HasPrefix(method, "Log"):
		at = 2
	case c.hasContext:
		at = 1
	}
	c.message = constant(call.Args[at])
	return c, !strings.HasPrefix(method, "Debug")
}

func isLog(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return strings.EqualFold(e.Name, "log") || slices.Contains([]string{"slog", "logger"}, e.Name)
	case *ast.SelectorExpr:
		return strings.EqualFold(e.Sel.Name, "log")
	}
	return false
}

// constant returns the text of a literal, of literals that are joined, or of logging's constant.
func constant(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, _ := strconv.Unquote(e.Value)
		return text
	case *ast.BinaryExpr:
		return constant(e.X) + constant(e.Y)
	case *ast.SelectorExpr:
		if e.Sel.Name == "SecurityEvent" {
			return logging.SecurityEvent
		}
	}
	return ""
}
