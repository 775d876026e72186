package authz

import "slices"

// checkReach refuses types that can be reached without passing a rule and say nothing themselves. It walks from the
// public root fields through fields that are open; what lies behind a rule need not repeat it.
func (c *compiler) checkReach() {
	seen := map[string]bool{}
	for _, typeName := range sortedNames(c.table.types) {
		root := c.table.types[typeName]
		if !root.root {
			continue
		}
		for _, name := range sortedNames(root.fields) {
			if f := root.fields[name]; f.require == nil && c.fields[f.coordinate].public {
				c.reach(f, []string{f.coordinate}, seen)
			}
		}
	}
}

func (c *compiler) reach(f *fieldRule, path []string, seen map[string]bool) {
	for _, t := range f.returns {
		if seen[t.name] {
			continue
		}
		seen[t.name] = true
		if c.types[t.name].rule != nil {
			continue
		}
		for _, name := range sortedNames(t.fields) {
			next := t.fields[name]
			own := c.fields[next.coordinate]
			if !own.anything() && !c.types[t.name].public {
				c.add(next.coordinate, "is open to everyone by %s and does not say so; write @auth(…) or @public on it or on type %s", arrows(append(path, next.coordinate)), t.name)
			}
			if own.rule == nil {
				c.reach(next, append(slices.Clone(path), next.coordinate), seen)
			}
		}
	}
}
