package querylimit_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"strconv"
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

var repetition = regexp.MustCompile(`<([^<>]*)>\*(\d+|N)`)

// expand writes a document: <text>*3 three times and <text>*N n times, as graphqltest.Repeat does; @N is the number n.
func expand(pattern string, n int) string {
	document := repetition.ReplaceAllStringFunc(pattern, func(s string) string {
		m := repetition.FindStringSubmatch(s)
		times, err := strconv.Atoi(m[2])
		if err != nil {
			times = n
		}
		return repeat(times, m[1])
	})
	return strings.ReplaceAll(document, "@N", strconv.Itoa(n))
}

// TestDocumentLimits_HoldAtTheirBounds has, for each limit, documents with N parts that keep it and that exceed it.
func TestDocumentLimits_HoldAtTheirBounds(t *testing.T) {
	const literals = `fragment F on Node{value(in:{list:[<{s:"a" i:1} >*33]})}` // 102 arguments and values
	for _, c := range []struct {
		limit, name   string
		within, above int // N
		pattern       string
	}{
		{"depth", "plain", 7, 8, "{<node{>*Nid<}>*N}"},
		{"depth", "mutation", 6, 7, "mutation{go{<node{>*Nid<}>*N}}"},
		{"depth", "in inline fragments", 7, 8, "{<node{>*N...{...on Node{id}}<}>*N}"},
		{"depth", "a fragment, first shallow and then deep", 5, 7, "{node{...F <node{>*N...F<}>*N}} fragment F on Node{id}"},
		{"depth", "a fragment called __schema", 6, 7, "{node{...__schema}} fragment __schema on Node{<node{>*Nid<}>*N}"},
		{"depth", "an alias called __type", 6, 7, "{__type:node{<node{>*Nid<}>*N}}"},
		{"depth", "an operation called IntrospectionQuery", 7, 8, "query IntrospectionQuery{<node{>*Nid<}>*N}"},
		{"depth", "of a literal", 15, 16, "{echo(in:<{in:>*N{i:1}<}>*N)}"},
		{"depth", "of a default", 15, 16, "query($i:In=<{in:>*N{i:1}<}>*N){echo(in:$i)}"},
		{"fields", "plain", 249, 250, "{node{<id >*N}}"},
		{"fields", "by fragments", 24, 25, "{node{<...F >*N}} fragment F on Node{<id >*10}"},
		{"fields", "doubling", 6, 30, "{node{...F0}}<fragment F%d on Node{...F%e ...F%e}>*Nfragment F@N on Node{id}"},
		{"fields", "compared again by each inline fragment", 100, 130, "{node{<...{>*4<id >*N<}>*4}}"},
		{"fields", "compared again by each operation", 2, 9, "<query Q%d{node{...F}}>*Nfragment F on Node{node{<id >*50}}"},
		{"fields", "reached by many operations", 90, 100,
			"<query Q%d{node{...F}}>*Nfragment F on Node{<id name node{>*6id name<}>*6}"}, // 20 fields, all different
		{"tokens", "reached by many operations", 28, 30, "<query Q%d{node{...F}}>*N" + literals},
		{"body", "reached by many operations", 5, 9, `<query Q%d{node{...F}}>*Nfragment F on Node{value(s:"<x>*40000")}`},
		{"roots", "plain", 10, 11, "{<ping >*N}"},
		{"roots", "in a fragment", 0, 1, "{...F <ping>*N} fragment F on Query{<ping >*10}"},
		{"roots", "in inline fragments", 10, 11, "{<...{ping} >*N}"},
		{"roots", "of a mutation", 10, 11, "mutation{<go{id} >*N}"},
		{"roots", "of an operation that does not run", 10, 11, "query A{ping} query B{<ping >*N}"},
		{"signIns", "plain", 0, 1, "mutation{enter{id} go{id}< renew{id}>*N}"},
		{"signIns", "by aliases", 1, 2, "mutation{<a%d:enter{id} >*N}"},
		{"signIns", "that may be left out", 0, 1, "mutation{enter@skip(if:true){id}< renew@include(if:false){id}>*N}"},
		{"signIns", "in a fragment", 0, 1, "mutation{...F go{id}< renew{id}>*N} fragment F on Mutation{enter{id}}"},
		{"signIns", "in a fragment, twice", 0, 1,
			"mutation{...F< ...on Mutation{...F}>*N} fragment F on Mutation{a:enter{id}}"},
		{"signIns", "of an operation that does not run", 0, 1,
			"query A{ping} mutation B{enter{id}< b:enter{id}>*N} mutation C{renew{id}}"},
		{"signIns", "below another", 0, 1, "mutation{enter{enter{id}} go{pass{enter{id}}}< renew{id}>*N}"},
		{"aliases", "plain", 15, 16, "{node{<a%d:id >*N}}"},
		{"aliases", "of __typename", 15, 16, "{node{<a%d:__typename >*N}}"},
		{"aliases", "by a fragment", 0, 1,
			"{node{...F node{...F node{...F< z:id>*N}}}} fragment F on Node{<a%d:id >*5}"},
		{"tokens", "plain", 746, 747, "{node{<id >*249}}<#\n>*N"},
		{"tokens", "of a list", 989, 990, "{echo(list:[[<1 >*N]])}"},
	} {
		t.Run(c.limit+" "+c.name, func(t *testing.T) {
			h := toy(t)
			send := func(n int) *graphqltest.Reply {
				document := expand(c.pattern, n)
				name := fmt.Sprintf(`{"operationName":%q,`, operationName(document))
				return graphqltest.Post(t, h, strings.Replace(graphqltest.Body(document), "{", name, 1))
			}
			if got := send(c.within); got.StatusCode != 200 {
				t.Errorf("within the limit: %d %s", got.StatusCode, got.Text)
			}
			if got := send(c.above); got.StatusCode != 400 || got.Code() != tooMuch || got.Limit() != c.limit {
				t.Errorf("above the limit: %d %s", got.StatusCode, got.Text)
			} else {
				wantLocation(t, got)
			}
		})
	}
}

