package authz

import (
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// compiler turns a schema into a table and collects what is wrong with it.
type compiler struct {
	faults
	table  *table
	config Config
	types  map[string]says // what each object type says of itself
	fields map[string]says // what each field says of itself, by coordinate
}

// compile returns the table of a schema, or a SchemaError that lists every issue.
func compile(schema *ast.Schema, config Config) (*table, error) {
	c := &compiler{
		table: &table{
			schema:  schema,
			types:   map[string]*objectType{},
			inputs:  map[string]*inputType{},
			byRules: map[string]*requirement{},
		},
		config: config,
		types:  map[string]says{},
		fields: map[string]says{},
	}
	if _, err := c.table.atom(atom{kind: kindSignedIn}); err != nil {
		return nil, err
	}
	c.checkDirectives()
	c.checkOwners()
	for _, def := range c.definitions() {
		switch def.Kind {
		case ast.Object:
			c.object(def)
		case ast.InputObject:
			c.input(def)
		default:
			c.refuseRulesOn(def)
		}
	}
	c.link()
	c.markGuardedInputs()
	c.checkDefaults()
	c.checkReach()
	if err := c.refusal(); err != nil {
		return nil, err
	}
	return c.table, nil
}

// definitions returns the schema's own types, by name.
func (c *compiler) definitions() []*ast.Definition {
	var all []*ast.Definition
	for name, def := range c.table.schema.Types {
		if !strings.HasPrefix(name, "__") {
			all = append(all, def)
		}
	}
	slices.SortFunc(all, func(a, b *ast.Definition) int { return strings.Compare(a.Name, b.Name) })
	return all
}

func (c *compiler) isRoot(def *ast.Definition) bool {
	s := c.table.schema
	return def == s.Query || def == s.Mutation || def == s.Subscription
}

// object reads the rules of an object type, its fields and their arguments.
func (c *compiler) object(def *ast.Definition) {
	c.refuseDirectives(def.Name, def.Directives, "a type", directiveSignsIn)
	c.types[def.Name] = c.read(def.Name, def.Directives)
	own := c.types[def.Name]
	root := c.isRoot(def)
	if root && own.rule.owned() {
		c.add(def.Name, "has an owner rule, but a root type has no object to own")
	}
	t := &objectType{name: def.Name, root: root, fields: map[string]*fieldRule{}}
	if !root {
		t.require = c.intern(def.Name, own.rule)
	}
	for _, f := range def.Fields {
		if !strings.HasPrefix(f.Name, "__") {
			t.fields[f.Name] = c.field(t, own, f)
		}
	}
	c.table.types[def.Name] = t
}

// field reads the rules of one field. A root type has no object to look at, so its rule is added to each of its fields.
func (c *compiler) field(t *objectType, typeSays says, f *ast.FieldDefinition) *fieldRule {
	coordinate := t.name + "." + f.Name
	own := c.read(coordinate, f.Directives)
	c.fields[coordinate] = own
	r := &fieldRule{coordinate: coordinate, definition: f, arguments: map[string]*requirement{}}
	if t.root {
		if !own.anything() {
			c.add(coordinate, "does not say who may use it; write @auth(…) or @public behind it")
		}
		if own.rule.owned() {
			c.add(coordinate, "has an owner rule, but a root field has no object to own; put the rule on the type it returns")
		}
		r.require = c.intern(coordinate, typeSays.rule, own.rule)
	} else {
		r.require = c.intern(coordinate, own.rule)
	}
	for _, a := range f.Arguments {
		at := coordinate + "(" + a.Name + ":)"
		if rule := c.guardedInput(at, a.Directives, a.DefaultValue, !t.root); rule != nil {
			r.arguments[a.Name] = rule
		}
	}
	r.signsIn = c.signsIn(coordinate, t, own, f)
	return r
}

func (c *compiler) signsIn(coordinate string, t *objectType, own says, f *ast.FieldDefinition) bool {
	if f.Directives.ForName(directiveSignsIn) == nil {
		return false
	}
	if t.name != rootName(c.table.schema.Mutation) || !own.public {
		c.add(coordinate, "is @signsIn, which only a @public field of the mutation type can be")
	}
	if c.config.SignedIn == nil {
		c.add(coordinate, "is @signsIn, but Config.SignedIn does not say whom it signs in")
	}
	return true
}

func rootName(def *ast.Definition) string {
	if def == nil {
		return ""
	}
	return def.Name
}

// intern is table.intern with its error collected.
func (c *compiler) intern(at string, rules ...rule) *requirement {
	r, err := c.table.intern(rules...)
	if err != nil {
		c.add(at, "%v", err)
	}
	return r
}

// link finds the concrete types behind each field, once all types are read.
func (c *compiler) link() {
	for _, t := range c.table.types {
		for _, f := range t.fields {
			f.returns = c.table.concrete(f.definition.Type.Name())
		}
	}
}

func (r rule) owned() bool {
	for _, c := range r {
		if c.owner != "" {
			return true
		}
	}
	return false
}
