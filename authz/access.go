package authz

import "slices"

// Access is one line of the access table: a place of the schema and who may use it.
type Access struct {
	Coordinate string `json:"coordinate"` // Type.field, Type.field(argument:) or Input.field
	Who        string `json:"who"`        // in plain words
	Public     bool   `json:"public"`     // reachable without passing any rule
	Rules      []Rule `json:"rules"`      // all must hold: the type's and the place's own
}

// Rule is the alternatives of one @auth directive, of which one must hold.
type Rule []Clause

// Clause is one alternative: all that it names must hold, for a signed-in caller.
type Clause struct {
	Roles  []string `json:"roles,omitempty"`  // one of them; none: any role
	Scopes []string `json:"scopes,omitempty"` // all of them
	Owner  string   `json:"owner,omitempty"`  // the relation to the object; "": none
	MaxAge int      `json:"maxAge,omitempty"` // seconds since the caller authenticated; 0: any
}

// Principal is a kind of caller for whom the access table is read. The zero Principal is anonymous.
type Principal struct {
	SignedIn        bool
	Roles           []string
	Scopes          []string
	Owners          []string // relations in which they stand to the object
	Reauthenticated bool     // they authenticated just now
}

// Grants reports whether the principal may use the place, once they have reached it.
func (a Access) Grants(p Principal) bool {
	fails := func(r Rule) bool { return !slices.ContainsFunc(r, p.satisfies) }
	return !slices.ContainsFunc(a.Rules, fails) && (a.Public || p.SignedIn)
}

func (p Principal) satisfies(c Clause) bool {
	hasRole := func(role string) bool { return slices.Contains(p.Roles, role) }
	lacksScope := func(scope string) bool { return !slices.Contains(p.Scopes, scope) }
	return p.SignedIn &&
		(len(c.Roles) == 0 || slices.ContainsFunc(c.Roles, hasRole)) &&
		!slices.ContainsFunc(c.Scopes, lacksScope) &&
		(c.Owner == "" || slices.Contains(p.Owners, c.Owner)) &&
		(c.MaxAge == 0 || p.Reauthenticated)
}

const everyone = "everyone"

// Access lists every field, argument and input field of the schema with its effective rules. The root types come first,
// then the others by name, then the inputs.
func (g *Guard) Access() []Access {
	var all []Access
	publicInputs := map[string]bool{}
	for _, t := range g.objectTypes() {
		for _, def := range g.table.schema.Types[t.name].Fields {
			if f := t.fields[def.Name]; f != nil {
				all = append(all, g.fieldAccess(t, f, publicInputs)...)
			}
		}
	}
	for _, name := range sortedNames(g.table.inputs) {
		if name == "AuthRule" {
			continue // of the directive, and of no operation
		}
		t := g.table.inputs[name]
		for _, f := range t.definition.Fields {
			line := g.access(name+"."+f.Name, "everyone who may use the input", t.fields[f.Name])
			line.Public = publicInputs[name]
			all = append(all, line)
		}
	}
	return all
}

// fieldAccess makes the lines of a field and its arguments. It adds the input types that a public field takes.
func (g *Guard) fieldAccess(t *objectType, f *fieldRule, publicInputs map[string]bool) []Access {
	unguarded := "everyone who can see the object"
	if t.root || t.public {
		unguarded = everyone
	}
	all := []Access{g.access(f.coordinate, unguarded, t.require, f.require)}
	public := unguarded == everyone && t.require == nil && f.require == nil
	for _, def := range f.definition.Arguments {
		line := g.access(f.coordinate+"("+def.Name+":)", "everyone who may use the field", f.arguments[def.Name])
		line.Public = public
		all = append(all, line)
		if public {
			g.addInput(publicInputs, def.Type.Name())
		}
	}
	return all
}

// access makes one line; unguarded describes who may use a place without rules of its own.
func (g *Guard) access(coordinate, unguarded string, needs ...*requirement) Access {
	a := Access{Coordinate: coordinate, Public: unguarded == everyone, Rules: []Rule{}}
	for _, need := range needs {
		if need != nil {
			a.Rules = append(a.Rules, need.rules...)
		}
	}
	a.Who = unguarded
	if len(a.Rules) > 0 {
		a.Who = g.describe(a.Rules)
	}
	return a
}

// addInput adds an input type and those within it.
func (g *Guard) addInput(to map[string]bool, name string) {
	t := g.table.inputs[name]
	if t == nil || to[name] {
		return
	}
	to[name] = true
	for _, f := range t.definition.Fields {
		g.addInput(to, f.Type.Name())
	}
}

// objectTypes returns the object types: the roots, then the others by name.
func (g *Guard) objectTypes() []*objectType {
	var all []*objectType
	s := g.table.schema
	for _, name := range []string{rootName(s.Query), rootName(s.Mutation), rootName(s.Subscription)} {
		if name != "" {
			all = append(all, g.table.types[name])
		}
	}
	for _, name := range sortedNames(g.table.types) {
		if t := g.table.types[name]; !t.root {
			all = append(all, t)
		}
	}
	return all
}
