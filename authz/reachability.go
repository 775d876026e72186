package authz

import (
	"slices"
	"strings"
)

// checkReachability marks the types whose objects can be reached without passing a rule, and rejects those that declare
// nothing. It walks from the public root fields through unguarded fields; what lies behind a rule need not repeat it.
func (c *compiler) checkReachability() {
	for _, typeName := range sortedNames(c.table.types) {
		root := c.table.types[typeName]
		if !root.root {
			continue
		}
		for _, name := range sortedNames(root.fields) {
			if f := root.fields[name]; f.require == nil && c.fields[f.coordinate].public {
				c.reach(f, []string{f.coordinate})
			}
		}
	}
}

func (c *compiler) reach(f *fieldRule, path []string) {
	for _, t := range f.returns {
		if t.public {
			continue
		}
		t.public = true
		if c.types[t.name].rule != nil {
			continue
		}
		for _, name := range sortedNames(t.fields) {
			next := t.fields[name]
			own, here := c.fields[next.coordinate], append(slices.Clone(path), next.coordinate)
			if !own.declared() && !c.types[t.name].public {
				c.add(next.coordinate, "is open to everyone through %s and does not say so; "+
					"write @auth(…) or @public on it or on type %s", strings.Join(here, " → "), t.name)
			}
			if own.rule == nil {
				c.reach(next, here)
			}
		}
	}
}