// wantLocation checks that an error says where in the document it is.
func wantLocation(t *testing.T, got *graphqltest.Reply) {
	t.Helper()
	if where := got.Errors[0].Locations; len(where) != 1 || where[0]["line"] < 1 || where[0]["column"] < 1 {
		t.Errorf("it does not say where: %s", got.Text)
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
	if got := graphqltest.Query(t, h, "{node{id}}"); got.StatusCode != 200 { // the other limits have their defaults
		t.Errorf("%s", got.Text)
	}
}

// An invalid document that is expensive to validate is refused before validation.
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
		} else {
			wantLocation(t, got)
		}
	}
}

func TestValidation_CountsErrorsBeyondFive(t *testing.T) {
	for document, truncated := range map[string]any{"{a b c d e}": nil, "{a b c d e f}": 1.0, "{a b c d e f g}": 2.0} {
		got := graphqltest.Query(t, toy(t), document)
		if len(got.Errors) != 5 || got.Errors[4].Extensions["truncated"] != truncated {
			t.Errorf("%s: %s, want %v", document, got.Text, truncated)
		}
	}
}

// A client may put a secret into the wrong place.
func TestValidation_RepeatsNoValue(t *testing.T) {
	for document, want := range map[string]string{
		`{echo(role: "secret")}`:   `Expected a value of type "Role", found a string.`,
		`{echo(number: "secret")}`: `Expected a value of type "Int", found a string.`,
		`{echo(text: secret)}`:     `Expected a value of type "String", found a word without quotes.`,
		`{echo(role: OTHER)}`:      `Value "OTHER" does not exist in "Role" enum.`,
	} {
		if got := graphqltest.Query(t, toy(t), document); len(got.Errors) != 1 || got.Errors[0].Message != want {
			t.Errorf("%s: %s, want %s", document, got.Text, want)
		}
	}
}

// BenchmarkExpensiveDocuments measures the most expensive documents that were found at the default limits, from
// request to answer.
func BenchmarkExpensiveDocuments(b *testing.B) {
	for _, c := range []struct{ name, pattern string }{
		{"one field", "{ping}"},
		{"doubling", "{node{...F0}}<fragment F%d on Node{...F%e ...F%e}>*90fragment F90 on Node{id}"},
		{"many tokens", "{<x >*30000}"},
		{"too many fields", "{<ping >*990}"},
		{"unused fragment", "{ping} fragment F on Query{<ping >*980}"},
		{"equal fields", "{node{<id >*249}}"},
		{"conflicts", "{node{<value(a:%d) >*125}}"},
		{"conflicts below", "{node{<node{value(a:%d)}>*110}}"},
		{"wrong inputs in fragments",
			"{node{...F0}}<fragment F%d on Node{id ...F%e}>*60fragment F60 on Node{value(in:{<a%d:1 >*100})}"},
		{"wrong inputs in a chain",
			"{node{...F0}}<fragment F%d on Node{...F%e}>*30fragment F30 on Node{value(in:{<a%d:1 >*120})}"},
		{"fragment cycle", "{node{...F0}}<fragment F%d on Node{id ...F%e ...F0}>*60fragment F60 on Node{...F0}"},
		{"fragments side by side", "{node{<...F%d >*110}}<fragment F%d on Node{id}>*110"},
		{"introspection", "{__schema{types{<name >*240}}}"},
		{"long string", `{echo(text:"<é>*30000")}`},
	} {
		b.Run(c.name, func(b *testing.B) {
			h := toy(b, func(c *graphqlhttp.Config) {
				c.Introspection = true
				c.Documents = graphql.NoCache[*ast.QueryDocument]{}
			})
			body := graphqltest.Body(expand(c.pattern, 0))
			b.ReportAllocs()
			for b.Loop() {
				graphqltest.Send(b, h, graphqltest.NewPost(body))
			}
		})
	}
}
