package authz

import "slices"

// atom is one yes-or-no fact about a viewer (and, for owner, an object) that rules ask for.
type atom struct {
	kind atomKind
	name string // role, scope or owner
	age  int    // seconds, for kindAge
}

type atomKind int

const (
	kindSignedIn     atomKind = iota
	kindUnrestricted          // of a clause that names no scope
	kindRole
	kindScope
	kindAge
	kindMFA
	kindOwner
)

const maxAtoms = 128

// bits is a set of atoms, by their index in the table.
type bits [maxAtoms / 64]uint64

func (b *bits) add(i int)     { b[i/64] |= 1 << (i % 64) }
func (b bits) has(i int) bool { return b[i/64]&(1<<(i%64)) != 0 }

func (b bits) union(c bits) bits {
	for i := range b {
		b[i] |= c[i]
	}
	return b
}

// contains reports whether b has all of need.
func (b bits) contains(need bits) bool {
	for i := range b {
		if need[i]&^b[i] != 0 {
			return false
		}
	}
	return true
}

// alternatives are the ways to satisfy one rule: all atoms of one mask. A clause that names n roles gives n masks.
type alternatives []bits

func (a alternatives) hold(have bits) bool {
	for _, mask := range a {
		if have.contains(mask) {
			return true
		}
	}
	return false
}

// requirement is what one place of the schema asks for: each of its rules must hold. Equal requirements are one
// pointer, so that an operation asks each only once.
type requirement struct {
	rules  []Rule
	needs  []alternatives // one a rule
	owners []int          // the atoms of kindOwner among them
}

// holds reports whether a viewer with these atoms satisfies the requirement. A nil requirement asks for nothing.
func (r *requirement) holds(have bits) bool {
	if r == nil {
		return true
	}
	for _, a := range r.needs {
		if !a.hold(have) {
			return false
		}
	}
	return true
}

func (r *requirement) mentions(i int) bool {
	for _, a := range r.needs {
		if slices.ContainsFunc(a, func(mask bits) bool { return mask.has(i) }) {
			return true
		}
	}
	return false
}

// verdict is what can be said of a requirement before an object is known.
type verdict int

const (
	granted verdict = iota
	byOwner         // depends on the object
	denied
)

func (r *requirement) verdict(have, owners bits) verdict {
	switch {
	case r.holds(have):
		return granted
	case len(r.owners) > 0 && r.holds(have.union(owners)):
		return byOwner
	default:
		return denied
	}
}
