// Package querylimit bounds what a GraphQL request may cost: the size of a document before it is validated, the errors
// that validation reports, the variables that gqlgen would misread, and what counts as expensive. It knows neither HTTP
// nor accounts.
package querylimit

import (
	"fmt"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/lexer"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/gatehouse/gatehouse/internal/problem"
)

const (
	// MaxNesting bounds how deep lists and objects are nested, in literals, in variables and in their types.
	MaxNesting = 16
	// maxIntrospectionFields bounds the fields below __schema and __type. The introspection query of GraphiQL and
	// graphql-codegen has about 230.
	maxIntrospectionFields = 300
	// maxAliasLen bounds an alias in bytes: the answer repeats it in every row.
	maxAliasLen = 100
	// maxComparisons bounds the comparisons of fields with equal names that validation repeats when operations share a
	// fragment. A single operation may have as many as its fields allow.
	maxComparisons = 5000
)

// DocumentLimits measures a document before it is validated. The limits are not a validation rule: some of gqlparser's
// rules take quadratic time, rules run in no order during one walk, and gqlgen reports every error of a rule as a
// failed validation. A refused document has cost one pass over its text and one over its tree, however its fragments
// are nested. An accepted document is parsed a second time by gqlgen, which then caches it.
type DocumentLimits struct {
	limits        Limits
	introspection bool
	signIns       map[string]bool // mutations of which an operation may have one
	sizes         listSizes
	maxWeight     float64 // of introspection
}

// NewDocumentLimits returns the limits of documents for a schema. Without introspection, a document that asks for the
// schema is refused.
func NewDocumentLimits(schema *ast.Schema, limits Limits, introspection bool) *DocumentLimits {
	sizes := newListSizes(schema)
	return &DocumentLimits{limits, introspection, signIns(schema), sizes, maxIntrospectionWeight * sizes.fullWeight()}
}

// signIns returns the mutations with the directive @signsIn and those that return the same types. Each takes a password
// or a refresh token. An operation may have one of them, so that a request is one guess.
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

// Check returns why a document is refused: LIMIT_EXCEEDED, or GRAPHQL_VALIDATION_FAILED for mistakes that are expensive
// to find by validation. A document that does not parse passes; gqlgen says what is wrong with it.
func (d *DocumentLimits) Check(text string) *gqlerror.Error {
	source := &ast.Source{Input: text}
	doc, err := parser.ParseQueryWithTokenLimit(source, d.limits.Tokens)
	if err != nil {
		if next := moreTokens(source, d.limits.Tokens); next != nil {
			return at(next, Exceeded("tokens", "the document has more than %d tokens, which is the limit", d.limits.Tokens))
		}
		return nil
	}
	return d.checkParsed(doc)
}

// moreTokens returns where a text has one token more than so many; nil when it has not, up to the first that cannot be
// read.
func moreTokens(source *ast.Source, limit int) *ast.Position {
	l := lexer.New(source)
	for range limit {
		if t, err := l.ReadToken(); err != nil || t.Kind == lexer.EOF {
			return nil
		}
	}
	t, err := l.ReadToken()
	if err != nil || t.Kind == lexer.EOF {
		return nil
	}
	return &t.Pos
}

// checkParsed bounds each operation, whichever of them will run, and then what validation has to walk: it enters a
// fragment again from each operation and from each other fragment that reaches it. Unused, unknown, duplicate and
// cyclic fragments are refused here, because validation takes quadratic time to find them.
func (d *DocumentLimits) checkParsed(doc *ast.QueryDocument) *gqlerror.Error {
	v := newCostVisitor(doc, d.signIns, d.sizes)
	if f := v.duplicate; f != nil {
		return at(f.Position, invalidFragment("There can be only one fragment named %q.", f.Name))
	}
	var total cost
	mostComparisons := 0
	for _, op := range doc.Operations {
		c := v.operation(op)
		if err := d.checkOperation(c); err != nil {
			return at(op.Position, err)
		}
		total, mostComparisons = total.plus(c), max(mostComparisons, c.comparisons)
	}
	if s := v.unknown; s != nil {
		return at(s.Position, invalidFragment("Unknown fragment %q.", s.Name))
	}
	if s := v.cycle; s != nil {
		return at(s.Position, invalidFragment("Cannot spread fragment %q within itself.", s.Name))
	}
	for _, f := range doc.Fragments {
		c := v.costs[f.Name]
		if c == nil {
			return at(f.Position, invalidFragment("Fragment %q is never used.", f.Name))
		}
		total = total.plus(*c)
	}
	if err := d.checkTotal(total, total.comparisons-mostComparisons); err != nil && len(doc.Operations) > 0 {
		return at(doc.Operations[0].Position, err) // where what is too much begins
	}
	return nil
}

