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

// declaration is what one place of the schema declares about access to it.
type declaration struct {
	rule   Rule // nil: no @auth
	public bool

	configured bool // by Config.Rules: the field is generated
}

func (d declaration) declared() bool { return d.rule != nil || d.public }

func (c *compiler) parse(coordinate string, list ast.DirectiveList) declaration {
	auths := list.ForNames(directiveAuth)
	d := declaration{public: list.ForName(directivePublic) != nil}
	if len(auths) > 1 {
		c.add(coordinate, "has @auth %d times; merge them into one", len(auths))
	}
	if len(auths) > 0 && d.public {
		c.add(coordinate, "is both @auth and @public; remove one of them")
	}
	if len(auths) > 0 {
		d.rule = c.parseRule(coordinate, auths[0])
	}
	return d
}

// parseRule reads @auth's arguments: flat ones are one clause, `any` lists clauses.
func (c *compiler) parseRule(coordinate string, d *ast.Directive) Rule {
	var flat Clause
	var alternatives Rule
	var listed, hasFlat bool
	for _, a := range d.Arguments {
		if a.Name == "any" {
			listed = true
			alternatives = c.parseAlternatives(coordinate, a.Value)
			continue
		}
		hasFlat = true
		c.parseTerm(coordinate, &flat, a.Name, a.Value)
	}
	if listed && hasFlat {
		c.add(coordinate, "has @auth with `any` and other arguments; move the others into each alternative of `any`")
	}
	if !listed {
		return Rule{flat}
	}
	c.rejectRedundant(coordinate, alternatives)
	return alternatives
}

// parseAlternatives reads `any`; a single value counts as a list of one (GraphQL's list coercion).
func (c *compiler) parseAlternatives(coordinate string, v *ast.Value) Rule {
	items := ast.ChildValueList{{Value: v}}
	if v.Kind == ast.ListValue {
		items = v.Children
	}
	var all Rule
	for _, item := range items {
		var one Clause
		if item.Value.Kind != ast.ObjectValue {
			c.add(coordinate, "has @auth(any: …) with %s for an alternative; write {…}", item.Value)
		}
		for _, f := range item.Value.Children {
			c.parseTerm(coordinate, &one, f.Name, f.Value)
		}
		all = append(all, one)
	}
	if len(all) == 0 {
		c.add(coordinate,
			"has @auth(any: …) without an alternative, which no caller can satisfy; list one or leave it out")
	}
	return all
}

// parseTerm reads one argument of @auth, or one field of AuthRule, into a clause.
func (c *compiler) parseTerm(coordinate string, to *Clause, name string, v *ast.Value) {
	switch name {
	case "roles":
		to.Roles = c.parseNames(coordinate, name, v)
		c.checkEnum(coordinate, "Role", to.Roles)
	case "scopes":
		to.Scopes = c.parseNames(coordinate, name, v)
		for _, s := range to.Scopes {
			if strings.ContainsAny(s, " \t\r\n") {
				c.add(coordinate,
					"names scope %q, but a scope has no space in it (RFC 6749, 3.3); list each scope by itself", s)
			}
		}
	case "owner":
		to.Owner = v.Raw
		c.checkOwner(coordinate, v.Raw)
	case "maxAge":
		n, err := strconv.Atoi(v.Raw)
		if v.Kind != ast.IntValue || err != nil || n < 1 {
			c.add(coordinate, "has @auth(maxAge: %s), which no caller can satisfy; give seconds, at least 1", v.Raw)
		}
		to.MaxAge = n
	case "mfa":
		if v.Kind != ast.BooleanValue || v.Raw != "true" {
			c.add(coordinate, "has @auth(mfa: %s), which asks for nothing; write mfa: true, or leave it out", v.Raw)
		}
		to.MFA = true
	default:
		c.add(coordinate, "has @auth(%s: …), which this guard does not know and so would not enforce; remove it", name)
	}
}

// parseNames reads a list of roles or scopes; a single value counts as a list of one.
func (c *compiler) parseNames(coordinate, term string, v *ast.Value) []string {
	var names []string
	if v.Kind == ast.ListValue {
		for _, item := range v.Children {
			names = append(names, item.Value.Raw)
		}
	} else if v.Kind != ast.NullValue {
		names = []string{v.Raw}
	}
	if len(names) == 0 || slices.Contains(names, "") {
		c.add(coordinate, "has @auth(%s: …) without a value, which no caller can satisfy; name one or leave it out",
			term)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (c *compiler) checkOwner(coordinate, name string) {
	c.checkEnum(coordinate, "Owner", []string{name})
	if len(c.config.Owners[name]) == 0 {
		c.add(coordinate, "has @auth(owner: %s), to which no Go predicate is bound; add it to Config.Owners", name)
	}
}

func (c *compiler) checkEnum(coordinate, enum string, names []string) {
	def := c.table.schema.Types[enum]
	for _, n := range names {
		if n != "" && (def == nil || def.EnumValues.ForName(n) == nil) {
			c.add(coordinate, "names %s, which is not a value of enum %s; correct the name or add the value", n, enum)
		}
	}
}

// rejectRedundant rejects an alternative that never matters, because another one asks for no more.
func (c *compiler) rejectRedundant(coordinate string, all Rule) {
	asksNoMore := func(a, b Clause) bool { return c.table.implies([]Rule{{b}}, []Rule{{a}}) }
	for i, a := range all {
		for j, b := range all {
			if i != j && asksNoMore(b, a) && (i > j || !asksNoMore(a, b)) {
				c.add(coordinate,
					"has a redundant alternative %d (%s): alternative %d (%s) asks for no more; remove one of them",
					i+1, a, j+1, b)
				return
			}
		}
	}
}
