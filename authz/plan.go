package authz

import (
	"slices"
	"strings"
	"sync/atomic"

	"github.com/vektah/gqlparser/v2/ast"
)

// plan is what an operation asks for: the fields that it selects on each concrete type, joined into a graph. It knows
// no viewer, so all viewers share it. It has one node for each pair of a selection set and a concrete
// type, so fragments that are spread many times are read once and its size is linear in the document.
type plan struct {
	root   *node
	needs  []*requirement // the distinct requirements of all that is selected, whatever @skip and @include say
	plain  bool           // needs is all: nothing depends on supplied inputs or on who is signed in later
	fixed  bool           // no variable decides what is selected, either
	fields map[fieldKey]bool

	last atomic.Pointer[outcome] // of a fixed plan, for the newest caller: it holds for all with the same atoms
}

// decided returns what was decided for another caller who has the same atoms, or nil.
func (p *plan) decided(c caller, have bits) *decision {
	last := p.last.Load()
	if last == nil || last.have != have {
		return nil
	}
	return &decision{last, c}
}

// remember keeps a decision for the next caller. Violations have words for one caller.
func (p *plan) remember(d *decision) {
	if p.fixed && len(d.violations) == 0 {
		p.last.Store(d.outcome)
	}
}

// selects reports whether the operation asks for the field anywhere.
func (p *plan) selects(object, field string) bool {
	return p.fields[fieldKey{object, field}] || strings.HasPrefix(object, "__") || strings.HasPrefix(field, "__")
}

// node is a selection set as it applies to one concrete type.
type node struct {
	object     *objectType
	selections []selection
	fragments  []fragment
}

type selection struct {
	field     *ast.Field
	rule      *fieldRule // nil: __typename and introspection
	when      conditions
	arguments []guardedInput
	children  []*node // one for each concrete type behind the field

	decidedLater bool // what is below a @signsIn field is decided for the user whom it signs in
}

// fragment is a spread or inline fragment: what it selects belongs to the same object.
type fragment struct {
	when conditions
	node *node
}

// conditions are the @skip and @include that depend on variables; all must include the selection.
type conditions []condition

type condition struct {
	variable string
	includes bool // the value that includes the selection
}

// guardedInput is an argument or input field whose rule, or the rules of what it contains, must hold when supplied.
type guardedInput struct {
	coordinate string
	require    *requirement // nil: only contents are guarded
	value      *ast.Value
	typ        *ast.Type
	supplied   any // of an input field: what the client supplied
}

type nodeKey struct {
	set    any // *ast.Field, *ast.InlineFragment, *ast.FragmentDefinition or *ast.OperationDefinition
	object *objectType
}

type planner struct {
	table *table
	doc   *ast.QueryDocument
	nodes map[nodeKey]*node
}

// newPlan reads one operation of a validated document. It does not change the document, which viewers share.
func newPlan(t *table, doc *ast.QueryDocument, op *ast.OperationDefinition) *plan {
	builder := &planner{table: t, doc: doc, nodes: map[nodeKey]*node{}}
	root := t.schema.Query
	switch op.Operation {
	case ast.Mutation:
		root = t.schema.Mutation
	case ast.Subscription:
		root = t.schema.Subscription
	}
	p := &plan{
		root:   builder.node(op, op.SelectionSet, t.types[root.Name]),
		plain:  true,
		fixed:  true,
		fields: map[fieldKey]bool{},
	}
	builder.findSignIns()
	p.collectNeeds(p.root, map[*node]bool{})
	p.fixed = p.fixed && p.plain
	for _, n := range builder.nodes {
		for _, s := range n.selections {
			p.fields[fieldKey{n.object.name, s.field.Name}] = true
		}
	}
	return p
}

// node returns the node of a selection set on a concrete type; it builds each once.
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
			if when, possible := parseConditions(s.Directives); possible {
				n.selections = append(n.selections, p.selection(s, t, when))
			}
		case *ast.InlineFragment:
			if when, possible := parseConditions(s.Directives); possible && p.applies(s.TypeCondition, t) {
				n.fragments = append(n.fragments, fragment{when, p.node(s, s.SelectionSet, t)})
			}
		case *ast.FragmentSpread:
			def := p.doc.Fragments.ForName(s.Name)
			if when, possible := parseConditions(s.Directives); possible && p.applies(def.TypeCondition, t) {
				n.fragments = append(n.fragments, fragment{when, p.node(def, def.SelectionSet, t)})
			}
		}
	}
	return n
}

