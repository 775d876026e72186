package authz

import "slices"

// Widened lists the places at which a table grants more than a former one: a place that the former does not have, one
// that can now be reached without a rule, and one that somebody may use now and could not before.
func Widened(former, now []Access) []Access {
	before := map[string]Access{}
	for _, a := range former {
		before[a.Coordinate] = a
	}
	var all []Access
	for _, a := range now {
		old, known := before[a.Coordinate]
		if !known || a.Public && !old.Public || !implies(a.Rules, old.Rules) {
			all = append(all, a)
		}
	}
	return all
}

// implies reports whether whoever satisfies all rules of one list satisfies all of another.
func implies(strict, loose []Rule) bool {
	for _, held := range waysToSatisfy(strict) {
		for _, r := range loose {
			if !slices.ContainsFunc(r, held.satisfy) {
				return false
			}
		}
	}
	return true
}

// way is what somebody has who just satisfies some rules: all that it names.
type way struct {
	signedIn              bool
	roles, scopes, owners []string
	maxAge                int // 0: any
}

func (w way) satisfy(c Clause) bool {
	has := func(all []string) func(string) bool {
		return func(one string) bool { return slices.Contains(all, one) }
	}
	return w.signedIn &&
		(len(c.Roles) == 0 || slices.ContainsFunc(c.Roles, has(w.roles))) &&
		!slices.ContainsFunc(c.Scopes, func(s string) bool { return !slices.Contains(w.scopes, s) }) &&
		(c.Owner == "" || slices.Contains(w.owners, c.Owner)) &&
		(c.MaxAge == 0 || w.maxAge > 0 && w.maxAge <= c.MaxAge)
}

// waysToSatisfy lists the least that satisfies all rules, one for each choice of alternatives and roles.
func waysToSatisfy(rules []Rule) []way {
	ways := []way{{}}
	for _, r := range rules {
		var longer []way
		for _, w := range ways {
			for _, c := range r {
				longer = append(longer, w.with(c)...)
			}
		}
		ways = longer
	}
	return ways
}

// with adds a clause, once for each role that would do.
func (w way) with(c Clause) []way {
	w.signedIn = true
	w.scopes = append(slices.Clone(w.scopes), c.Scopes...)
	if c.Owner != "" {
		w.owners = append(slices.Clone(w.owners), c.Owner)
	}
	if c.MaxAge > 0 && (w.maxAge == 0 || c.MaxAge < w.maxAge) {
		w.maxAge = c.MaxAge
	}
	if len(c.Roles) == 0 {
		return []way{w}
	}
	var all []way
	for _, role := range c.Roles {
		one := w
		one.roles = append(slices.Clone(w.roles), role)
		all = append(all, one)
	}
	return all
}
