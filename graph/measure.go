package graph

import (
	"context"
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/lexer"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/gatehouse/gatehouse/internal/problem"
)

const (
	// maxIntrospection bounds the fields below __schema and __type. Those of the introspection query that GraphiQL and
	// graphql-codegen send are about 230.
	maxIntrospection = 300
	// maxNesting bounds lists and objects within each other, in literals and in variables.
	maxNesting = 16
)

// bouncer measures a document before it is validated. Some of gqlparser's rules take quadratic time, and its rules
// have no order: they all watch the same walk. gqlgen also gives every error of a rule the code of a failed
// validation. So the bounds are not a rule but an extension that runs before parsing; what it refuses has cost one
// pass over the text and one over the tree, however the fragments are knotted. A document that passes is parsed
// twice, once: it is then in the cache.
type bouncer struct {
	limits        Limits
	introspection bool
	passed        graphql.Cache[*ast.QueryDocument]
}

var _ graphql.OperationParameterMutator = bouncer{}

func (bouncer) ExtensionName() string { return "Limits" }

func (bouncer) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters refuses a document that exceeds a bound. What does not parse is left to the executor,
// which says why.
func (b bouncer) MutateOperationParameters(ctx context.Context, params *graphql.RawParams) *gqlerror.Error {
	if _, ok := b.passed.Get(ctx, params.Query); ok {
		return nil
	}
	source := &ast.Source{Input: params.Query}
	if moreTokens(source, b.limits.Tokens) {
		return exceeded("tokens", "the document has more than %d tokens, which is the limit", b.limits.Tokens)
	}
	doc, err := parser.ParseQuery(source)
	if err != nil {
		return nil
	}
	return b.measure(doc)
}

// moreTokens reports whether a text has more than so many tokens, up to the first that cannot be read.
func moreTokens(source *ast.Source, limit int) bool {
	l := lexer.New(source)
	for range limit {
		if t, err := l.ReadToken(); err != nil || t.Kind == lexer.EOF {
			return false
		}
	}
	t, err := l.ReadToken()
	return err == nil && t.Kind != lexer.EOF
}

// measure bounds each operation of a document, whichever of them will run. Fragments that no operation reaches and
// spreads of no fragment have no bound; validation would refuse them, but only after comparing them with each other.
func (b bouncer) measure(doc *ast.QueryDocument) *gqlerror.Error {
	t := tape{fragments: map[string]*ast.FragmentDefinition{}, measured: map[string]*extent{}}
	for _, f := range doc.Fragments {
		if t.fragments[f.Name] == nil {
			t.fragments[f.Name] = f
		}
	}
	for _, op := range doc.Operations {
		e := t.selections(op.SelectionSet)
		e.nesting = max(e.nesting, t.defaults(op))
		if err := b.judge(e); err != nil {
			return err
		}
	}
	if t.unknown != "" {
		return refuse(problem.ValidationFailed, fmt.Sprintf("Unknown fragment %q.", t.unknown))
	}
	for _, f := range doc.Fragments {
		if t.measured[f.Name] == nil {
			return refuse(problem.ValidationFailed, fmt.Sprintf("Fragment %q is never used.", f.Name))
		}
	}
	return nil
}

func (b bouncer) judge(e extent) *gqlerror.Error {
	switch l := b.limits; {
	case e.meta > 0 && !b.introspection:
		return refuse(problem.ValidationFailed, "introspection is switched off")
	case e.deferred:
		return refuse(problem.ValidationFailed, "@defer is not supported")
	case e.depth > l.Depth:
		return exceeded("depth", "the operation is %d fields deep, the limit is %d", e.depth, l.Depth)
	case e.nesting > maxNesting:
		return exceeded("depth", "a value is nested %d deep, the limit is %d", e.nesting, maxNesting)
	case e.fields > l.Fields:
		return exceeded("fields", "the operation has %s fields, the limit is %d", count(e.fields), l.Fields)
	case e.meta > maxIntrospection:
		return exceeded("fields", "the operation has %s fields of introspection, the limit is %d", count(e.meta), maxIntrospection)
	case e.roots > l.Roots:
		return exceeded("roots", "the operation has %s root fields, the limit is %d", count(e.roots), l.Roots)
	case e.aliases > l.Aliases:
		return exceeded("aliases", "the operation has %s aliases, the limit is %d", count(e.aliases), l.Aliases)
	}
	return nil
}

