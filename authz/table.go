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
	byRules map[string]*requirement // equal requirements, by their text
}

// objectType is a concrete type of the schema.
type objectType struct {
	name    string
	root    bool
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

// inputType is an input object; guarded reports whether a rule is written on it or on what it contains.
type inputType struct {
	definition *ast.Definition
	fields     map[string]*requirement
	guarded    bool
}

// intern returns the requirement of these rules; nil when there are none.
func (t *table) intern(rules ...rule) (*requirement, error) {
	rules = slices.DeleteFunc(rules, func(r rule) bool { return r == nil })
	if len(rules) == 0 {
		return nil, nil
	}
	key := fmt.Sprintf("%#v", rules)
	if r, ok := t.byRules[key]; ok {
		return r, nil
	}
	r := &requirement{rules: rules}
	for _, one := range rules {
		var alternatives []alternative
		for _, c := range one {
			more, err := t.alternatives(c)
			if err != nil {
				return nil, err
			}
			alternatives = append(alternatives, more...)
		}
		r.needs = append(r.needs, alternatives)
	}
	for i := range t.atoms {
		if t.atoms[i].kind == kindOwner && r.mentions(i) {
			r.owners = append(r.owners, i)
		}
	}
	t.byRules[key] = r
	return r, nil
}

func (r *requirement) mentions(i int) bool {
	for _, alternatives := range r.needs {
		for _, a := range alternatives {
			if a.mask.has(i) {
				return true
			}
		}
	}
	return false
}

// alternatives spells a clause out in atoms. Every clause asks for a signed-in viewer.
func (t *table) alternatives(c clause) ([]alternative, error) {
	wanted := []atom{{kind: kindSignedIn}}
	for _, s := range c.scopes {
		wanted = append(wanted, atom{kind: kindScope, name: s})
	}
	if c.maxAge > 0 {
		wanted = append(wanted, atom{kind: kindAge, age: c.maxAge})
	}
	if c.owner != "" {
		wanted = append(wanted, atom{kind: kindOwner, name: c.owner})
	}
	var base bits
	for _, a := range wanted {
		i, err := t.atom(a)
		if err != nil {
			return nil, err
		}
		base.add(i)
	}
	if len(c.roles) == 0 {
		return []alternative{{mask: base}}, nil
	}
	var all []alternative
	for _, role := range c.roles {
		i, err := t.atom(atom{kind: kindRole, name: role})
		if err != nil {
			return nil, err
		}
		mask := base
		mask.add(i)
		all = append(all, alternative{mask: mask})
	}
	return all, nil
}

// atom returns the index of a, adding it when it is new.
func (t *table) atom(a atom) (int, error) {
	if i := slices.Index(t.atoms, a); i >= 0 {
		return i, nil
	}
	if len(t.atoms) == maxAtoms {
		return 0, fmt.Errorf("the schema's rules ask for more than %d different roles, scopes, owners and ages: use fewer", maxAtoms)
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
