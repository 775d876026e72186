package authz

import (
	"reflect"
	"slices"
)

// checkOwners rejects predicates that are bound to no value of enum Owner, probably misspelled, and those whose Go type
// does not say which objects they decide.
func (c *compiler) checkOwners() {
	for _, name := range sortedNames(c.config.Owners) {
		c.checkEnum("Config.Owners", "Owner", []string{name})
		seen := map[reflect.Type]bool{}
		for _, o := range c.config.Owners[name] {
			base := o.base()
			if base == nil || base.Kind() == reflect.Interface {
				c.add("Config.Owners", "has for %s a predicate without a concrete Go type; "+
					"make one for each type with authz.OwnerOf", name)
			} else if seen[base] {
				c.add("Config.Owners", "has for %s two predicates of %v, of which one would never be asked; "+
					"make it one, with .On for each GraphQL type", name, base)
			}
			seen[base] = true
		}
	}
}

// checkOwnedTypes rejects an owner rule on a type whose objects no predicate decides.
func (c *compiler) checkOwnedTypes() {
	for _, name := range sortedNames(c.table.types) {
		t := c.table.types[name]
		if t.root {
			continue
		}
		for _, relation := range c.relationsTo(t) {
			knows := func(o Owner) bool { return o.goType != nil && o.knows(c.config.TypeName, name) }
			owners := c.config.Owners[relation]
			if len(owners) > 0 && !slices.ContainsFunc(owners, knows) {
				c.add(name, "is decided by owner %s, but no predicate of Config.Owners[%q] takes its objects; "+
					"add authz.OwnerOf a function of its Go type, with .On(%q) if that has another name", relation, relation, name)
			}
		}
	}
}

// relationsTo lists the values of enum Owner in the rules that are decided on a type's objects: its own, and those of
// its fields and of what they take.
func (c *compiler) relationsTo(t *objectType) []string {
	found := map[string]bool{}
	add := func(r *requirement) {
		if r == nil {
			return
		}
		for _, i := range r.owners {
			found[c.table.atoms[i].name] = true
		}
	}
	add(t.require)
	for _, f := range t.fields {
		add(f.require)
		for _, a := range f.definition.Arguments {
			add(f.arguments[a.Name])
		}
	}
	return sortedNames(found)
}
