package authz

import (
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
)

// inputPlace is an argument or a field of an input.
type inputPlace struct {
	at           string
	typ          *ast.Type
	directives   ast.DirectiveList
	defaultValue *ast.Value
	hasObject    bool // an argument of an object's field, which its owner rule is about
}

// namesObjects reports whether the value is the id of an object, or a list of them, that the place's owner rule is
// about.
func (p inputPlace) namesObjects() bool { return !p.hasObject && p.typ.Name() == "ID" }

func (c *compiler) inputValue(p inputPlace) *requirement {
	c.rejectDirectives(p.at, p.directives, "an argument or input field", directiveSignsIn)
	if !p.namesObjects() {
		c.rejectDirectives(p.at, p.directives, "an argument or input field that is no ID", directivePublic)
	}
	own := c.parse(p.at, p.directives)
	c.fields[p.at] = own
	if own.rule == nil {
		return nil
	}
	if p.defaultValue != nil {
		c.add(p.at,
			"has an access rule and a default value; remove the default, because callers without access would get it")
	}
	if own.rule.hasOwner() && !p.hasObject {
		c.checkNamedObjects(p)
	}
	return c.intern(p.at, own.rule)
}

func (c *compiler) checkNamedObjects(p inputPlace) {
	switch {
	case !p.namesObjects():
		c.add(p.at,
			"has an owner rule, but there is no object to own here; put the rule on the type of the object, or on "+
				"the ID that names it")
	case c.config.Objects[p.at] == nil:
		c.add(p.at,
			"has an owner rule, but Config.Objects has no function for it; add one that loads the object of an id")
	}
	c.named = append(c.named, p.at)
}

// checkObjects rejects a function that loads objects for no owner rule: probably a misspelling.
func (c *compiler) checkObjects() {
	for _, at := range sortedNames(c.config.Objects) {
		if !slices.Contains(c.named, at) {
			c.add("Config.Objects",
				"has a function for %s, which is no ID with an owner rule; remove it or add the rule", at)
		}
	}
}

// checkIDs rejects an ID that callers without a role hand to a mutation unless it says whose object it may name.
func (c *compiler) checkIDs() {
	root := c.table.types[rootName(c.table.schema.Mutation)]
	if root == nil {
		return
	}
	seen := map[string]bool{}
	for _, name := range sortedNames(root.fields) {
		f := root.fields[name]
		if f.require != nil && slices.ContainsFunc(f.require.rules, Rule.asksForRole) {
			continue
		}
		for _, a := range f.definition.Arguments {
			c.checkID(f.coordinate+"("+a.Name+":)", a.Type, seen)
		}
	}
}

// checkID checks an argument or input field, and what it contains.
func (c *compiler) checkID(at string, typ *ast.Type, seen map[string]bool) {
	own := c.fields[at]
	open := func(one Clause) bool { return one.Owner == "" && len(one.Roles) == 0 }
	if typ.Name() == "ID" && !own.public && (own.rule == nil || slices.ContainsFunc(own.rule, open)) {
		c.add(at,
			"names an object that a mutation acts on and does not say whose it may be; write @auth(owner: …) behind "+
				"it, or @public when every caller of the mutation may name every object")
	}
	t := c.table.inputs[typ.Name()]
	if t == nil || seen[typ.Name()] {
		return
	}
	seen[typ.Name()] = true
	for _, f := range t.definition.Fields {
		c.checkID(t.definition.Name+"."+f.Name, f.Type, seen)
	}
}

// asksForRole reports whether each way to satisfy the rule needs a role.
func (r Rule) asksForRole() bool {
	return !slices.ContainsFunc(r, func(c Clause) bool { return len(c.Roles) == 0 })
}

func (c *compiler) input(def *ast.Definition) {
	c.rejectRules(def.Name, def.Directives, "an input type")
	t := &inputType{definition: def, fields: map[string]*requirement{}}
	for _, f := range def.Fields {
		r := c.inputValue(inputPlace{
			at: def.Name + "." + f.Name, typ: f.Type, directives: f.Directives, defaultValue: f.DefaultValue,
		})
		if r != nil {
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
