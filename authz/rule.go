package authz

import "slices"

// clause is one alternative of a rule, as the schema states it: all that it names must hold.
type clause struct {
	roles  []string // one of them; none: any role will do
	scopes []string // all of them
	owner  string   // the relation to the object; "": none
	maxAge int      // seconds since the last proof of identity; 0: any
}

// rule is the alternatives of one @auth directive, of which one must hold.
type rule []clause

// atom is one yes-or-no fact about a viewer (and, for owner, an object) that rules ask for.
type atom struct {
	kind atomKind
	name string // role, scope or owner
	age  int    // seconds, for kindAge
}

type atomKind int

const (
	kindSignedIn atomKind = iota
	kindRole
	kindScope
	kindAge
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

// holds reports whether b has all of need.
func (b bits) holds(need bits) bool {
	for i := range b {
		if need[i]&^b[i] != 0 {
			return false
		}
	}
	return true
}

// alternative is a way to satisfy a rule: all atoms of the mask. A clause that names n roles gives n alternatives.
type alternative struct{ mask bits }

// requirement is what one place of the schema asks for: each of its rules must hold. Equal requirements are one
// pointer, so that an operation asks each only once.
type requirement struct {
	rules  []rule
	needs  [][]alternative // one list a rule
	owners []int           // atoms of kindOwner that occur
}

// holds reports whether a viewer with these atoms satisfies the requirement. A nil requirement asks for nothing.
func (r *requirement) holds(have bits) bool {
	if r == nil {
		return true
	}
	for _, alternatives := range r.needs {
		if !slices.ContainsFunc(alternatives, func(a alternative) bool { return have.holds(a.mask) }) {
			return false
		}
	}
	return true
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
