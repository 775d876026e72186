package authz

import (
	"slices"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
)

// fieldKey names a field of a concrete type as the executor does.
type fieldKey struct{ object, field string }

// argumentKey names one selection on a concrete type: implementers of an interface guard an argument differently.
type argumentKey struct {
	object string
	field  *ast.Field
}

// fieldCheck is what is left to do when a field executes.
type fieldCheck struct {
	rule   *fieldRule
	denied *violation   // null, and never resolved
	owner  *requirement // depends on the object that the field belongs to
	gate   bool         // an object that the field returns may be hidden
	signs  []*node      // what is decided anew after a @signsIn field has succeeded
}

// argumentCheck is a supplied argument of one selection whose rule does not simply hold.
type argumentCheck struct {
	denied []*violation
	owners []guardedUse // depend on the object that the field belongs to
}

// decision is the outcome for one viewer. It lists only what is not simply granted.
type decision struct {
	viewer     Viewer
	have       bits
	checks     map[fieldKey]*fieldCheck
	arguments  map[argumentKey]*argumentCheck
	violations []*violation // the outermost forbidden fields, in the order of the document
	runnable   bool         // at least one field of the first node may run
}

// needsNothing reports whether the operation may run as if there were no guard.
func (d *decision) needsNothing() bool {
	return len(d.violations) == 0 && len(d.checks) == 0 && len(d.arguments) == 0
}

// ask turns a viewer into the set of atoms that hold without an object.
func (g *Guard) ask(v Viewer) bits {
	var have bits
	if isNobody(v) {
		return have
	}
	for i, a := range g.table.atoms {
		var yes bool
		switch a.kind {
		case kindSignedIn:
			yes = true
		case kindRole:
			yes = v.HasRole(a.name)
		case kindScope:
			yes = v.HasScope(a.name)
		case kindAge:
			proved := v.AuthenticatedAt()
			age := g.config.Clock().Sub(proved)
			yes = !proved.IsZero() && age <= time.Duration(a.age)*time.Second
		}
		if yes {
			have.add(i)
		}
	}
	return have
}

// grants reports whether a plain plan is granted in full: the whole cost of an operation that nothing forbids.
func (p *plan) grants(have bits) bool {
	if !p.plain {
		return false
	}
	for _, r := range p.needs {
		if !r.holds(have) {
			return false
		}
	}
	return true
}

// place is where a field stands in the answer. It grows from the field to the root, so that all that stand below share
// it, and becomes a path only when it is shown.
type place struct {
	above *place
	alias string
}

func (p *place) path() ast.Path {
	var path ast.Path
	for ; p != nil; p = p.above {
		path = append(path, ast.PathName(p.alias))
	}
	slices.Reverse(path)
	return path
}

// walker decides a plan node by node. Each node is met once; what lies under a forbidden field is not asked.
type walker struct {
	guard     *Guard
	variables map[string]any
	strict    bool // a forbidden part forbids the whole: mutations and subscriptions
	seen      map[*node]bool
	*decision
}

// decide walks the nodes that the variables select and lists what the viewer may not simply have.
func (g *Guard) decide(nodes []*node, strict bool, v Viewer, have bits, variables map[string]any) *decision {
	w := &walker{
		guard:     g,
		variables: variables,
		strict:    strict,
		seen:      map[*node]bool{},
		decision: &decision{
			viewer:    v,
			have:      have,
			checks:    map[fieldKey]*fieldCheck{},
			arguments: map[argumentKey]*argumentCheck{},
		},
	}
	for _, n := range nodes {
		if w.node(n, nil) {
			w.runnable = true
		}
	}
	return w.decision
}

// node decides all that is selected on one concrete type, and reports whether any of it may run.
func (w *walker) node(n *node, at *place) (runs bool) {
	if w.seen[n] {
		return false
	}
	w.seen[n] = true
	for i := range n.uses {
		u := &n.uses[i]
		if u.when.hold(w.variables) && w.use(n, u, &place{at, u.field.Alias}) {
			runs = true
		}
	}
	for _, e := range n.edges {
		if e.when.hold(w.variables) && w.node(e.to, at) {
			runs = true
		}
	}
	return runs
}

