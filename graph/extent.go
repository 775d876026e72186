package graph

import (
	"fmt"

	"github.com/vektah/gqlparser/v2/ast"
)

// extent is what a selection amounts to with its fragments written out.
type extent struct {
	depth, fields, roots, aliases int
	signIns                       int // root fields that take a password or a refresh token
	alias                         int // bytes of the longest
	meta                          int // fields of introspection, which count neither as fields nor as depth
	nesting                       int // of the deepest literal, or type of a variable
	values                        int // directives, arguments, and literals with what is in them
	bytes                         int // of names and literals
	pairs                         int // of fields in one selection that have the same name in the answer
	deferred                      bool
}

// beside joins two selections of the same object.
func (e extent) beside(o extent) extent {
	return extent{
		depth:    max(e.depth, o.depth),
		fields:   add(e.fields, o.fields),
		roots:    add(e.roots, o.roots),
		aliases:  add(e.aliases, o.aliases),
		signIns:  add(e.signIns, o.signIns),
		alias:    max(e.alias, o.alias),
		meta:     add(e.meta, o.meta),
		nesting:  max(e.nesting, o.nesting),
		values:   add(e.values, o.values),
		bytes:    add(e.bytes, o.bytes),
		pairs:    add(e.pairs, o.pairs),
		deferred: e.deferred || o.deferred,
	}
}

// most is where counting stops: doubling fragments would overflow.
const most = 1 << 30

func add(a, b int) int { return min(a+b, most) }

func count(n int) string {
	if n >= most {
		return fmt.Sprintf("%d or more", most)
	}
	return fmt.Sprint(n)
}

// tape measures the selections of one document. Each fragment is measured once, so that time is linear in the text.
type tape struct {
	fragments map[string]*ast.FragmentDefinition
	measured  map[string]*extent // nil: being measured
	signIns   map[string]bool
	unknown   string // a fragment that is spread and not there
	circle    string // one that is spread within itself
	twice     string // one that is defined twice
}

func newTape(doc *ast.QueryDocument, signIns map[string]bool) *tape {
	t := &tape{fragments: map[string]*ast.FragmentDefinition{}, measured: map[string]*extent{}, signIns: signIns}
	for _, f := range doc.Fragments {
		if t.fragments[f.Name] != nil {
			t.twice = f.Name
		}
		t.fragments[f.Name] = f
	}
	return t
}

func (t *tape) operation(op *ast.OperationDefinition) extent {
	e, _ := t.selections(op.SelectionSet)
	for _, v := range op.VariableDefinitions {
		e = e.beside(literal(v.DefaultValue)).beside(directives(v.Directives)).beside(extent{nesting: lists(v.Type)})
	}
	return e.beside(directives(op.Directives))
}

// lists counts the lists within each other of a type.
func lists(t *ast.Type) (n int) {
	for ; t.Elem != nil; t = t.Elem {
		n++
	}
	return n
}

// selections measures what is selected in one pair of braces. It also returns how often each name stands there, with
// inline fragments written out.
func (t *tape) selections(set ast.SelectionSet) (sum extent, names map[string]int) {
	names = make(map[string]int, len(set))
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			sum = sum.beside(t.field(s))
			names[s.Alias]++
			if len(s.Arguments) > 0 {
				names[s.Alias]++ // they are compared too
			}
		case *ast.InlineFragment:
			inner, more := t.selections(s.SelectionSet)
			sum = sum.beside(inner).beside(directives(s.Directives))
			for name, n := range more {
				names[name] += n
			}
		case *ast.FragmentSpread:
			sum = sum.beside(t.fragment(s.Name)).beside(directives(s.Directives))
		}
	}
	for _, n := range names {
		sum.pairs = add(sum.pairs, n*(n-1)/2)
	}
	return sum, names
}

// field measures a field with what is below it. __schema and __type are known by their name, never by an alias or by
// what a fragment is called: no type may define a field of such a name, and only Query has these.
func (t *tape) field(f *ast.Field) (e extent) {
	if len(f.SelectionSet) > 0 {
		e, _ = t.selections(f.SelectionSet)
	}
	if f.Name == "__schema" || f.Name == "__type" {
		e.meta = add(e.meta, add(e.fields, 1))
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
	return e.beside(arguments(f.Arguments)).beside(directives(f.Directives))
}

func (t *tape) fragment(name string) extent {
	known, ok := t.measured[name]
	if ok && known == nil {
		t.circle = name
		return extent{}
	}
	if ok {
		return *known
	}
	definition := t.fragments[name]
	if definition == nil {
		t.unknown = name
		return extent{}
	}
	t.measured[name] = nil
	e, _ := t.selections(definition.SelectionSet)
	e = e.beside(directives(definition.Directives))
	t.measured[name] = &e
	return e
}

func directives(list ast.DirectiveList) (e extent) {
	for _, d := range list {
		e = e.beside(arguments(d.Arguments))
		e.values, e.bytes = add(e.values, 1), add(e.bytes, len(d.Name))
		e.deferred = e.deferred || d.Name == "defer"
	}
	return e
}

func arguments(list ast.ArgumentList) (e extent) {
	for _, a := range list {
		e = e.beside(literal(a.Value))
		e.values, e.bytes = add(e.values, 1), add(e.bytes, len(a.Name))
	}
	return e
}

func literal(v *ast.Value) (e extent) {
	if v == nil {
		return e
	}
	e.values, e.bytes = 1, len(v.Raw)
	for _, child := range v.Children {
		e = e.beside(literal(child.Value))
		e.bytes = add(e.bytes, len(child.Name))
	}
	if v.Kind == ast.ListValue || v.Kind == ast.ObjectValue {
		e.nesting++
	}
	return e
}
