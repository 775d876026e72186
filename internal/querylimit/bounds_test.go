package querylimit

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql/introspection"
	gqlparser "github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/gatehouse/gatehouse/internal/graphqltest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestCost_OfTwoSelectionsHasEachMeasureOfEither: a measure that is added to cost counts here, or this fails.
func TestCost_OfTwoSelectionsHasEachMeasureOfEither(t *testing.T) {
	for i := range reflect.TypeFor[cost]().NumField() {
		var one cost
		f := reflect.ValueOf(&one).Elem().Field(i)
		f = reflect.NewAt(f.Type(), f.Addr().UnsafePointer()).Elem() // its fields are not exported
		f.Set(map[bool]reflect.Value{true: reflect.ValueOf(true), false: reflect.ValueOf(3)}[f.Kind() == reflect.Bool].
			Convert(f.Type()))
		testenv.Equal(t, [2]bool{true, true}, [2]bool{one.plus(cost{}) == one, cost{}.plus(one) == one}, "measure %d", i)
	}
}

func TestCost_CountsEachPartOfADocument(t *testing.T) {
	for text, want := range map[string]cost{
		`query($i: [[In]] = {s: "abc"} @x(y: 12)) @z(u: "ab") { node(a: 1) @w(q: [1 {bc: $v}]) {
			long: id ...F @s ... @t { id id(a: 2) } } } fragment F on Node @r(k: 3) { name }`: {
			depth: 2, fields: 5, roots: 1, aliases: 1, alias: 4, weight: 5, nesting: 2, values: 23, bytes: 45, comparisons: 7},
		`{ a: __schema { types { name kind } } }`: {depth: 1, fields: 1, roots: 1, aliases: 1, alias: 1, introspection: 4,
			weight: 22, introspectionWeight: 22, bytes: 22},
		`{ ... @defer @x { ping } }`: {depth: 1, fields: 1, roots: 1, weight: 1, values: 2, bytes: 10, deferred: true},
	} {
		doc, err := parser.ParseQuery(&ast.Source{Input: text})
		testenv.Check(t, err)
		if got := newCostVisitor(doc, nil, listSizes{"types": 10}).operation(doc.Operations[0]); got != want {
			t.Errorf("%s:\n%+v, want\n%+v", text, got, want)
		}
	}
}

// TestDocumentLimits_MessageAtEachBound: what is at a bound passes, and what is beyond it by one does not.
func TestDocumentLimits_MessageAtEachBound(t *testing.T) {
	type limits = Limits
	r := graphqltest.Repeat
	pairs := "{x{" + r(105, "a ") + "}} query B{x{" + r(100, "a ") + "} y{" + r(10, "b ") + "} z{c c c} u{d d} v{e e}"
	values := r(5, "query Q%d{...F}") + "fragment F on Q{a(" + r(100, "b:1 ") + ")}"
	for _, c := range []struct {
		limits
		within, above, want string
	}{
		{within: "{" + r(100, "a") + ":b}", above: "{" + r(101, "a") + ":b}",
			want: "an alias is 101 bytes long, the limit is 100"},
		{within: "{__schema{" + r(299, "f%d ") + "}}", above: "{__schema{" + r(300, "f%d ") + "}}",
			want: "the operation has 301 fields of introspection, the limit is 300"},
		{within: "query($i:" + r(16, "[") + "A" + r(16, "]") + "){a}",
			above: "query($i:" + r(17, "[") + "A" + r(17, "]") + "){a}",
			want:  "a value or its type is nested 17 deep, the limit is 16"},
		{within: "{a(b:" + r(16, "[") + r(16, "]") + ")}", above: "{a(b:" + r(17, "[") + r(17, "]") + ")}",
			want: "a value or its type is nested 17 deep, the limit is 16"},
		{limits{Fields: 4}, "{a(b:1) a(b:1)}", "{a(b:1) a(b:1) a}",
			"the operation repeats equal fields: 10 pairs, the limit is 6"},
		{within: "{a}", above: "{...F0}" + r(40, "fragment F%d on Q{...F%e ...F%e}") + "fragment F40 on Q{a}",
			want: "the operation has 1073741824 or more fields, the limit is 250"},
		{limits{Fields: 4}, r(8, "query Q%d{a b c d}"), r(8, "query Q%d{a b c d}") + "query R{a}",
			"the operations and fragments have 33 fields written out, the limit is 32"},
		{limits{Fields: 4}, r(8, "query Q%d{__schema{a b}}"), r(8, "query Q%d{__schema{a b}}") + "query R{a}",
			"the operations and fragments have 33 fields written out, the limit is 32"},
		{limits{Fields: 2}, r(7, "query Q%d{...F}") + "fragment F on Q{a b}",
			r(8, "query Q%d{...F}") + "fragment F on Q{a b}",
			"the operations and fragments have 18 fields written out, the limit is 16"},
		{limits{Tokens: 400}, values, values + "query R{a(b:1)}",
			"the operations and fragments have 1202 arguments and values written out, the limit is 1200"},
		{limits{Body: 10}, `{a(s:"` + r(38, "x") + `")}`, `{a(s:"` + r(39, "x") + `")}`,
			"the operations and fragments have 41 bytes written out, the limit is 40"},
		{within: "query A" + pairs + "}", above: "query A" + pairs + " w{f f}}",
			want: "the operations and fragments repeat equal fields: 5001 pairs, the limit is 5000"},
		{limits{Tokens: 3}, "{a}", "{a b}", "the document has more than 3 tokens, which is the limit"},
		{limits{Tokens: 2}, "{a", "{a}", "the document has more than 2 tokens, which is the limit"},
		{limits{Tokens: 2}, "{a?", "{a a", "the document has more than 2 tokens, which is the limit"},
		{limits{Tokens: 2}, "?{a}", "{a a", "the document has more than 2 tokens, which is the limit"},
		{within: r(9, "{a") + r(9, "}") + "}", above: r(9, "{a") + r(9, "}"), // of the first, the parser says what is wrong
			want: "the operation is 9 fields deep, the limit is 8"},
		{within: "{...F} fragment F on Q{a}", above: "{...F} fragment F on Q{a} fragment F on Q{a}",
			want: `There can be only one fragment named "F".`},
		{within: "{...F} fragment F on Q{a}", above: "{...F} fragment F on Q{...F}",
			want: `Cannot spread fragment "F" within itself.`},
		{within: "{...F} fragment F on Q{a}", above: "{a} fragment F on Q{a}", want: `Fragment "F" is never used.`},
		{within: "{...F} fragment F on Q{a}", above: "{...F}", want: `Unknown fragment "F".`},
	} {
		d := NewDocumentLimits(graphqltest.Schema().Schema(), c.WithDefaults(), true)
		if err := d.Check(c.within); err != nil {
			t.Errorf("%.60s: %v, want none", c.within, err)
		}
		if err := d.Check(c.above); err == nil || err.Message != c.want {
			t.Errorf("%.60s: %v, want %s", c.above, err, c.want)
		}
	}
}

