package authz

import "slices"

// Widened lists the places at which a table grants more than a former one: a place that the former does not have, one
// that lets somebody in who was not before, and one that signs callers in now.
func Widened(former, now []Access) []Access {
	before := map[string]Access{}
	for _, a := range former {
		before[a.Coordinate] = a
	}
	var all []Access
	for _, a := range now {
		old, ok := before[a.Coordinate]
		isNew := func(g Grant) bool { return !slices.ContainsFunc(old.Audience, g.isWithin) }
		if !ok || a.SignsIn && !old.SignsIn || slices.ContainsFunc(a.Audience, isNew) {
			all = append(all, a)
		}
	}
	return all
}

// isWithin reports whether who is let in by g is let in by another grant too.
func (g Grant) isWithin(other Grant) bool {
	return (g.SignedIn || !other.SignedIn) && (g.Unrestricted || !other.Unrestricted) && (g.MFA || !other.MFA) &&
		within(other.Roles, g.Roles) && (g.EveryScope || within(other.Scopes, g.Scopes)) &&
		within(other.Owners, g.Owners) && (other.MaxAge == 0 || g.MaxAge > 0 && g.MaxAge <= other.MaxAge)
}

// implies reports whether every caller who satisfies all rules of one list satisfies all of another.
func (t *table) implies(strict, loose []Rule) bool {
	for _, g := range minimalGrants(strict) {
		g.EveryScope = g.Unrestricted && t.scopesOnlyRestrict
		if slices.ContainsFunc(loose, func(r Rule) bool { return !slices.ContainsFunc(r, g.satisfies) }) {
			return false
		}
	}
	return true
}

// satisfies reports whether who has what the grant names, and no more, satisfies a clause.
func (g Grant) satisfies(c Clause) bool {
	hasRole := func(role string) bool { return slices.Contains(g.Roles, role) }
	return g.SignedIn && (g.Unrestricted || len(c.Scopes) > 0) &&
		(len(c.Roles) == 0 || slices.ContainsFunc(c.Roles, hasRole)) &&
		(g.EveryScope || within(c.Scopes, g.Scopes)) &&
		(c.Owner == "" || slices.Contains(g.Owners, c.Owner)) && (g.MFA || !c.MFA) &&
		(c.MaxAge == 0 || g.MaxAge > 0 && g.MaxAge <= c.MaxAge)
}

// minimalGrants lists the least that satisfies all rules, one for each choice of alternatives and roles.
func minimalGrants(rules []Rule) []Grant {
	all := []Grant{{}}
	for _, r := range rules {
		var longer []Grant
		for _, g := range all {
			for _, c := range r {
				longer = append(longer, g.with(c)...)
			}
		}
		all = longer
	}
	return all
}

// with adds a clause, once for each role that satisfies it.
func (g Grant) with(c Clause) []Grant {
	g.SignedIn, g.Unrestricted, g.MFA = true, g.Unrestricted || len(c.Scopes) == 0, g.MFA || c.MFA
	g.Scopes = append(slices.Clone(g.Scopes), c.Scopes...)
	if c.Owner != "" {
		g.Owners = append(slices.Clone(g.Owners), c.Owner)
	}
	if c.MaxAge > 0 && (g.MaxAge == 0 || c.MaxAge < g.MaxAge) {
		g.MaxAge = c.MaxAge
	}
	if len(c.Roles) == 0 {
		return []Grant{g}
	}
	var all []Grant
	for _, role := range c.Roles {
		one := g
		one.Roles = append(slices.Clone(g.Roles), role)
		all = append(all, one)
	}
	return all
}
