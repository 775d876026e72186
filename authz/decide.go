package authz

import (
	"context"
	"slices"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
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
	rule    *fieldRule
	denied  *violation   // not nil: the field is null and never resolved
	owner   *requirement // depends on the object that the field belongs to
	mayHide bool         // an object that the field returns may be hidden
}

// responseKey names what the executor makes one field of: all selections of a type with one alias.
type responseKey struct{ object, alias string }

// argumentCheck is a supplied argument of one selection whose rule does not simply hold.
type argumentCheck struct {
	denied []*violation
	owners []guardedInput // depend on the object that the field belongs to
	named  string         // the coordinate of an ID whose object was found to be the viewer's
}

// decision is what was decided for one caller.
type decision struct {
	*outcome
	caller caller
}

// outcome is the decision for all callers with the same atoms. It lists only what is not simply granted.
type outcome struct {
	table      *table
	have       bits
	checks     map[fieldKey]*fieldCheck
	arguments  map[argumentKey]*argumentCheck
	signIns    map[responseKey][]*node // what is decided when a @signsIn field has succeeded
	violations []*violation            // the outermost forbidden fields, in the order of the document
	runnable   bool                    // at least one field of the first node may run
}

// grantsAll reports whether the operation may run as if there were no guard.
func (d *decision) grantsAll() bool {
	return len(d.violations) == 0 && len(d.checks) == 0 && len(d.arguments) == 0 && len(d.signIns) == 0
}

func (d *decision) verdict(r *requirement) verdict { return r.verdict(d.have, d.table.owners) }

func (d *decision) deny(coordinate string, r *requirement) *violation {
	return d.table.deny(coordinate, r, d.have, d.caller)
}

