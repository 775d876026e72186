package authz

import (
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// plan is what an operation asks for: the fields that it selects on each concrete type, joined into a graph. It knows
// no viewer and never changes, so all viewers share it. It has one node for each pair of a selection set and a concrete
// type, so fragments that are spread many times are read once and its size is linear in the document.
type plan struct {
	root   *node
	needs  []*requirement // the distinct requirements of all that is selected, whatever @skip and @include say
	plain  bool           // needs is all: nothing depends on what is supplied or on who is signed in later
	fields map[fieldKey]bool
}

// selects reports whether the operation asks for the field anywhere.
func (p *plan) selects(object, field string) bool {
	return p.fields[fieldKey{object, field}] || strings.HasPrefix(object, "__") || strings.HasPrefix(field, "__")
}

// node is a selection set as it applies to one concrete type.
type node struct {
	object *objectType
	uses   []use
	edges  []edge // fragments
}

// use is one selected field.
type use struct {
	field     *ast.Field
	rule      *fieldRule // nil: __typename and introspection
	when      conditions
	arguments []guardedUse
	children  []*node // one for each concrete type behind the field
}

// edge is a fragment: what it selects belongs to the same object.
type edge struct {
	when conditions
	to   *node
}

// conditions are the @skip and @include that depend on variables; all must let the selection through.
type conditions []condition

type condition struct {
	variable string
	want     bool // the value that lets the selection through
}

// guardedUse is a supplied argument whose rule, or the rules of what it contains, must hold.
type guardedUse struct {
	coordinate string
	require    *requirement // nil: only contents are guarded
	value      *ast.Value
	typ        *ast.Type
}

type nodeKey struct {
	set    any // *ast.Field, *ast.InlineFragment, *ast.FragmentDefinition or *ast.OperationDefinition
	object *objectType
}

// planner builds one plan.
type planner struct {
	table *table
	doc   *ast.QueryDocument
	nodes map[nodeKey]*node
}

// newPlan reads one operation of a validated document. It does not change the document, which viewers share.
func newPlan(t *table, doc *ast.QueryDocument, op *ast.OperationDefinition) *plan {
	p := &planner{table: t, doc: doc, nodes: map[nodeKey]*node{}}
	var root *objectType
	switch op.Operation {
	case ast.Mutation:
		root = t.types[t.schema.Mutation.Name]
	case ast.Subscription:
		root = t.types[t.schema.Subscription.Name]
	default:
		root = t.types[t.schema.Query.Name]
	}
	made := &plan{root: p.node(op, op.SelectionSet, root), fields: map[fieldKey]bool{}}
	made.flatten()
	for _, n := range p.nodes {
		for _, u := range n.uses {
			made.fields[fieldKey{n.object.name, u.field.Name}] = true
		}
	}
	return made
}

// node returns the node of a selection set on a concrete type, reading it on first sight.
func (p *planner) node(owner any, set ast.SelectionSet, t *objectType) *node {
	key := nodeKey{owner, t}
	if n, ok := p.nodes[key]; ok {
		return n
	}
	n := &node{object: t}
	p.nodes[key] = n
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			if when, possible := readConditions(s.Directives); possible {
				n.uses = append(n.uses, p.use(s, t, when))
			}
		case *ast.InlineFragment:
			if when, possible := readConditions(s.Directives); possible && p.applies(s.TypeCondition, t) {
				n.edges = append(n.edges, edge{when, p.node(s, s.SelectionSet, t)})
			}
		case *ast.FragmentSpread:
			def := p.doc.Fragments.ForName(s.Name)
			if when, possible := readConditions(s.Directives); possible && p.applies(def.TypeCondition, t) {
				n.edges = append(n.edges, edge{when, p.node(def, def.SelectionSet, t)})
			}
		}
	}
	return n
}

// applies reports whether a fragment on the named type applies to a concrete type.
func (p *planner) applies(condition string, t *objectType) bool {
	if condition == "" || condition == t.name {
		return true
	}
	for _, c := range p.table.concrete(condition) {
		if c == t {
			return true
		}
	}
	return false
}

func (p *planner) use(f *ast.Field, t *objectType, when conditions) use {
	u := use{field: f, rule: t.fields[f.Name], when: when}
	if u.rule == nil {
		return u
	}
	for _, a := range f.Arguments {
		def := u.rule.definition.Arguments.ForName(a.Name)
		input := p.table.inputs[def.Type.Name()]
		g := guardedUse{u.rule.coordinate + "(" + a.Name + ":)", u.rule.arguments[a.Name], a.Value, def.Type}
		if g.require != nil || input != nil && input.guarded {
			u.arguments = append(u.arguments, g)
		}
	}
	for _, c := range u.rule.returns {
		u.children = append(u.children, p.node(f, f.SelectionSet, c))
	}
	return u
}

// readConditions returns the conditions that variables decide, and whether literals leave the selection possible.
func readConditions(list ast.DirectiveList) (when conditions, possible bool) {
	for _, d := range list {
		if d.Name != "skip" && d.Name != "include" {
			continue
		}
		want := d.Name == "include"
		v := d.Arguments.ForName("if").Value
		if v.Kind == ast.Variable {
			when = append(when, condition{v.Raw, want})
		} else if (v.Raw == "true") != want {
			return nil, false
		}
	}
	return when, true
}

// hold reports whether the coerced variables let the selection through.
func (c conditions) hold(variables map[string]any) bool {
	for _, one := range c {
		if value, _ := variables[one.variable].(bool); value != one.want {
			return false
		}
	}
	return true
}

// flatten collects the distinct requirements of all that may run. When the plan is plain, a viewer who satisfies them
// is granted without another look at it.
func (p *plan) flatten() {
	p.plain = true
	seen := map[*node]bool{}
	asked := map[*requirement]bool{}
	need := func(r *requirement) {
		if r != nil && !asked[r] {
			asked[r] = true
			p.needs = append(p.needs, r)
		}
	}
	var walk func(*node)
	walk = func(n *node) {
		if seen[n] {
			return
		}
		seen[n] = true
		need(n.object.require)
		for _, u := range n.uses {
			if len(u.arguments) > 0 || u.rule == nil && isIntrospection(u.field) {
				p.plain = false
			}
			if u.rule == nil {
				continue
			}
			need(u.rule.require)
			if u.rule.signsIn && guardsAnything(u.children) {
				p.plain = false
				continue
			}
			for _, c := range u.children {
				walk(c)
			}
		}
		for _, e := range n.edges {
			walk(e.to)
		}
	}
	walk(p.root)
}

// guardsAnything reports whether a rule stands anywhere below these nodes.
func guardsAnything(nodes []*node) bool {
	seen := map[*node]bool{}
	var guarded func(*node) bool
	guarded = func(n *node) bool {
		if seen[n] {
			return false
		}
		seen[n] = true
		if n.object.require != nil {
			return true
		}
		for _, u := range n.uses {
			if u.rule != nil && (u.rule.require != nil || len(u.arguments) > 0) {
				return true
			}
			for _, c := range u.children {
				if guarded(c) {
					return true
				}
			}
		}
		for _, e := range n.edges {
			if guarded(e.to) {
				return true
			}
		}
		return false
	}
	for _, n := range nodes {
		if guarded(n) {
			return true
		}
	}
	return false
}

func isIntrospection(f *ast.Field) bool { return f.Name == "__schema" || f.Name == "__type" }
