package authz

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// table is a compiled schema: what every place of it requires. It does not change after compile.
type table struct {
	schema  *ast.Schema
	strong  []string // roles that count only with a second factor
	atoms   []atom
	owners  bits // the atoms of kindOwner
	types   map[string]*objectType
	inputs  map[string]*inputType
	byRules map[string]*requirement // equal requirements, by the text of their rules
	full    bool                    // there are more atoms than fit, so that the schema is refused

	scopesOnlyRestrict bool // see Config
}

// objectType is a concrete type of the schema.
type objectType struct {
	name    string
	root    bool
	public  bool         // a field that returns it is reachable from a root without passing any rule
	require *requirement // nil: the type itself asks for nothing, or is a root, whose rule is each field's
	fields  map[string]*fieldRule
}

// fieldRule is what asking for one field requires.
type fieldRule struct {
	coordinate string // Type.field
	require    *requirement
	arguments  map[string]*requirement // guarded arguments only
	returns    []*objectType           // the concrete types behind the field; empty for scalars and enums
	signsIn    bool
	definition *ast.FieldDefinition
}

// inputType is an input object; guarded reports whether a rule is written on one of its fields or on what it contains.
type inputType struct {
	definition *ast.Definition
	fields     map[string]*requirement
	guarded    bool
}

// intern returns the requirement of these rules; nil when there are none.
func (t *table) intern(rules ...Rule) *requirement {
	rules = slices.DeleteFunc(rules, func(r Rule) bool { return r == nil })
	if len(rules) == 0 {
		return nil
	}
	key := fmt.Sprintf("%#v", rules)
	if r, ok := t.byRules[key]; ok {
		return r
	}
	r := &requirement{rules: rules}
	for _, rule := range rules {
		var all alternatives
		for _, c := range rule {
			all = append(all, t.masks(c)...)
		}
		r.needs = append(r.needs, all)
	}
	for i, a := range t.atoms {
		if a.kind == kindOwner && r.mentions(i) {
			r.owners = append(r.owners, i)
		}
	}
	t.byRules[key] = r
	return r
}

// masks spells a clause out in atoms, once for each of its roles. Every clause asks for a signed-in viewer, and one
// without scopes for a viewer whom no scopes restrict.
func (t *table) masks(c Clause) alternatives {
	var base bits
	base.add(t.atom(atom{kind: kindSignedIn}))
	if len(c.Scopes) == 0 {
		base.add(t.atom(atom{kind: kindUnrestricted}))
	}
	for _, s := range c.Scopes {
		base.add(t.atom(atom{kind: kindScope, name: s}))
	}
	if c.MaxAge > 0 {
		base.add(t.atom(atom{kind: kindAge, age: c.MaxAge}))
	}
	if c.MFA {
		base.add(t.atom(atom{kind: kindMFA}))
	}
	if c.Owner != "" {
		base.add(t.atom(atom{kind: kindOwner, name: c.Owner}))
	}
	if len(c.Roles) == 0 {
		return alternatives{base}
	}
	var all alternatives
	for _, role := range c.Roles {
		mask := base
		mask.add(t.atom(atom{kind: kindRole, name: role}))
		if slices.Contains(t.strong, role) {
			mask.add(t.atom(atom{kind: kindMFA}))
		}
		all = append(all, mask)
	}
	return all
}

// atom returns the index of a, adding it when it is new. For one that does not fit it marks the table as full.
func (t *table) atom(a atom) int {
	if i := slices.Index(t.atoms, a); i >= 0 {
		return i
	}
	if len(t.atoms) == maxAtoms {
		t.full = true
		return 0
	}
	t.atoms = append(t.atoms, a)
	i := len(t.atoms) - 1
	if a.kind == kindOwner {
		t.owners.add(i)
	}
	return i
}

// concrete returns the object types that a value of the named type can have.
func (t *table) concrete(name string) []*objectType {
	def := t.schema.Types[name]
	if def == nil || !def.IsCompositeType() || strings.HasPrefix(name, "__") {
		return nil
	}
	var all []*objectType
	for _, p := range t.schema.GetPossibleTypes(def) { // of an object type, itself
		if p.Kind == ast.Object {
			all = append(all, t.types[p.Name])
		}
	}
	return all
}
