package authz

import "strings"

// Access is one line of the access table: a coordinate and who may use it, in words.
type Access struct {
	Coordinate string `json:"coordinate"` // Type.field, Type.field(argument:) or Input.field
	Needs      string `json:"needs"`      // "everyone", or what the effective rule asks for
}

// Access lists every field of the schema, and every guarded argument and input field, with its effective rule: that
// of the type and its own. The root types come first, then the others by name.
func (g *Guard) Access() []Access {
	var all []Access
	add := func(coordinate string, need *requirement) {
		words := "everyone"
		if need != nil {
			words = need.String()
		}
		all = append(all, Access{Coordinate: coordinate, Needs: words})
	}
	for _, t := range g.objectTypes() {
		for _, def := range g.table.schema.Types[t.name].Fields {
			f := t.fields[def.Name]
			if f == nil {
				continue
			}
			add(f.coordinate, both(t.require, f.require))
			for _, name := range sortedNames(f.arguments) {
				add(f.coordinate+"("+name+":)", f.arguments[name])
			}
		}
	}
	for _, name := range sortedNames(g.table.inputs) {
		t := g.table.inputs[name]
		for _, field := range sortedNames(t.fields) {
			add(name+"."+field, t.fields[field])
		}
	}
	return all
}

// objectTypes returns the object types that are not introspection: the roots, then the others by name.
func (g *Guard) objectTypes() []*objectType {
	var roots, others []*objectType
	s := g.table.schema
	for _, def := range []string{rootName(s.Query), rootName(s.Mutation), rootName(s.Subscription)} {
		if def != "" {
			roots = append(roots, g.table.types[def])
		}
	}
	for _, name := range sortedNames(g.table.types) {
		if t := g.table.types[name]; !t.root && !strings.HasPrefix(name, "__") {
			others = append(others, t)
		}
	}
	return append(roots, others...)
}

// both joins two requirements for display.
func both(a, b *requirement) *requirement {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	default:
		return &requirement{rules: append(append([]rule{}, a.rules...), b.rules...)}
	}
}
