package authz

import "github.com/vektah/gqlparser/v2/ast"

func (c *compiler) inputValue(at string, list ast.DirectiveList, defaultValue *ast.Value, hasObject bool) *requirement {
	c.rejectDirectives(at, list, "an argument or input field", directivePublic, directiveSignsIn)
	own := c.parse(at, list)
	if own.rule == nil {
		return nil
	}
	if defaultValue != nil {
		c.add(at, "has an access rule and a default value; remove the default, because callers without access would get it")
	}
	if own.rule.hasOwner() && !hasObject {
		c.add(at, "has an owner rule, but there is no object to own here; put the rule on the type of the object")
	}
	return c.intern(at, own.rule)
}

func (c *compiler) input(def *ast.Definition) {
	c.rejectRules(def.Name, def.Directives, "an input type")
	t := &inputType{definition: def, fields: map[string]*requirement{}}
	for _, f := range def.Fields {
		if r := c.inputValue(def.Name+"."+f.Name, f.Directives, f.DefaultValue, false); r != nil {
			t.fields[f.Name] = r
			t.guarded = true
		}
	}
	c.table.inputs[def.Name] = t
}

// markGuardedInputs marks the input types that contain a guarded field at any depth.
func (c *compiler) markGuardedInputs() {
	for changed := true; changed; {
		changed = false
		for _, t := range c.table.inputs {
			for _, f := range t.definition.Fields {
				inner := c.table.inputs[f.Type.Name()]
				if inner != nil && inner.guarded && !t.guarded {
					t.guarded, changed = true, true
				}
			}
		}
	}
}

// checkDefaults rejects a default that sets a guarded input field: callers without access would get it.
func (c *compiler) checkDefaults() {
	for _, t := range c.table.types {
		for _, f := range t.fields {
			for _, a := range f.definition.Arguments {
				c.checkDefault(f.coordinate+"("+a.Name+":)", a.Type, a.DefaultValue)
			}
		}
	}
	for _, t := range c.table.inputs {
		for _, f := range t.definition.Fields {
			c.checkDefault(t.definition.Name+"."+f.Name, f.Type, f.DefaultValue)
		}
	}
}

func (c *compiler) checkDefault(at string, typ *ast.Type, v *ast.Value) {
	t := c.table.inputs[typ.Name()]
	if v == nil || t == nil {
		return
	}
	if v.Kind == ast.ListValue {
		for _, item := range v.Children {
			c.checkDefault(at, typ, item.Value)
		}
		return
	}
	for _, f := range v.Children {
		if t.fields[f.Name] != nil {
			c.add(at, "has a default value that sets %s.%s, which has an access rule; leave it out of the default, "+
				"because callers without access would get it", t.definition.Name, f.Name)
		}
		if def := t.definition.Fields.ForName(f.Name); def != nil {
			c.checkDefault(at, def.Type, f.Value)
		}
	}
}