// use decides one selected field and, unless it is forbidden, what is selected below it.
func (w *walker) use(n *node, u *use, at *place) (runs bool) {
	key := fieldKey{n.object.name, u.field.Name}
	if u.rule == nil {
		return w.meta(key, u, at)
	}
	check := &fieldCheck{rule: u.rule}
	switch u.rule.require.verdict(w.have, w.guard.table.owners) {
	case denied:
		check.denied = w.guard.table.deny(u.rule.coordinate, u.rule.require, w.have, w.viewer)
	case byOwner:
		check.owner = u.rule.require
	}
	if check.denied == nil && w.argumentsOf(n.object.name, u, at) {
		return false
	}
	if check.denied == nil {
		check.denied = w.onlyForbidden(u)
	}
	if check.denied != nil {
		w.forbid(key, check, at)
		return false
	}
	if u.rule.signsIn && guardsAnything(u.children) {
		check.signs = u.children
		w.checks[key] = w.join(key, check)
		return true
	}
	for _, c := range u.children {
		said := c.object.require.verdict(w.have, w.guard.table.owners)
		check.gate = check.gate || said != granted
		if said != denied {
			w.node(c, at)
		} else if w.strict && w.selects(c, map[*node]bool{}) {
			v := w.guard.table.deny(c.object.name, c.object.require, w.have, w.viewer)
			v.at = at
			w.violations = append(w.violations, v)
		}
	}
	if check.owner != nil || check.gate {
		w.checks[key] = w.join(key, check)
	}
	return true
}

// selects reports whether the variables select anything on a node.
func (w *walker) selects(n *node, seen map[*node]bool) bool {
	if seen[n] {
		return false
	}
	seen[n] = true
	return slices.ContainsFunc(n.uses, func(u use) bool { return u.when.hold(w.variables) }) ||
		slices.ContainsFunc(n.edges, func(e edge) bool { return e.when.hold(w.variables) && w.selects(e.to, seen) })
}

// join merges the checks of two selections of one field: they differ only in what is selected below a @signsIn field.
func (w *walker) join(key fieldKey, check *fieldCheck) *fieldCheck {
	if before := w.checks[key]; before != nil {
		check.signs = append(slices.Clone(before.signs), check.signs...)
		check.gate = check.gate || before.gate
	}
	return check
}

func (w *walker) forbid(key fieldKey, check *fieldCheck, at *place) {
	check.denied.at = at
	w.violations = append(w.violations, check.denied)
	w.checks[key] = check
}

// meta decides __typename, which belongs to the object's own rule, and introspection, which follows its switch.
func (w *walker) meta(key fieldKey, u *use, at *place) (runs bool) {
	if !isIntrospection(u.field) || w.guard.config.Introspection {
		return true
	}
	coordinate := key.object + "." + key.field
	w.forbid(key, &fieldCheck{denied: &violation{
		code:       Forbidden,
		coordinate: coordinate,
		message:    coordinate + " is switched off on this server.",
	}}, at)
	return false
}

// onlyForbidden returns a violation when every object that the field can return is of a type forbidden to the viewer:
// then it is not worth resolving.
func (w *walker) onlyForbidden(u *use) *violation {
	if len(u.children) == 0 || u.rule.signsIn {
		return nil
	}
	for _, c := range u.children {
		if c.object.require.verdict(w.have, w.guard.table.owners) != denied {
			return nil
		}
	}
	first := u.children[0].object
	return w.guard.table.deny(first.name, first.require, w.have, w.viewer)
}

// argumentsOf decides the arguments that the client supplied to one selection, and reports whether one forbids it.
func (w *walker) argumentsOf(object string, u *use, at *place) bool {
	check := &argumentCheck{}
	for _, supplied := range w.supplied(u) {
		switch supplied.require.verdict(w.have, w.guard.table.owners) {
		case denied:
			v := w.guard.table.deny(supplied.coordinate, supplied.require, w.have, w.viewer)
			v.at = at
			w.violations = append(w.violations, v)
			check.denied = append(check.denied, v)
		case byOwner:
			check.owners = append(check.owners, supplied)
		}
	}
	if len(check.denied) > 0 || len(check.owners) > 0 {
		w.arguments[argumentKey{object, u.field}] = check
	}
	return len(check.denied) > 0
}
