package querylimit_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/internal/graphqlhttp"
	"github.com/gatehouse/gatehouse/internal/graphqltest"
	"github.com/gatehouse/gatehouse/internal/querylimit"
)

const (
	tooMuch = "LIMIT_EXCEEDED"
	invalid = "GRAPHQL_VALIDATION_FAILED"
)

// repeat has a short name for the tables below.
var repeat = graphqltest.Repeat

// toy returns a handler of the schema of graphqltest.
func toy(t testing.TB, change ...func(*graphqlhttp.Config)) http.Handler {
	t.Helper()
	c := graphqlhttp.Config{
		Schema:       graphqltest.Schema(),
		Log:          slog.New(slog.DiscardHandler),
		PresentError: graphql.DefaultErrorPresenter,
	}
	for _, f := range change {
		f(&c)
	}
	return graphqlhttp.NewHandler(c)
}

// nest writes what is below so many fields.
func nest(n int, below string) string {
	return strings.Repeat("node{", n) + below + strings.Repeat("}", n)
}

// Each bound has a document that just keeps it and one that just exceeds it.
func TestDocumentLimits_HoldAtTheirBounds(t *testing.T) {
	tree := strings.Repeat("id name node{", 6) + "id name" +
		strings.Repeat("}", 6) // 20 fields, no two side by side
	literals := `fragment F on Node{value(in:{list:[` + repeat(33, `{s:"a" i:1} `) + `]})}` // 102 arguments and values
	for _, c := range []struct{ limit, name, within, above string }{
		{"depth", "plain", "{" + nest(7, "id") + "}", "{" + nest(8, "id") + "}"},
		{"depth", "mutation", "mutation{go{" + nest(6, "id") + "}}", "mutation{go{" + nest(7, "id") + "}}"},
		{
			"depth", "in inline fragments", "{" + nest(7, "...{...on Node{id}}") + "}",
			"{" + nest(8, "...{...on Node{id}}") + "}",
		},
		{
			"depth", "a fragment, first shallow and then deep", "{node{...F " + nest(5, "...F") + "}} fragment F on Node{id}",
			"{node{...F " + nest(7, "...F") + "}} fragment F on Node{id}",
		},
		{
			"depth", "a fragment called __schema", "{node{...__schema}} fragment __schema on Node{" + nest(6, "id") + "}",
			"{node{...__schema}} fragment __schema on Node{" + nest(7, "id") + "}",
		},
		{"depth", "an alias called __type", "{__type:node{" + nest(6, "id") + "}}", "{__type:node{" + nest(7, "id") + "}}"},
		{
			"depth", "an operation called IntrospectionQuery", "query IntrospectionQuery{" + nest(7, "id") + "}",
			"query IntrospectionQuery{" + nest(8, "id") + "}",
		},
		{
			"depth", "of a literal", "{echo(in:" + strings.Repeat("{in:", 15) + "{i:1}" + strings.Repeat("}", 15) + ")}",
			"{echo(in:" + strings.Repeat("{in:", 16) + "{i:1}" + strings.Repeat("}", 16) + ")}",
		},
		{
			"depth", "of a default",
			"query($i:In=" + strings.Repeat("{in:", 15) + "{i:1}" + strings.Repeat("}", 15) + "){echo(in:$i)}",
			"query($i:In=" + strings.Repeat("{in:", 16) + "{i:1}" + strings.Repeat("}", 16) + "){echo(in:$i)}",
		},
		{"fields", "plain", "{node{" + repeat(249, "id ") + "}}", "{node{" + repeat(250, "id ") + "}}"},
		{
			"fields", "by fragments", "{node{" + repeat(24, "...F ") + "}} fragment F on Node{" + repeat(10, "id ") + "}",
			"{node{" + repeat(25, "...F ") + "}} fragment F on Node{" + repeat(10, "id ") + "}",
		},
		{
			"fields", "doubling", "{node{...F0}}" + repeat(6, "fragment F%d on Node{...F%e ...F%e}") + "fragment F6 on Node{id}",
			"{node{...F0}}" + repeat(30, "fragment F%d on Node{...F%e ...F%e}") + "fragment F30 on Node{id}",
		},
		{
			"fields", "compared again by each inline fragment",
			"{node{" + strings.Repeat("...{", 4) + repeat(100, "id ") + strings.Repeat("}", 4) + "}}",
			"{node{" + strings.Repeat("...{", 4) + repeat(130, "id ") + strings.Repeat("}", 4) + "}}",
		},
		{
			"fields", "compared again by each operation",
			repeat(2, "query Q%d{node{...F}}") + "fragment F on Node{node{" + repeat(50, "id ") + "}}",
			repeat(9, "query Q%d{node{...F}}") + "fragment F on Node{node{" + repeat(50, "id ") + "}}",
		},
		{
			"fields", "reached by many operations", repeat(90, "query Q%d{node{...F}}") + "fragment F on Node{" + tree + "}",
			repeat(100, "query Q%d{node{...F}}") + "fragment F on Node{" + tree + "}",
		},
		{
			"tokens", "reached by many operations", repeat(38, "query Q%d{node{...F}}") + literals,
			repeat(40, "query Q%d{node{...F}}") + literals,
		},
		{
			"body", "reached by many operations",
			repeat(5, "query Q%d{node{...F}}") + `fragment F on Node{value(s:"` + strings.Repeat("x", 40_000) + `")}`,
			repeat(9, "query Q%d{node{...F}}") + `fragment F on Node{value(s:"` + strings.Repeat("x", 40_000) + `")}`,
		},
		{"roots", "plain", "{" + repeat(10, "ping ") + "}", "{" + repeat(11, "ping ") + "}"},
		{
			"roots", "in a fragment", "{...F} fragment F on Query{" + repeat(10, "ping ") + "}",
			"{...F ping} fragment F on Query{" + repeat(10, "ping ") + "}",
		},
		{"roots", "in inline fragments", "{" + repeat(10, "...{ping} ") + "}", "{" + repeat(11, "...{ping} ") + "}"},
		{"roots", "of a mutation", "mutation{" + repeat(10, "go{id} ") + "}", "mutation{" + repeat(11, "go{id} ") + "}"},
		{
			"roots", "of an operation that does not run", "query A{ping} query B{" + repeat(10, "ping ") + "}",
			"query A{ping} query B{" + repeat(11, "ping ") + "}",
		},
		{"signIns", "plain", "mutation{enter{id} go{id}}", "mutation{enter{id} go{id} renew{id}}"},
		{"signIns", "by aliases", "mutation{a:enter{id}}", "mutation{a:enter{id} b:enter{id}}"},
		{
			"signIns", "that may be left out", "mutation{enter@skip(if:true){id}}",
			"mutation{enter@skip(if:true){id} renew@include(if:false){id}}",
		},
		{
			"signIns", "in a fragment", "mutation{...F go{id}} fragment F on Mutation{enter{id}}",
			"mutation{...F renew{id}} fragment F on Mutation{enter{id}}",
		},
		{
			"signIns", "in a fragment, twice", "mutation{...F} fragment F on Mutation{a:enter{id}}",
			"mutation{...F ...on Mutation{...F}} fragment F on Mutation{a:enter{id}}",
		},
		{
			"signIns", "of an operation that does not run", "query A{ping} mutation B{enter{id}} mutation C{renew{id}}",
			"query A{ping} mutation B{enter{id} b:enter{id}}",
		},
		{
			"signIns", "below another", "mutation{enter{enter{id}} go{pass{enter{id}}}}", "mutation{renew{id} enter{enter{id}}}",
		},
		{"aliases", "plain", "{node{" + repeat(15, "a%d:id ") + "}}", "{node{" + repeat(16, "a%d:id ") + "}}"},
		{
			"aliases", "of __typename", "{node{" + repeat(15, "a%d:__typename ") + "}}",
			"{node{" + repeat(16, "a%d:__typename ") + "}}",
		},
		{
			"aliases", "by a fragment", "{node{...F node{...F node{...F}}}} fragment F on Node{" + repeat(5, "a%d:id ") + "}",
			"{node{...F node{...F node{...F z:id}}}} fragment F on Node{" + repeat(5, "a%d:id ") + "}",
		},
		{
			"tokens", "plain", "{node{" + repeat(249, "id ") + "}}" + repeat(746, "#\n"),
			"{node{" + repeat(249, "id ") + "}}" + repeat(747, "#\n"),
		},
		{"tokens", "of a list", "{echo(list:[[" + repeat(989, "1 ") + "]])}", "{echo(list:[[" + repeat(990, "1 ") + "]])}"},
	} {
		t.Run(c.limit+" "+c.name, func(t *testing.T) {
			h := toy(t)
			named := func(document string) string {
				return strings.Replace(graphqltest.Body(document), "{",
					fmt.Sprintf(`{"operationName":%q,`, operationName(document)), 1)
			}
			if got := graphqltest.Post(t, h, named(c.within)); got.StatusCode != 200 {
				t.Errorf("within the limit: %d %s", got.StatusCode, got.Text)
			}
			if got := graphqltest.Post(t, h, named(c.above)); got.StatusCode != 400 || got.Code() != tooMuch ||
				got.Limit() != c.limit {
				t.Errorf("above the limit: %d %s", got.StatusCode, got.Text)
			}
		})
	}
}