func invalidFragment(format, name string) *gqlerror.Error {
	return newError(problem.ValidationFailed, fmt.Sprintf(format, Truncate(name)))
}

func (d *DocumentLimits) checkOperation(c cost) *gqlerror.Error {
	l := d.limits
	maxOperationComparisons := l.Fields * (l.Fields - 1) / 2
	switch {
	case c.introspection > 0 && !d.introspection:
		return newError(problem.ValidationFailed, "introspection is switched off")
	case c.deferred:
		return newError(problem.ValidationFailed, "@defer is not supported")
	case c.depth > l.Depth:
		return Exceeded("depth", "the operation is %d fields deep, the limit is %d", c.depth, l.Depth)
	case c.nesting > MaxNesting:
		return Exceeded("depth", "a value or its type is nested %d deep, the limit is %d", c.nesting, MaxNesting)
	case c.fields > l.Fields:
		return Exceeded("fields", "the operation has %s fields, the limit is %d", count(c.fields), l.Fields)
	case c.comparisons > maxOperationComparisons:
		return Exceeded("fields", "the operation repeats equal fields: %s pairs, the limit is %d",
			count(c.comparisons), maxOperationComparisons)
	case c.introspection > maxIntrospectionFields:
		return Exceeded("fields", "the operation has %s fields of introspection, the limit is %d",
			count(c.introspection), maxIntrospectionFields)
	case c.introspectionWeight > d.maxWeight:
		return Exceeded("fields",
			"the answer of introspection has about %.0f fields, the limit is %.0f; ask for less at once",
			c.introspectionWeight, d.maxWeight)
	case c.roots > l.Roots:
		return Exceeded("roots", "the operation has %s root fields, the limit is %d", count(c.roots), l.Roots)
	case c.signIns > 1:
		return Exceeded("signIns", "the operation has %s fields that sign in or prove a password, the limit is 1",
			count(c.signIns))
	case c.aliases > l.Aliases:
		return Exceeded("aliases", "the operation has %s aliases, the limit is %d", count(c.aliases), l.Aliases)
	case c.alias > maxAliasLen:
		return Exceeded("aliases", "an alias is %d bytes long, the limit is %d", c.alias, maxAliasLen)
	}
	return nil
}

// checkTotal bounds a document: its operations and fragments, each expanded, and the comparisons between equal names
// that validation makes more than once.
func (d *DocumentLimits) checkTotal(c cost, repeatedComparisons int) *gqlerror.Error {
	const all = "the operations and fragments "
	fields, values, bytes := 8*d.limits.Fields, 3*d.limits.Tokens, 4*d.limits.Body
	switch {
	case c.fields+c.introspection > fields:
		return Exceeded("fields", all+"have %s fields written out, the limit is %d", count(c.fields+c.introspection),
			fields)
	case c.values > values:
		return Exceeded("tokens", all+"have %s arguments and values written out, the limit is %d", count(c.values),
			values)
	case c.bytes > bytes:
		return Exceeded("body", all+"have %s bytes written out, the limit is %d", count(c.bytes), bytes)
	case repeatedComparisons > maxComparisons:
		return Exceeded("fields", all+"repeat equal fields: %s pairs, the limit is %d",
			count(repeatedComparisons), maxComparisons)
	}
	return nil
}