// applies reports whether a fragment on the named type applies to a concrete type.
func (p *planner) applies(condition string, t *objectType) bool {
	return condition == "" || condition == t.name || slices.Contains(p.table.concrete(condition), t)
}

func (p *planner) selection(f *ast.Field, t *objectType, when conditions) selection {
	s := selection{field: f, rule: t.fields[f.Name], when: when}
	if s.rule == nil {
		return s
	}
	for _, a := range f.Arguments {
		def := s.rule.definition.Arguments.ForName(a.Name)
		input := p.table.inputs[def.Type.Name()]
		in := guardedInput{
			coordinate: s.rule.coordinate + "(" + a.Name + ":)",
			require:    s.rule.arguments[a.Name],
			value:      a.Value,
			typ:        def.Type,
		}
		if in.require != nil || input != nil && input.guarded {
			s.arguments = append(s.arguments, in)
		}
	}
	for _, c := range s.rule.returns {
		s.children = append(s.children, p.node(f, f.SelectionSet, c))
	}
	return s
}

// parseConditions returns the conditions that variables decide, and whether literals leave the selection possible.
func parseConditions(list ast.DirectiveList) (when conditions, possible bool) {
	for _, d := range list {
		if d.Name != "skip" && d.Name != "include" {
			continue
		}
		includes := d.Name == "include"
		v := d.Arguments.ForName("if").Value
		if v.Kind == ast.Variable {
			when = append(when, condition{v.Raw, includes})
		} else if (v.Raw == "true") != includes {
			return nil, false
		}
	}
	return when, true
}

// hold reports whether the coerced variables include the selection.
func (c conditions) hold(variables map[string]any) bool {
	for _, one := range c {
		if value, _ := variables[one.variable].(bool); value != one.includes {
			return false
		}
	}
	return true
}

// collectNeeds collects the distinct requirements of all that may run below a node. When the plan is plain, a viewer
// who satisfies them is granted the operation without another look at it.
func (p *plan) collectNeeds(n *node, seen map[*node]bool) {
	if seen[n] {
		return
	}
	seen[n] = true
	p.need(n.object.require)
	for _, s := range n.selections {
		p.fixed = p.fixed && s.when == nil
		if s.rule == nil {
			p.plain = p.plain && !isIntrospection(s.field)
			continue
		}
		p.need(s.rule.require)
		p.plain = p.plain && !s.decidedLater && len(s.arguments) == 0
		if s.decidedLater {
			continue
		}
		for _, c := range s.children {
			p.collectNeeds(c, seen)
		}
	}
	for _, f := range n.fragments {
		p.fixed = p.fixed && f.when == nil
		p.collectNeeds(f.node, seen)
	}
}

func (p *plan) need(r *requirement) {
	if r != nil && !slices.Contains(p.needs, r) {
		p.needs = append(p.needs, r)
	}
}

// findSignIns marks the @signsIn fields with a rule below them. It looks at each node once.
func (p *planner) findSignIns() {
	guarded := map[*node]bool{}
	for _, n := range p.nodes {
		for i := range n.selections {
			s := &n.selections[i]
			s.decidedLater = s.rule != nil && s.rule.signsIn && guardsAnything(s.children, guarded)
		}
	}
}

// guardsAnything reports whether a rule stands anywhere on or below these nodes. It remembers what it found.
func guardsAnything(nodes []*node, guarded map[*node]bool) bool {
	return slices.ContainsFunc(nodes, func(n *node) bool {
		if _, ok := guarded[n]; !ok {
			guarded[n] = true // while it is looked at
			guarded[n] = n.guards(guarded)
		}
		return guarded[n]
	})
}

func (n *node) guards(guarded map[*node]bool) bool {
	return n.object.require != nil || slices.ContainsFunc(n.selections, func(s selection) bool {
		return s.rule != nil && (s.rule.require != nil || len(s.arguments) > 0) || guardsAnything(s.children, guarded)
	}) || slices.ContainsFunc(n.fragments, func(f fragment) bool { return guardsAnything([]*node{f.node}, guarded) })
}

func isIntrospection(f *ast.Field) bool { return f.Name == "__schema" || f.Name == "__type" }