// TestDocumentLimits_IntrospectionIsWeighedWithItsLists: a quarter more than the full query is too much.
func TestDocumentLimits_IntrospectionIsWeighedWithItsLists(t *testing.T) {
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: graphqltest.SDL + "interface I { i: Int }" +
		graphqltest.Repeat(9, "type T%d implements I { i: Int }\n")})
	sizes, whole := newListSizes(schema), introspection.WrapSchema(schema)
	counts := map[string]int{"directives": len(whole.Directives()), "types": len(whole.Types())}
	for _, typ := range whole.Types() {
		counts["fields"] += len(typ.Fields(true))
		counts["inputFields"] += len(typ.InputFields())
		counts["enumValues"] += len(typ.EnumValues(true))
		counts["interfaces"] += len(typ.Interfaces())
		counts["possibleTypes"] += len(typ.PossibleTypes())
		for _, f := range typ.Fields(true) {
			counts["args"] += len(f.Args)
		}
	}
	for _, d := range whole.Directives() {
		counts["fields"]++
		counts["args"] += len(d.Args)
	}
	for name, n := range counts {
		got := sizes[name]
		if name != "types" && name != "directives" { // of each type
			got *= sizes["types"]
		}
		if name == "args" {
			got *= sizes["fields"]
		}
		if math.Abs(got-float64(n)) > 3 { // fields and types of introspection itself, which lists leave out
			t.Errorf("%s: %v, want about %d", name, got, n)
		}
	}
	d := NewDocumentLimits(schema, DefaultLimits(), true)
	full := introspection.NewQuery(introspection.QueryOptions{OneOf: true})
	twice := strings.Replace(full, "__schema", "__schema{types{fields{args{name description}}}} b:__schema", 1)
	if d.Check(full) != nil || d.Check(strings.Replace(twice, "args{name description}", "name", 1)) != nil {
		t.Error("the full query is refused, or a little more")
	}
	doc, err := parser.ParseQuery(&ast.Source{Input: "{__schema{types{name kind}}}"})
	testenv.Check(t, err)
	weight := newCostVisitor(doc, nil, sizes).operation(doc.Operations[0]).introspectionWeight
	testenv.Equal(t, 2+2*sizes["types"], weight, "weight")
	for _, c := range []struct {
		most float64
		want bool
	}{{weight, true}, {weight - 0.1, false}} {
		d.maxWeight = c.most
		if err := d.checkParsed(doc); (err == nil) != c.want || err != nil && !strings.Contains(err.Message, "ask for less") {
			t.Errorf("of %v: %v", c.most, err)
		}
	}
	testenv.Equal(t, 1.25*sizes.fullWeight(), NewDocumentLimits(schema, DefaultLimits(), true).maxWeight, "bound")
	off := NewDocumentLimits(gqlparser.MustLoadSchema(&ast.Source{Input: "type Query { a: Int }"}), DefaultLimits(), false)
	if off.Check("{__typename}") != nil || off.Check("{__schema}") == nil {
		t.Error("__typename is no introspection, and __schema is")
	}
}

func TestTruncate_CutsAfter300Bytes(t *testing.T) {
	a := strings.Repeat("a", 299)
	for text, want := range map[string]string{a + "b": a + "b", a + "bc": a + "b…", a + "é": a + "…"} {
		testenv.Equal(t, want, Truncate(text), "of %d bytes", len(text))
	}
}
