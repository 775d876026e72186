package authz

import (
	"slices"
	"strings"
)

// Access is one line of the access table: a place of the schema and who may use it.
type Access struct {
	Coordinate string `json:"coordinate"` // Type.field, Type.field(argument:) or Input.field
	Who        string `json:"who"`        // in plain words
	Public     bool   `json:"public"`     // reachable without passing any rule
	Rules      []Rule `json:"rules"`      // all must hold: the type's and the place's own
}

// Rule is the alternatives of one @auth, of which one must hold.
type Rule []Clause

// Clause is one alternative: all that it names must hold, for a signed-in caller.
type Clause struct {
	Roles  []string `json:"roles,omitempty"`  // one of them
	Scopes []string `json:"scopes,omitempty"` // all of them
	Owner  string   `json:"owner,omitempty"`
	MaxAge int      `json:"maxAge,omitempty"` // seconds
}

// Principal is somebody for whom the table can be read. The zero Principal is nobody.
type Principal struct {
	SignedIn        bool
	Roles           []string
	Scopes          []string
	Owners          []string // relations in which they stand to the object
	Reauthenticated bool     // just signed in again
}

// Grants reports whether the persona may use the place, once they have come to it.
func (a Access) Grants(p Principal) bool {
	for _, r := range a.Rules {
		if !slices.ContainsFunc(r, p.satisfies) {
			return false
		}
	}
	return a.Public || p.SignedIn
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

// Access lists every field, argument and input field of the schema with its effective rules. The root types come first,
// then the others by name, then the inputs.
func (g *Guard) Access() []Access {
	var all []Access
	open := g.openTypes()
	openInputs := map[string]bool{}
	for _, t := range g.objectTypes() {
		for _, def := range g.table.schema.Types[t.name].Fields {
			f := t.fields[def.Name]
			if f == nil {
				continue
			}
			otherwise := "whoever is shown the object"
			if t.root || open[t] {
				otherwise = everyone
			}
			all = append(all, g.access(f.coordinate, otherwise, t.require, f.require))
			isOpen := otherwise == everyone && t.require == nil && f.require == nil
			for _, a := range def.Arguments {
				line := g.access(f.coordinate+"("+a.Name+":)", "whoever may use the field", f.arguments[a.Name])
				line.Public = isOpen
				all = append(all, line)
				if isOpen {
					g.openInput(openInputs, a.Type.Name())
				}
			}
		}
	}
	for _, name := range sortedNames(g.table.inputs) {
		if name == "AuthRule" {
			continue // of the directive, and of no operation
		}
		t := g.table.inputs[name]
		for _, f := range t.definition.Fields {
			line := g.access(name+"."+f.Name, "whoever may use what takes it", t.fields[f.Name])
			line.Public = openInputs[name]
			all = append(all, line)
		}
	}
	return all
}

const everyone = "everyone"

// access makes one line: the words for a place without rules of its own are given.
func (g *Guard) access(coordinate, otherwise string, needs ...*requirement) Access {
	a := Access{Coordinate: coordinate, Public: otherwise == everyone, Rules: []Rule{}}
	for _, need := range needs {
		if need == nil {
			continue
		}
		for _, r := range need.rules {
			a.Rules = append(a.Rules, exported(r))
		}
	}
	a.Who = otherwise
	if len(a.Rules) > 0 {
		a.Who = g.say(a.Rules)
	}
	return a
}

func exported(r rule) Rule {
	out := make(Rule, len(r))
	for i, c := range r {
		out[i] = Clause{Roles: c.roles, Scopes: c.scopes, Owner: c.owner, MaxAge: c.maxAge}
	}
	return out
}

// openInput notes an input type, and those within it, that a field takes which is open.
func (g *Guard) openInput(open map[string]bool, name string) {
	t := g.table.inputs[name]
	if t == nil || open[name] {
		return
	}
	open[name] = true
	for _, f := range t.definition.Fields {
		g.openInput(open, f.Type.Name())
	}
}

// openTypes returns the types whose objects can be reached without passing a rule.
func (g *Guard) openTypes() map[*objectType]bool {
	open := map[*objectType]bool{}
	var reach func(*objectType)
	reach = func(t *objectType) {
		for _, f := range t.fields {
			if f.require != nil || t.require != nil {
				continue
			}
			for _, next := range f.returns {
				if !open[next] {
					open[next] = true
					reach(next)
				}
			}
		}
	}
	for _, t := range g.table.types {
		if t.root {
			reach(t)
		}
	}
	return open
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
