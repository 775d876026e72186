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
	atoms   []atom
	owners  bits // the atoms of kindOwner
	types   map[string]*objectType
	inputs  map[string]*inputType
	byRules map[string]*requirement // equal requirements, by the text of their rules
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
func (t *table) intern(rules ...Rule) (*requirement, error) {
	rules = slices.DeleteFunc(rules, func(r Rule) bool { return r == nil })
	if len(rules) == 0 {
		return nil, nil
	}
	key := fmt.Sprintf("%#v", rules)
	if r, ok := t.byRules[key]; ok {
		return r, nil
	}
	r := &requirement{rules: rules}
	for _, rule := range rules {
		all, err := t.alternatives(rule)
		if err != nil {
			return nil, err
		}
		r.needs = append(r.needs, all)
	}
	for i, a := range t.atoms {
		if a.kind == kindOwner && r.mentions(i) {
			r.owners = append(r.owners, i)
		}
	}
	t.byRules[key] = r
	return r, nil
}

func (t *table) alternatives(r Rule) (all alternatives, err error) {
	for _, c := range r {
		masks, err := t.masks(c)
		if err != nil {
			return nil, err
		}
		all = append(all, masks...)
	}
	return all, nil
}

// masks spells a clause out in atoms, once for each of its roles. Every clause asks for a signed-in viewer.
func (t *table) masks(c Clause) (alternatives, error) {
	needed := []atom{{kind: kindSignedIn}}
	for _, s := range c.Scopes {
		needed = append(needed, atom{kind: kindScope, name: s})
	}
	if c.MaxAge > 0 {
		needed = append(needed, atom{kind: kindAge, age: c.MaxAge})
	}
	if c.Owner != "" {
		needed = append(needed, atom{kind: kindOwner, name: c.Owner})
	}
	base, err := t.addAtoms(bits{}, needed...)
	if err != nil || len(c.Roles) == 0 {
		return alternatives{base}, err
	}
	var all alternatives
	for _, role := range c.Roles {
		mask, err := t.addAtoms(base, atom{kind: kindRole, name: role})
		if err != nil {
			return nil, err
		}
		all = append(all, mask)
	}
	return all, nil
}

func (t *table) addAtoms(to bits, all ...atom) (bits, error) {
	for _, a := range all {
		i, err := t.atom(a)
		if err != nil {
			return bits{}, err
		}
		to.add(i)
	}
	return to, nil
}

// atom returns the index of a, adding it when it is new.
func (t *table) atom(a atom) (int, error) {
	if i := slices.Index(t.atoms, a); i >= 0 {
		return i, nil
	}
	if len(t.atoms) == maxAtoms {
		return 0, fmt.Errorf("needs more than %d different roles, scopes, owners and ages in one schema; use fewer", maxAtoms)
	}
	t.atoms = append(t.atoms, a)
	i := len(t.atoms) - 1
	if a.kind == kindOwner {
		t.owners.add(i)
	}
	return i, nil
}

// concrete returns the object types that a value of the named type can have.
func (t *table) concrete(name string) []*objectType {
	def := t.schema.Types[name]
	if def == nil || strings.HasPrefix(name, "__") {
		return nil
	}
	switch def.Kind {
	case ast.Object:
		return []*objectType{t.types[name]}
	case ast.Interface, ast.Union:
		var all []*objectType
		for _, p := range t.schema.GetPossibleTypes(def) {
			if p.Kind == ast.Object {
				all = append(all, t.types[p.Name])
			}
		}
		return all
	default:
		return nil
	}
}
