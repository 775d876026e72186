package querylimit

import (
	"fmt"

	"github.com/vektah/gqlparser/v2/ast"
)

// cost is what a selection amounts to with its fragments expanded.
type cost struct {
	depth, fields, roots, aliases int
	signIns                       int     // root fields that take a password or a refresh token
	alias                         int     // bytes of the longest
	introspection                 int     // fields of introspection, which count neither as fields nor as depth
	weight                        float64 // of the fields, were they introspection
	introspectionWeight           float64 // fields of the answer to introspection
	nesting                       int     // of the deepest literal, or type of a variable
	values                        int     // directives, arguments, and literals with what is in them
	bytes                         int     // of names and literals
	comparisons                   int     // of fields in one selection that have the same name in the answer
	deferred                      bool
}

// plus joins two selections of the same object.
func (e cost) plus(o cost) cost {
	return cost{
		depth:               max(e.depth, o.depth),
		fields:              add(e.fields, o.fields),
		roots:               add(e.roots, o.roots),
		aliases:             add(e.aliases, o.aliases),
		signIns:             add(e.signIns, o.signIns),
		alias:               max(e.alias, o.alias),
		introspection:       add(e.introspection, o.introspection),
		weight:              e.weight + o.weight,
		introspectionWeight: e.introspectionWeight + o.introspectionWeight,
		nesting:             max(e.nesting, o.nesting),
		values:              add(e.values, o.values),
		bytes:               add(e.bytes, o.bytes),
		comparisons:         add(e.comparisons, o.comparisons),
		deferred:            e.deferred || o.deferred,
	}
}

// maxCount is where counting stops: fragments that double each other would overflow.
const maxCount = 1 << 30

func add(a, b int) int { return min(a+b, maxCount) }

func count(n int) string {
	if n >= maxCount {
		return fmt.Sprintf("%d or more", maxCount)
	}
	return fmt.Sprint(n)
}

// costVisitor measures the selections of one document. Each fragment is measured once, so that the time is
// linear in the length of the document.
type costVisitor struct {
	fragments map[string]*ast.FragmentDefinition
	costs     map[string]*cost // by fragment; nil while it is being measured
	signIns   map[string]bool
	sizes     listSizes
	unknown   *ast.FragmentSpread     // of a fragment that is not defined
	cycle     *ast.FragmentSpread     // of a fragment within itself
	duplicate *ast.FragmentDefinition // the second of a name
}

func newCostVisitor(doc *ast.QueryDocument, signIns map[string]bool, sizes listSizes) *costVisitor {
	t := &costVisitor{fragments: map[string]*ast.FragmentDefinition{}, costs: map[string]*cost{},
		signIns: signIns, sizes: sizes}
	for _, f := range doc.Fragments {
		if t.fragments[f.Name] != nil {
			t.duplicate = f
		}
		t.fragments[f.Name] = f
	}
	return t
}

func (t *costVisitor) operation(op *ast.OperationDefinition) cost {
	e, _ := t.selections(op.SelectionSet)
	for _, v := range op.VariableDefinitions {
		e = e.plus(literalCost(v.DefaultValue)).plus(directivesCost(v.Directives)).plus(cost{nesting: listDepth(v.Type)})
	}
	return e.plus(directivesCost(op.Directives))
}

// listDepth counts how deep lists are nested in a type.
func listDepth(t *ast.Type) (n int) {
	for ; t.Elem != nil; t = t.Elem {
		n++
	}
	return n
}

// selections measures a selection set. It also returns how often each response name occurs in it, inline fragments
// expanded.
func (t *costVisitor) selections(set ast.SelectionSet) (sum cost, names map[string]int) {
	names = make(map[string]int, len(set))
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			sum = sum.plus(t.field(s))
			names[s.Alias]++
			if len(s.Arguments) > 0 {
				names[s.Alias]++ // they are compared too
			}
		case *ast.InlineFragment:
			inner, more := t.selections(s.SelectionSet)
			sum = sum.plus(inner).plus(directivesCost(s.Directives))
			for name, n := range more {
				names[name] += n
			}
		case *ast.FragmentSpread:
			sum = sum.plus(t.fragment(s)).plus(directivesCost(s.Directives))
		}
	}
	for _, n := range names {
		sum.comparisons = add(sum.comparisons, n*(n-1)/2)
	}
	return sum, names
}

// field measures a field with its selection set. Introspection is recognized by the field names __schema and __type,
// never by an alias or the name of a fragment: only Query has these fields, and no type may define such names.
func (t *costVisitor) field(f *ast.Field) (e cost) {
	if len(f.SelectionSet) > 0 {
		e, _ = t.selections(f.SelectionSet)
	}
	e.weight = t.sizes.weight(f.Name, e.weight)
	if f.Name == "__schema" || f.Name == "__type" {
		e.introspectionWeight = e.weight
		e.introspection = add(e.introspection, add(e.fields, 1))
		e.fields, e.depth = 0, 0
	}
	e.depth, e.fields, e.roots, e.signIns = e.depth+1, add(e.fields, 1), 1, 0
	if t.signIns[f.Name] {
		e.signIns = 1
	}
	e.bytes = add(e.bytes, len(f.Name))
	if f.Alias != f.Name {
		e.aliases = add(e.aliases, 1)
		e.alias = max(e.alias, len(f.Alias))
		e.bytes = add(e.bytes, len(f.Alias))
	}
	return e.plus(argumentsCost(f.Arguments)).plus(directivesCost(f.Directives))
}

func (t *costVisitor) fragment(spread *ast.FragmentSpread) cost {
	name := spread.Name
	known, ok := t.costs[name]
	if ok && known == nil {
		t.cycle = spread
		return cost{}
	}
	if ok {
		return *known
	}
	definition := t.fragments[name]
	if definition == nil {
		t.unknown = spread
		return cost{}
	}
	t.costs[name] = nil
	e, _ := t.selections(definition.SelectionSet)
	e = e.plus(directivesCost(definition.Directives))
	t.costs[name] = &e
	return e
}

func directivesCost(list ast.DirectiveList) (e cost) {
	for _, d := range list {
		e = e.plus(argumentsCost(d.Arguments))
		e.values, e.bytes = add(e.values, 1), add(e.bytes, len(d.Name))
		e.deferred = e.deferred || d.Name == "defer"
	}
	return e
}

func argumentsCost(list ast.ArgumentList) (e cost) {
	for _, a := range list {
		e = e.plus(literalCost(a.Value))
		e.values, e.bytes = add(e.values, 1), add(e.bytes, len(a.Name))
	}
	return e
}

func literalCost(v *ast.Value) (e cost) {
	if v == nil {
		return e
	}
	e.values, e.bytes = 1, len(v.Raw)
	for _, child := range v.Children {
		e = e.plus(literalCost(child.Value))
		e.bytes = add(e.bytes, len(child.Name))
	}
	if v.Kind == ast.ListValue || v.Kind == ast.ObjectValue {
		e.nesting++
	}
	return e
}