// operationName returns the first operation of a document with several.
func operationName(document string) string {
	for _, name := range []string{"A", "Q0"} {
		if strings.HasPrefix(document, "query "+name+"{") {
			return name
		}
	}
	return ""
}

func TestDocumentLimits_MessageSaysCountAndLimit(t *testing.T) {
	h := toy(t, func(c *graphqlhttp.Config) { c.Limits = querylimit.Limits{Depth: 2, Fields: 9} })
	for document, want := range map[string]string{
		"{node{node{id}}}":                   "the operation is 3 fields deep, the limit is 2",
		"{node{" + repeat(11, "id ") + "}}":  "the operation has 12 fields, the limit is 9",
		"{" + repeat(9, "ping ") + "a:ping}": "the operation has 10 fields, the limit is 9",
	} {
		if got := graphqltest.Query(t, h, document); got.Errors[0].Message != want {
			t.Errorf("%s, want %s", got.Text, want)
		}
	}
	if got := graphqltest.Query(t, h,
		"{node{id}}"); got.StatusCode != 200 { // limits that are not given have their defaults
		t.Errorf("%s", got.Text)
	}
}

// A document that cannot be valid and is dear to validate is refused before that.
func TestDocumentLimits_InvalidFragmentsAreRefusedBeforeValidation(t *testing.T) {
	for document, want := range map[string]string{
		"{ping} fragment F on Query{" + repeat(900, "ping ") + "}":               `Fragment "F" is never used.`,
		"{node{" + repeat(400, "...F%d ") + "}}":                                 `Unknown fragment "F399".`,
		"{node{...F}} fragment F on Node{...G} fragment G on Node{id ...F id}":   "Cannot spread fragment",
		"{node{...F}} fragment F on Node{...F}":                                  "Cannot spread fragment",
		"{node{...F}} fragment F on Node{id} fragment F on Node{" + "name" + "}": `There can be only one fragment named "F".`,
	} {
		if got := graphqltest.Query(t, toy(t), document); got.Code() != invalid ||
			!strings.Contains(got.Errors[0].Message, want) {
			t.Errorf("%.60s: %.300s, want %s", document, got.Text, want)
		}
	}
}

