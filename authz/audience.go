package authz

import "slices"

// audience is who may reach a place: one of its masks must hold, and none of them asks for all that another does. An
// owner atom is about whatever object is reached: who owns what is passed on the way and what is found is "yourself".
type audience []bits

var everyone = audience{{}}

// audienceOf returns who satisfies a requirement.
func (t *table) audienceOf(r *requirement) audience {
	all := everyone
	if r != nil {
		for _, a := range r.needs {
			all = t.and(all, audience(a))
		}
	}
	return all
}

// and returns who is in both audiences.
func (t *table) and(a, b audience) audience {
	var all audience
	for _, x := range a {
		for _, y := range b {
			all = append(all, t.withEveryScope(t.withOlderAges(x.union(y))))
		}
	}
	return all.folded()
}

// withOlderAges adds what a recent authentication implies: that it is no older than any longer time.
func (t *table) withOlderAges(mask bits) bits {
	for i, one := range t.atoms {
		if one.kind != kindAge || !mask.has(i) {
			continue
		}
		for j, other := range t.atoms {
			if other.kind == kindAge && other.age >= one.age {
				mask.add(j)
			}
		}
	}
	return mask
}

// withEveryScope adds what it implies that no scopes restrict a caller, where that implies every scope.
func (t *table) withEveryScope(mask bits) bits {
	for i, one := range t.atoms {
		if one.kind == kindUnrestricted && mask.has(i) && t.scopesOnlyRestrict {
			return mask.union(t.scopes())
		}
	}
	return mask
}

// scopes returns the atoms of kindScope.
func (t *table) scopes() (all bits) {
	for i, one := range t.atoms {
		if one.kind == kindScope {
			all.add(i)
		}
	}
	return all
}

// folded leaves out each mask that asks for all that another does.
func (a audience) folded() audience {
	var least audience
	for i, mask := range a {
		needless := func(j int) bool { return j != i && mask.contains(a[j]) && (mask != a[j] || j < i) }
		if !slices.ContainsFunc(indexes(a), needless) {
			least = append(least, mask)
		}
	}
	return least
}

func indexes(a audience) []int {
	all := make([]int, len(a))
	for i := range all {
		all[i] = i
	}
	return all
}

// includes reports whether all of b are in a.
func (a audience) includes(b audience) bool {
	return !slices.ContainsFunc(b, func(y bits) bool { return !slices.ContainsFunc(a, y.contains) })
}

// reach returns who reaches the objects of each type, over all paths from the roots, before the type's own rule.
func (t *table) reach() map[*objectType]audience {
	all := map[*objectType]audience{}
	for _, of := range t.types {
		if of.root {
			all[of] = everyone
		}
	}
	for changed := true; changed; {
		changed = false
		for _, name := range sortedNames(t.types) {
			from := t.types[name]
			visible := t.and(all[from], t.audienceOf(from.require))
			for _, field := range sortedNames(from.fields) {
				f := from.fields[field]
				who := t.and(visible, t.audienceOf(f.require))
				for _, to := range f.returns {
					if !all[to].includes(who) {
						all[to], changed = append(slices.Clone(all[to]), who...).folded(), true
					}
				}
			}
		}
	}
	return all
}

// addInput adds who may supply an input, and those within it.
func (t *table) addInput(to map[string]audience, name string, who audience) {
	input := t.inputs[name]
	if input == nil || to[name].includes(who) {
		return
	}
	to[name] = append(slices.Clone(to[name]), who...).folded()
	for _, f := range input.definition.Fields {
		t.addInput(to, f.Type.Name(), t.and(who, t.audienceOf(input.fields[f.Name])))
	}
}

// grants returns an audience by the names of its atoms.
func (t *table) grants(a audience) []Grant {
	all := make([]Grant, len(a))
	for i, mask := range a {
		for j, one := range t.atoms {
			if !mask.has(j) {
				continue
			}
			switch one.kind {
			case kindSignedIn:
				all[i].SignedIn = true
			case kindUnrestricted:
				all[i].Unrestricted = true
			case kindRole:
				all[i].Roles = append(all[i].Roles, one.name)
			case kindScope:
				all[i].Scopes = append(all[i].Scopes, one.name)
			case kindOwner:
				all[i].Owners = append(all[i].Owners, one.name)
			case kindMFA:
				all[i].MFA = true
			case kindAge:
				if all[i].MaxAge == 0 || one.age < all[i].MaxAge {
					all[i].MaxAge = one.age
				}
			}
		}
		if slices.Sort(all[i].Scopes); all[i].Unrestricted && t.scopesOnlyRestrict {
			all[i].Scopes, all[i].EveryScope = nil, true
		}
	}
	return all
}