func exceeded(limit, format string, args ...any) *gqlerror.Error {
	e := refuse(problem.LimitExceeded, fmt.Sprintf(format, args...))
	e.Extensions["limit"] = limit
	return e
}

// most is where counting stops; doubling fragments would overflow.
const most = 1_000_000

func add(a, b int) int { return min(a+b, most) }

func count(n int) string {
	if n == most {
		return fmt.Sprintf("%d or more", n)
	}
	return fmt.Sprint(n)
}

// extent is what a selection amounts to with its fragments written out.
type extent struct {
	depth, fields, roots, aliases int
	meta                          int // fields of introspection, which count neither as fields nor as depth
	nesting                       int // of the deepest literal
	deferred                      bool
}

// beside joins two selections of the same object.
func (e extent) beside(o extent) extent {
	return extent{
		depth:    max(e.depth, o.depth),
		fields:   add(e.fields, o.fields),
		roots:    add(e.roots, o.roots),
		aliases:  add(e.aliases, o.aliases),
		meta:     add(e.meta, o.meta),
		nesting:  max(e.nesting, o.nesting),
		deferred: e.deferred || o.deferred,
	}
}

// tape measures the selections of one document. Each fragment is measured once, so that time is linear in the text.
type tape struct {
	fragments map[string]*ast.FragmentDefinition
	measured  map[string]*extent
	unknown   string // a fragment that is spread and not there
}

func (t *tape) selections(set ast.SelectionSet) (sum extent) {
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			sum = sum.beside(t.field(s))
		case *ast.InlineFragment:
			sum = sum.beside(t.selections(s.SelectionSet)).beside(directives(s.Directives))
		case *ast.FragmentSpread:
			sum = sum.beside(t.fragment(s.Name)).beside(directives(s.Directives))
		}
	}
	return sum
}

// field counts a field with what is below it. __schema and __type are known by their name, never by an alias or by
// what a fragment is called; no type may define a field of such a name, and only Query has these.
func (t *tape) field(f *ast.Field) extent {
	e := t.selections(f.SelectionSet)
	if f.Name == "__schema" || f.Name == "__type" {
		e = extent{meta: add(e.fields, add(e.meta, 1)), aliases: e.aliases, nesting: e.nesting, deferred: e.deferred}
	}
	e.depth, e.fields, e.roots = e.depth+1, add(e.fields, 1), 1
	if f.Alias != f.Name {
		e.aliases = add(e.aliases, 1)
	}
	e.nesting = max(e.nesting, nesting(f.Arguments))
	return e.beside(directives(f.Directives))
}

func (t *tape) fragment(name string) extent {
	if known, ok := t.measured[name]; ok {
		return *known
	}
	definition := t.fragments[name]
	if definition == nil {
		t.unknown = name
		return extent{}
	}
	known := &extent{} // what a cycle reads; validation refuses it
	t.measured[name] = known
	*known = t.selections(definition.SelectionSet)
	return *known
}

// defaults returns the nesting of the variables' default values.
func (t *tape) defaults(op *ast.OperationDefinition) (deepest int) {
	for _, v := range op.VariableDefinitions {
		deepest = max(deepest, valueNesting(v.DefaultValue))
	}
	return deepest
}

func directives(list ast.DirectiveList) (e extent) {
	for _, d := range list {
		e.deferred = e.deferred || d.Name == "defer"
		e.nesting = max(e.nesting, nesting(d.Arguments))
	}
	return e
}

func nesting(arguments ast.ArgumentList) (deepest int) {
	for _, a := range arguments {
		deepest = max(deepest, valueNesting(a.Value))
	}
	return deepest
}

func valueNesting(v *ast.Value) (deepest int) {
	if v == nil || (v.Kind != ast.ListValue && v.Kind != ast.ObjectValue) {
		return 0
	}
	for _, child := range v.Children {
		deepest = max(deepest, valueNesting(child.Value))
	}
	return deepest + 1
}
