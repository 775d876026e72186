package authz

import (
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
)

// checkDirectives rejects a schema whose directives are not the ones that this package enforces.
func (c *compiler) checkDirectives() {
	known := map[string][]string{
		directiveAuth:    {"roles", "scopes", "owner", "maxAge", "mfa", "any"},
		directivePublic:  {},
		directiveSignsIn: {},
	}
	for _, def := range c.table.schema.Directives {
		for _, a := range def.Arguments {
			c.rejectRules("@"+def.Name+"("+a.Name+":)", a.Directives, "a directive's argument")
		}
	}
	for name, arguments := range known {
		if def := c.table.schema.Directives[name]; def != nil {
			c.checkDirective("@"+name, def, arguments)
		}
	}
}

func (c *compiler) checkDirective(at string, def *ast.DirectiveDefinition, known []string) {
	if def.IsRepeatable {
		c.add(at, "is repeatable; remove `repeatable`: each place has at most one")
	}
	for _, a := range def.Arguments {
		if a.DefaultValue != nil {
			c.add(at, "has a default for %s, which this guard would not see; remove it", a.Name)
		}
		if !slices.Contains(known, a.Name) {
			c.add(at, "has an argument %s, which this guard does not know and so would not enforce; remove it", a.Name)
		}
	}
}

// rejectRulesIn rejects rules anywhere in an interface, union, enum or scalar, where nothing would enforce them.
func (c *compiler) rejectRulesIn(def *ast.Definition) {
	kind := map[ast.DefinitionKind]string{
		ast.Interface: "an interface", ast.Union: "a union", ast.Enum: "an enum", ast.Scalar: "a scalar",
	}[def.Kind]
	c.rejectRules(def.Name, def.Directives, kind)
	for _, v := range def.EnumValues {
		c.rejectRules(def.Name+"."+v.Name, v.Directives, "an enum value")
	}
	for _, f := range def.Fields {
		at := def.Name + "." + f.Name
		c.rejectRules(at, f.Directives, "a field of "+kind)
		for _, a := range f.Arguments {
			c.rejectRules(at+"("+a.Name+":)", a.Directives, "an argument of "+kind)
		}
	}
}

func (c *compiler) rejectRules(at string, list ast.DirectiveList, kind string) {
	c.rejectDirectives(at, list, kind, directiveAuth, directivePublic, directiveSignsIn)
}

func (c *compiler) rejectDirectives(at string, list ast.DirectiveList, kind string, names ...string) {
	for _, name := range names {
		if list.ForName(name) != nil {
			c.add(at, "has @%s, but on %s nothing enforces it; write it on the object types and their fields", name,
				kind)
		}
	}
}