// atomsOf returns the atoms that hold for a caller without an object.
func (g *Guard) atomsOf(c caller) bits {
	var have bits
	if c.isAnonymous() {
		return have
	}
	var now time.Time
	for i, a := range g.table.atoms {
		var holds bool
		switch a.kind {
		case kindSignedIn:
			holds = true
		case kindUnrestricted:
			holds = !c.isRestricted()
		case kindRole:
			holds = c.viewer.HasRole(a.name)
		case kindScope:
			holds = c.viewer.HasScope(a.name)
		case kindAge:
			if now.IsZero() {
				now = g.config.Clock()
			}
			at := c.viewer.AuthenticatedAt()
			holds = !at.IsZero() && now.Sub(at) <= time.Duration(a.age)*time.Second
		case kindMFA:
			holds = c.hasSecondFactor()
		}
		if holds {
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

// pathElement is a field's place in the response, linked to the element above it. All that stands below shares it; it
// becomes a path only for an error.
type pathElement struct {
	above *pathElement
	field *ast.Field
}

func (e *pathElement) locations() []gqlerror.Location {
	if e == nil || e.field.Position == nil {
		return nil
	}
	return []gqlerror.Location{{Line: e.field.Position.Line, Column: e.field.Position.Column}}
}

func (e *pathElement) path() ast.Path {
	var path ast.Path
	for ; e != nil; e = e.above {
		path = append(path, ast.PathName(e.field.Alias))
	}
	slices.Reverse(path)
	return path
}

// walker decides a plan node by node. It visits each node once, and none below a forbidden field.
type walker struct {
	guard     *Guard
	ctx       context.Context
	named     []namedObjects // decided last, and only when nothing else forbids the operation
	loaded    int            // objects that the operation names
	variables map[string]any
	strict    bool // a forbidden part forbids everything: mutations and subscriptions
	seen      map[*node]bool
	*decision
}

// decide walks the nodes that the variables select and lists what the viewer is not simply granted.
func (g *Guard) decide(
	ctx context.Context, nodes []*node, strict bool, c caller, have bits, variables map[string]any,
) *decision {
	w := &walker{
		guard:     g,
		ctx:       ctx,
		variables: variables,
		strict:    strict,
		seen:      map[*node]bool{},
		decision: &decision{caller: c, outcome: &outcome{
			table:     g.table,
			have:      have,
			checks:    map[fieldKey]*fieldCheck{},
			arguments: map[argumentKey]*argumentCheck{},
		}},
	}
	for _, n := range nodes {
		if w.node(n, nil) {
			w.runnable = true
		}
	}
	if len(w.violations) == 0 {
		w.decideNamed()
	}
	return w.decision
}

// node decides all that is selected on one concrete type, and reports whether any of it may run.
func (w *walker) node(n *node, at *pathElement) (runs bool) {
	if w.seen[n] {
		return false
	}
	w.seen[n] = true
	for i := range n.selections {
		s := &n.selections[i]
		if s.when.hold(w.variables) && w.selection(n, s, &pathElement{at, s.field}) {
			runs = true
		}
	}
	for _, f := range n.fragments {
		if f.when.hold(w.variables) && w.node(f.node, at) {
			runs = true
		}
	}
	return runs
}

// selection decides one selected field and, unless it is forbidden, what is selected below it.
func (w *walker) selection(n *node, s *selection, at *pathElement) (runs bool) {
	key := fieldKey{n.object.name, s.field.Name}
	if s.rule == nil {
		return w.metaField(key, s, at)
	}
	check := w.check(s.rule)
	if check.denied == nil && w.forbiddenArguments(n.object.name, s, at) {
		return false
	}
	if check.denied == nil {
		check.denied = w.onlyForbidden(s)
	}
	switch {
	case check.denied != nil:
		w.forbid(key, check, at)
		return false
	case s.decidedLater:
		response := responseKey{n.object.name, s.field.Alias}
		set(&w.signIns, response, append(w.signIns[response], s.children...))
	default:
		check.mayHide = w.children(s.children, at)
	}
	if check.owner != nil || check.mayHide {
		w.checks[key] = check
	}
	return true
}

func (w *walker) check(r *fieldRule) *fieldCheck {
	check := &fieldCheck{rule: r}
	switch w.verdict(r.require) {
	case denied:
		check.denied = w.deny(r.coordinate, r.require)
	case byOwner:
		check.owner = r.require
	}
	return check
}

// children decides what is selected below a field, on each concrete type, and reports whether an object may be hidden.
func (w *walker) children(nodes []*node, at *pathElement) (mayHide bool) {
	for _, c := range nodes {
		verdict := w.verdict(c.object.require)
		mayHide = mayHide || verdict != granted
		if verdict != denied {
			w.node(c, at)
		} else if w.strict && w.selects(c, map[*node]bool{}) {
			v := w.deny(c.object.name, c.object.require)
			v.at = at
			w.violations = append(w.violations, v)
		}
	}
	return mayHide
}

// selects reports whether the variables include any selection of a node.
func (w *walker) selects(n *node, seen map[*node]bool) bool {
	if seen[n] {
		return false
	}
	seen[n] = true
	return slices.ContainsFunc(n.selections, func(s selection) bool { return s.when.hold(w.variables) }) ||
		slices.ContainsFunc(n.fragments, func(f fragment) bool {
			return f.when.hold(w.variables) && w.selects(f.node, seen)
		})
}

func (w *walker) forbid(key fieldKey, check *fieldCheck, at *pathElement) {
	check.denied.at = at
	w.violations = append(w.violations, check.denied)
	w.checks[key] = check
}

// metaField decides __typename, which belongs to the object's own rule, and introspection, which follows its switch.
func (w *walker) metaField(key fieldKey, s *selection, at *pathElement) (runs bool) {
	if !isIntrospection(s.field) || w.guard.config.Introspection {
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
// then the field is not resolved.
func (w *walker) onlyForbidden(s *selection) *violation {
	if len(s.children) == 0 || s.rule.signsIn {
		return nil
	}
	if slices.ContainsFunc(s.children, func(c *node) bool { return w.verdict(c.object.require) != denied }) {
		return nil
	}
	first := s.children[0].object
	return w.deny(first.name, first.require)
}

// forbiddenArguments decides the arguments that the client supplied to one selection, and reports whether one forbids
// it.
func (w *walker) forbiddenArguments(object string, s *selection, at *pathElement) bool {
	check := &argumentCheck{}
	for _, in := range w.supplied(s) {
		var v *violation
		switch verdict := w.verdict(in.require); {
		case verdict == denied:
			v = w.deny(in.coordinate, in.require)
		case verdict == byOwner && w.guard.config.Objects[in.coordinate] != nil:
			check.named = in.coordinate
			if w.strict {
				w.named = append(w.named, namedObjects{in, at})
			} else {
				v = w.foreign(in)
			}
		case verdict == byOwner:
			check.owners = append(check.owners, in)
		}
		if v != nil {
			v.at = at
			w.violations = append(w.violations, v)
			check.denied = append(check.denied, v)
		}
	}
	if len(check.denied) > 0 || len(check.owners) > 0 || check.named != "" {
		w.arguments[argumentKey{object, s.field}] = check
	}
	return len(check.denied) > 0
}
