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
	// maxNesting bounds lists and objects within each other, in literals, in variables and in their types.
	maxNesting = 16
	// maxAlias bounds an alias: the answer repeats it in every row.
	maxAlias = 100 // bytes
	// maxPairs bounds the fields of equal names in one selection that validation compares each with each, again and
	// again, when operations share a fragment. An operation may have as many as its fields allow.
	maxPairs = 5000
)

// bouncer measures a document before it is validated. Some of gqlparser's rules take quadratic time, and its rules
// have no order: they all watch the same walk. gqlgen also gives every error of a rule the code of a failed
// validation. So the bounds are not a rule but an extension that runs before parsing; what it refuses has cost one
// pass over the text and one over the tree, however the fragments are knotted. A document that passes is parsed
// twice, once: it is then in the cache.
type bouncer struct {
	limits        Limits
	introspection bool
	signIns       map[string]bool // the fields of which an operation may have one
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
	if err := takeTurn(ctx); err != nil {
		return err
	}
	source := &ast.Source{Input: params.Query}
	doc, err := parser.ParseQueryWithTokenLimit(source, b.limits.Tokens)
	if err != nil && moreTokens(source, b.limits.Tokens) {
		return exceeded("tokens", "the document has more than %d tokens, which is the limit", b.limits.Tokens)
	}
	if err != nil {
		return nil
	}
	return b.measure(doc)
}

// signIns returns the names of the mutations that are marked with @signsIn, and of those that answer with the same
// types: each takes a password or a refresh token. An operation has one of them, so that a request is one guess.
func signIns(schema *ast.Schema) map[string]bool {
	names, types := map[string]bool{}, map[string]bool{}
	if schema.Mutation == nil {
		return names
	}
	for _, f := range schema.Mutation.Fields {
		if f.Directives.ForName("signsIn") != nil {
			types[f.Type.Name()] = true
		}
	}
	for _, f := range schema.Mutation.Fields {
		if types[f.Type.Name()] {
			names[f.Name] = true
		}
	}
	return names
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

// measure bounds each operation of a document, whichever of them will run, and then what validation has to walk: it
// enters a fragment again from each operation and from each other fragment that reaches it. Fragments that no operation
// reaches, spreads of no fragment, second fragments of a name and circles are refused here: validation takes quadratic
// time to say so.
func (b bouncer) measure(doc *ast.QueryDocument) *gqlerror.Error {
	t := newTape(doc, b.signIns)
	if t.twice != "" {
		return refuse(problem.ValidationFailed, fmt.Sprintf("There can be only one fragment named %q.", shorten(t.twice)))
	}
	var all, widest extent
	for _, op := range doc.Operations {
		e := t.operation(op)
		if err := b.judge(e); err != nil {
			return err
		}
		all, widest.pairs = all.beside(e), max(widest.pairs, e.pairs)
	}
	if t.unknown != "" {
		return refuse(problem.ValidationFailed, fmt.Sprintf("Unknown fragment %q.", shorten(t.unknown)))
	}
	if t.circle != "" {
		return refuse(problem.ValidationFailed, fmt.Sprintf("Cannot spread fragment %q within itself.", shorten(t.circle)))
	}
	for _, f := range doc.Fragments {
		e := t.measured[f.Name]
		if e == nil {
			return refuse(problem.ValidationFailed, fmt.Sprintf("Fragment %q is never used.", shorten(f.Name)))
		}
		all = all.beside(*e)
	}
	return b.judgeAll(all, all.pairs-widest.pairs)
}

// judge bounds one operation.
func (b bouncer) judge(e extent) *gqlerror.Error {
	switch l := b.limits; {
	case e.meta > 0 && !b.introspection:
		return refuse(problem.ValidationFailed, "introspection is switched off")
	case e.deferred:
		return refuse(problem.ValidationFailed, "@defer is not supported")
	case e.depth > l.Depth:
		return exceeded("depth", "the operation is %d fields deep, the limit is %d", e.depth, l.Depth)
	case e.nesting > maxNesting:
		return exceeded("depth", "a value or its type is nested %d deep, the limit is %d", e.nesting, maxNesting)
	case e.fields > l.Fields:
		return exceeded("fields", "the operation has %s fields, the limit is %d", count(e.fields), l.Fields)
	case e.pairs > l.Fields*(l.Fields-1)/2:
		return exceeded("fields", "the operation repeats equal fields: %s pairs, the limit is %d", count(e.pairs), l.Fields*(l.Fields-1)/2)
	case e.meta > maxIntrospection:
		return exceeded("fields", "the operation has %s fields of introspection, the limit is %d", count(e.meta), maxIntrospection)
	case e.roots > l.Roots:
		return exceeded("roots", "the operation has %s root fields, the limit is %d", count(e.roots), l.Roots)
	case e.signIns > 1:
		return exceeded("signIns", "the operation has %s fields that sign in or prove a password, the limit is 1", count(e.signIns))
	case e.aliases > l.Aliases:
		return exceeded("aliases", "the operation has %s aliases, the limit is %d", count(e.aliases), l.Aliases)
	case e.alias > maxAlias:
		return exceeded("aliases", "an alias is %d bytes long, the limit is %d", e.alias, maxAlias)
	}
	return nil
}

// judgeAll bounds a document: its operations and fragments, each written out, and the comparisons between equal names
// that are made more than once.
func (b bouncer) judgeAll(e extent, again int) *gqlerror.Error {
	const all = "the operations and fragments "
	fields, values, bytes := 8*b.limits.Fields, 4*b.limits.Tokens, 4*b.limits.Body
	switch {
	case e.fields+e.meta > fields:
		return exceeded("fields", all+"have %s fields written out, the limit is %d", count(e.fields+e.meta), fields)
	case e.values > values:
		return exceeded("tokens", all+"have %s arguments and values written out, the limit is %d", count(e.values), values)
	case e.bytes > bytes:
		return exceeded("body", all+"have %s bytes written out, the limit is %d", count(e.bytes), bytes)
	case again > maxPairs:
		return exceeded("fields", all+"repeat equal fields: %s pairs, the limit is %d", count(again), maxPairs)
	}
	return nil
}

func exceeded(limit, format string, args ...any) *gqlerror.Error {
	e := refuse(problem.LimitExceeded, fmt.Sprintf(format, args...))
	e.Extensions["limit"] = limit
	return e
}