// BenchmarkExpensiveDocuments measures the dearest documents that were found at the default limits, from request to
// answer.
func BenchmarkExpensiveDocuments(b *testing.B) {
	for _, c := range []struct{ name, document string }{
		{"one field", "{ping}"},
		{"doubling", "{node{...F0}}" + repeat(90, "fragment F%d on Node{...F%e ...F%e}") + "fragment F90 on Node{id}"},
		{"many tokens", "{" + repeat(30_000, "x ") + "}"},
		{"too many fields", "{" + repeat(990, "ping ") + "}"},
		{"unused fragment", "{ping} fragment F on Query{" + repeat(980, "ping ") + "}"},
		{"equal fields", "{node{" + repeat(249, "id ") + "}}"},
		{"conflicts", "{node{" + repeat(125, "value(a:%d) ") + "}}"},
		{"conflicts below", "{node{" + repeat(110, "node{value(a:%d)}") + "}}"},
		{
			"wrong inputs in fragments",
			"{node{...F0}}" + repeat(60, "fragment F%d on Node{id ...F%e}") + "fragment F60 on Node{value(in:{" +
				repeat(100, "a%d:1 ") + "})}",
		},
		{
			"wrong inputs in a chain",
			"{node{...F0}}" + repeat(30, "fragment F%d on Node{...F%e}") + "fragment F30 on Node{value(in:{" +
				repeat(120, "a%d:1 ") + "})}",
		},
		{
			"fragment cycle",
			"{node{...F0}}" + repeat(60, "fragment F%d on Node{id ...F%e ...F0}") + "fragment F60 on Node{...F0}",
		},
		{"fragments side by side", "{node{" + repeat(110, "...F%d ") + "}}" + repeat(110, "fragment F%d on Node{id}")},
		{"introspection", "{__schema{types{" + repeat(240, "name ") + "}}}"},
		{"long string", `{echo(text:"` + strings.Repeat("é", 30_000) + `")}`},
	} {
		b.Run(c.name, func(b *testing.B) {
			h := toy(b, func(c *graphqlhttp.Config) {
				c.Introspection = true
				c.Documents = graphql.NoCache[*ast.QueryDocument]{}
			})
			body := graphqltest.Body(c.document)
			b.ReportAllocs()
			for b.Loop() {
				graphqltest.Send(b, h, graphqltest.NewPost(body))
			}
		})
	}
}
