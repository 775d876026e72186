package authz

import (
	"slices"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

const (
	directiveAuth    = "auth"
	directivePublic  = "public"
	directiveSignsIn = "signsIn"
)

// says is what one place of the schema states about who may use it.
type says struct {
	rule   rule // nil: no @auth
	public bool
}

func (s says) anything() bool { return s.rule != nil || s.public }

// read takes the statement of one place out of its directives.
func (c *compiler) read(coordinate string, list ast.DirectiveList) says {
	var s says
	auths := list.ForNames(directiveAuth)
	s.public = list.ForName(directivePublic) != nil
	if len(auths) > 1 {
		c.add(coordinate, "has @auth %d times; join them in one", len(auths))
	}
	if len(auths) > 0 && s.public {
		c.add(coordinate, "is both @auth and @public; take one of them away")
	}
	if len(auths) > 0 {
		s.rule = c.readRule(coordinate, auths[0])
	}
	return s
}

// readRule reads @auth's arguments: flat ones are one clause, `any` lists clauses.
func (c *compiler) readRule(coordinate string, d *ast.Directive) rule {
	flat := clause{}
	var alternatives []clause
	var listed, hasFlat bool
	for _, a := range d.Arguments {
		if a.Name == "any" {
			listed = true
			alternatives = c.readAny(coordinate, a.Value)
			continue
		}
		hasFlat = true
		c.readTerm(coordinate, &flat, a.Name, a.Value)
	}
	if listed && hasFlat {
		c.add(coordinate, "has @auth with `any` and other arguments; move the others into each alternative of `any`")
	}
	if !listed {
		return rule{flat}
	}
	c.refuseSwallowed(coordinate, alternatives)
	return alternatives
}

// readAny reads the alternatives of a rule; a single one counts as a list of one.
func (c *compiler) readAny(coordinate string, v *ast.Value) []clause {
	items := ast.ChildValueList{{Value: v}}
	if v.Kind == ast.ListValue {
		items = v.Children
	}
	var all []clause
	for _, item := range items {
		one := clause{}
		if item.Value.Kind != ast.ObjectValue {
			c.add(coordinate, "has @auth(any: …) with %s for an alternative; write {…}", item.Value)
		}
		for _, f := range item.Value.Children {
			c.readTerm(coordinate, &one, f.Name, f.Value)
		}
		all = append(all, one)
	}
	if len(all) == 0 {
		c.add(coordinate, "has @auth(any: …) without an alternative, which nobody can satisfy")
	}
	return all
}

// readTerm reads one argument of @auth, or one field of AuthRule, into a clause.
func (c *compiler) readTerm(coordinate string, to *clause, name string, v *ast.Value) {
	switch name {
	case "roles":
		to.roles = c.readNames(coordinate, name, v)
		c.checkEnum(coordinate, "Role", to.roles)
	case "scopes":
		to.scopes = c.readNames(coordinate, name, v)
		if i := slices.IndexFunc(to.scopes, func(s string) bool { return strings.ContainsAny(s, " \t\r\n") }); i >= 0 {
			c.add(coordinate, "names scope %q, but a scope has no space in it (RFC 6749, 3.3); name each scope apart", to.scopes[i])
		}
	case "owner":
		to.owner = v.Raw
		c.checkEnum(coordinate, "Owner", []string{v.Raw})
		if c.config.Owners[v.Raw] == nil {
			c.add(coordinate, "has @auth(owner: %s), to which no Go predicate is bound; add it to Config.Owners", v.Raw)
		}
	case "maxAge":
		n, err := strconv.Atoi(v.Raw)
		if v.Kind != ast.IntValue || err != nil || n < 1 {
			c.add(coordinate, "has @auth(maxAge: %s), which nobody can satisfy; give seconds, at least 1", v.Raw)
		}
		to.maxAge = n
	default:
		c.add(coordinate, "has @auth(%s: …), which this guard does not know and so would not enforce", name)
	}
}

// readNames reads a list of roles or scopes; a single value counts as a list of one (GraphQL's list coercion).
func (c *compiler) readNames(coordinate, what string, v *ast.Value) []string {
	var names []string
	if v.Kind == ast.ListValue {
		for _, item := range v.Children {
			names = append(names, item.Value.Raw)
		}
	} else if v.Kind != ast.NullValue {
		names = []string{v.Raw}
	}
	if len(names) == 0 || slices.Contains(names, "") {
		c.add(coordinate, "has @auth(%s: …) without a value, which nobody can satisfy; name one or leave it out", what)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// checkEnum refuses names that are not values of the enum, when the schema declares it.
func (c *compiler) checkEnum(coordinate, enum string, names []string) {
	def := c.table.schema.Types[enum]
	for _, n := range names {
		if n != "" && (def == nil || def.EnumValues.ForName(n) == nil) {
			c.add(coordinate, "names %s, which is not a value of enum %s", n, enum)
		}
	}
}

// refuseSwallowed refuses an alternative that can never matter, because another asks for no more.
func (c *compiler) refuseSwallowed(coordinate string, all []clause) {
	for i, a := range all {
		for j, b := range all {
			if i != j && b.asksNoMoreThan(a) && (i > j || !a.asksNoMoreThan(b)) {
				c.add(coordinate, "has an alternative %d (%s) that alternative %d (%s) swallows; take one away", i+1, a, j+1, b)
				return
			}
		}
	}
}

// asksNoMoreThan reports whether whoever satisfies b satisfies a.
func (a clause) asksNoMoreThan(b clause) bool {
	if a.owner != "" && a.owner != b.owner {
		return false
	}
	if a.maxAge > 0 && (b.maxAge == 0 || b.maxAge > a.maxAge) {
		return false
	}
	for _, s := range a.scopes {
		if !slices.Contains(b.scopes, s) {
			return false
		}
	}
	if len(a.roles) == 0 {
		return true
	}
	if len(b.roles) == 0 {
		return false
	}
	return !slices.ContainsFunc(b.roles, func(r string) bool { return !slices.Contains(a.roles, r) })
}
