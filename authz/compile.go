package authz

import (
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// compiler turns a schema into a table and collects what is wrong with it.
type compiler struct {
	issues
	table  *table
	config Config
	types  map[string]declaration // of each object type
	fields map[string]declaration // of each field, argument and input field, by coordinate
	named  []string               // the IDs whose owner rule is about the object that they name
}

// compile returns the table of a schema, or a SchemaError that lists every issue.
func compile(schema *ast.Schema, config Config) (*table, error) {
	t := &table{
		schema:  schema,
		strong:  config.MultiFactorRoles,
		types:   map[string]*objectType{},
		inputs:  map[string]*inputType{},
		byRules: map[string]*requirement{},

		scopesOnlyRestrict: config.ScopesOnlyRestrict,
	}
	c := &compiler{table: t, config: config, types: map[string]declaration{}, fields: map[string]declaration{}}
	c.checkDirectives()
	c.checkEnum("Config.MultiFactorRoles", "Role", config.MultiFactorRoles)
	c.checkOwners()
	for _, def := range c.definitions() {
		switch def.Kind {
		case ast.Object:
			c.object(def)
		case ast.InputObject:
			c.input(def)
		default:
			c.rejectRulesIn(def)
		}
	}
	c.link()
	c.checkOwnedTypes()
	c.markGuardedInputs()
	c.checkDefaults()
	c.checkIDs()
	c.checkObjects()
	c.checkRules()
	c.checkReachability()
	return t, c.err()
}

// definitions returns the schema's own types, by name.
func (c *compiler) definitions() []*ast.Definition {
	var all []*ast.Definition
	for _, name := range sortedNames(c.table.schema.Types) {
		if !strings.HasPrefix(name, "__") {
			all = append(all, c.table.schema.Types[name])
		}
	}
	return all
}

func (c *compiler) isRoot(def *ast.Definition) bool {
	s := c.table.schema
	return def == s.Query || def == s.Mutation || def == s.Subscription
}

func (c *compiler) object(def *ast.Definition) {
	c.rejectDirectives(def.Name, def.Directives, "a type", directiveSignsIn)
	own := c.parse(def.Name, def.Directives)
	c.types[def.Name] = own
	t := &objectType{name: def.Name, root: c.isRoot(def), fields: map[string]*fieldRule{}}
	if !t.root {
		t.require = c.intern(def.Name, own.rule)
	} else if own.rule.hasOwner() {
		c.add(def.Name, "has an owner rule, but a root type has no object to own; put the rule on the types it returns")
	}
	for _, f := range def.Fields {
		if !strings.HasPrefix(f.Name, "__") {
			t.fields[f.Name] = c.field(t, own, f)
		}
	}
	c.table.types[def.Name] = t
}

// field compiles the rules of one field. A root type has no object to decide on, so its rule is added to each of its
// fields.
func (c *compiler) field(t *objectType, ofType declaration, f *ast.FieldDefinition) *fieldRule {
	coordinate := t.name + "." + f.Name
	own := c.configured(coordinate, c.parse(coordinate, f.Directives))
	c.fields[coordinate] = own
	r := &fieldRule{coordinate: coordinate, definition: f, arguments: map[string]*requirement{}}
	if t.root {
		c.checkRootField(coordinate, own)
		r.require = c.intern(coordinate, ofType.rule, own.rule)
	} else {
		r.require = c.intern(coordinate, own.rule)
	}
	for _, a := range f.Arguments {
		at := coordinate + "(" + a.Name + ":)"
		if require := c.inputValue(inputPlace{at, a.Type, a.Directives, a.DefaultValue, !t.root}); require != nil {
			r.arguments[a.Name] = require
		}
	}
	c.checkNullable(coordinate, t, own, f)
	r.signsIn = c.signsIn(coordinate, t, own, f)
	return r
}

func (c *compiler) checkRootField(coordinate string, own declaration) {
	if !own.declared() {
		c.add(coordinate, "does not say who may use it; write @auth(…) or @public behind it")
	}
	if own.rule.hasOwner() {
		c.add(coordinate,
			"has an owner rule, but a root field has no object to own; put the rule on the type it returns")
	}
}

// checkNullable rejects a non-null field whose denial would take what is allowed with it: one that is narrower than its
// type, and a guarded one of the query type. Mutations and subscriptions are refused whole.
func (c *compiler) checkNullable(coordinate string, t *objectType, own declaration, f *ast.FieldDefinition) {
	var narrower bool
	switch {
	case t.name == rootName(c.table.schema.Query):
		narrower = own.rule != nil || c.types[t.name].rule != nil
	case !t.root && own.rule != nil:
		narrower = t.require == nil || !c.table.implies(t.require.rules, []Rule{own.rule})
	}
	if narrower && f.Type.NonNull && !own.configured {
		c.add(coordinate,
			"is %s and not for everyone who may ask for what stands beside it; make it %s, so that a denial "+
				"does not take the rest with it", f.Type, strings.TrimSuffix(f.Type.String(), "!"))
	}
}

func (c *compiler) signsIn(coordinate string, t *objectType, own declaration, f *ast.FieldDefinition) bool {
	if f.Directives.ForName(directiveSignsIn) == nil {
		return false
	}
	if t.name != rootName(c.table.schema.Mutation) || !own.public {
		c.add(coordinate, "is @signsIn, which only a @public field of the mutation type can be")
	}
	if c.config.SignedIn == nil {
		c.add(coordinate, "is @signsIn, but Config.SignedIn is not set; it returns the viewer whom the field signed in")
	}
	return true
}

func rootName(def *ast.Definition) string {
	if def == nil {
		return ""
	}
	return def.Name
}

// intern is table.intern, which refuses the schema when its table is full.
func (c *compiler) intern(at string, rules ...Rule) *requirement {
	r := c.table.intern(rules...)
	if c.table.full {
		c.table.full = false
		c.add(at, "needs more than %d different roles, scopes, owners and ages in one schema; use fewer", maxAtoms)
	}
	return r
}

// link finds the concrete types behind each field, once all types are compiled.
func (c *compiler) link() {
	for _, t := range c.table.types {
		for _, f := range t.fields {
			f.returns = c.table.concrete(f.definition.Type.Name())
		}
	}
}

func (r Rule) hasOwner() bool {
	return slices.ContainsFunc(r, func(c Clause) bool { return c.Owner != "" })
}
