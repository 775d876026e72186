package authz

import "slices"

// Widened lists the places at which a table grants more than a former one: a place that the former does not have, one
// that became public, and one that some caller may use now and could not before.
func Widened(former, now []Access) []Access {
	before := map[string]Access{}
	for _, a := range former {
		before[a.Coordinate] = a
	}
	var all []Access
	for _, a := range now {
		old, ok := before[a.Coordinate]
		if !ok || a.Public && !old.Public || !implies(a.Rules, old.Rules) {
			all = append(all, a)
		}
	}
	return all
}

// implies reports whether every caller who satisfies all rules of one list satisfies all of another.
func implies(strict, loose []Rule) bool {
	for _, g := range minimalGrants(strict) {
		if slices.ContainsFunc(loose, func(r Rule) bool { return !slices.ContainsFunc(r, g.satisfies) }) {
			return false
		}
	}
	return true
}

// grant is what a caller has who satisfies some rules and no more.
type grant struct {
	Principal
	maxAge int // seconds since the caller authenticated, at most; 0: any
}

func (g grant) satisfies(c Clause) bool {
	ageHolds := c.MaxAge == 0 || g.maxAge > 0 && g.maxAge <= c.MaxAge
	c.MaxAge = 0
	return ageHolds && g.Principal.satisfies(c)
}

// minimalGrants lists the least that satisfies all rules, one for each choice of alternatives and roles.
func minimalGrants(rules []Rule) []grant {
	all := []grant{{}}
	for _, r := range rules {
		var longer []grant
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
func (g grant) with(c Clause) []grant {
	g.SignedIn = true
	g.Scopes = append(slices.Clone(g.Scopes), c.Scopes...)
	if c.Owner != "" {
		g.Owners = append(slices.Clone(g.Owners), c.Owner)
	}
	if c.MaxAge > 0 && (g.maxAge == 0 || c.MaxAge < g.maxAge) {
		g.maxAge = c.MaxAge
	}
	if len(c.Roles) == 0 {
		return []grant{g}
	}
	var all []grant
	for _, role := range c.Roles {
		one := g
		one.Roles = append(slices.Clone(g.Roles), role)
		all = append(all, one)
	}
	return all
}
