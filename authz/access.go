package authz

import (
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// Access is one line of the access table: a place of the schema and who may use it, along every path that leads there.
type Access struct {
	Coordinate string  `json:"coordinate"`          // Type, Type.field, Type.field(argument:) or Input.field
	Who        string  `json:"who"`                 // in plain words
	States     string  `json:"states,omitempty"`    // the directives that are written there
	SignsIn    bool    `json:"signsIn,omitempty"`   // success signs the caller in
	Inherited  bool    `json:"inherited,omitempty"` // an argument or input field that states no rule of its own
	Audience   []Grant `json:"audience"`            // one of them must hold; none: nobody
}

// accessLine is a line of the access table with what it is made of.
type accessLine struct {
	Access
	audience audience
}

// Grant is one way to be let in: all that it names must hold. The zero Grant lets everyone in.
type Grant struct {
	SignedIn     bool     `json:"signedIn,omitempty"`
	Unrestricted bool     `json:"unrestricted,omitempty"` // a rule names no scope: scopes must not restrict the caller
	Roles        []string `json:"roles,omitempty"`        // all of them
	Scopes       []string `json:"scopes,omitempty"`       // all of them
	EveryScope   bool     `json:"everyScope,omitempty"`   // Unrestricted, and that is every scope: ScopesOnlyRestrict
	Owners       []string `json:"owners,omitempty"`       // the relations to the object, all of them
	MaxAge       int      `json:"maxAge,omitempty"`       // seconds since the caller authenticated; 0: any
	MFA          bool     `json:"mfa,omitempty"`          // the caller proved a second factor
}

// Rule is the alternatives of one @auth directive, of which one must hold.
type Rule []Clause

// Clause is one alternative: all that it names must hold, for a signed-in caller.
type Clause struct {
	Roles  []string // one of them; none: any role
	Scopes []string // all of them
	Owner  string   // the relation to the object; "": none
	MaxAge int      // seconds since the caller authenticated; 0: any
	MFA    bool     // the caller proved a second factor
}

// Principal is a kind of caller for whom the access table is read. The zero Principal is anonymous.
type Principal struct {
	SignedIn        bool
	Restricted      bool // to their scopes
	Roles           []string
	Scopes          []string
	EveryScope      bool     // as those have whom no scopes restrict, with Config.ScopesOnlyRestrict
	Owners          []string // relations in which they stand to the object
	Reauthenticated bool     // they authenticated just now
	MFA             bool     // they proved a second factor
}

// Grants reports whether the principal may use the place.
func (a Access) Grants(p Principal) bool { return slices.ContainsFunc(a.Audience, p.has) }

func (p Principal) has(g Grant) bool {
	return (p.SignedIn || !g.SignedIn) && !(p.Restricted && g.Unrestricted) &&
		within(g.Roles, p.Roles) && (p.EveryScope || within(g.Scopes, p.Scopes)) &&
		within(g.Owners, p.Owners) && (p.Reauthenticated || g.MaxAge == 0) && (p.MFA || !g.MFA)
}

// within reports whether every name of a is in b.
func within(a, b []string) bool {
	return !slices.ContainsFunc(a, func(name string) bool { return !slices.Contains(b, name) })
}

// Access lists every type that states a rule, and every field, argument and input field. The root types come first,
// then the others by name, then the inputs.
func (g *Guard) Access() []Access {
	lines := g.accessLines()
	all := make([]Access, len(lines))
	for i, line := range lines {
		all[i] = line.Access
	}
	return all
}

func (g *Guard) accessLines() []accessLine {
	var all []accessLine
	reach := g.table.reach()
	inputs := map[string]audience{}
	for _, t := range g.objectTypes() {
		all = append(all, g.typeAccess(t, reach[t], inputs)...)
	}
	for _, name := range sortedNames(g.table.inputs) {
		if name == "AuthRule" {
			continue // of the directive, and of no operation
		}
		t := g.table.inputs[name]
		for _, f := range t.definition.Fields {
			who := g.table.and(inputs[name], g.table.audienceOf(t.fields[f.Name]))
			all = append(all, g.inputAccess(name+"."+f.Name, f.Directives, who))
		}
	}
	return all
}

// typeAccess makes the lines of a type, its fields and their arguments. It adds the audiences of the inputs.
func (g *Guard) typeAccess(t *objectType, reached audience, inputs map[string]audience) (all []accessLine) {
	def := g.table.schema.Types[t.name]
	visible := g.table.and(reached, g.table.audienceOf(t.require))
	if states(def.Directives) != "" {
		all = append(all, g.access(t.name, def.Directives, visible))
	}
	for _, field := range def.Fields {
		f := t.fields[field.Name]
		if f == nil {
			continue
		}
		who := g.table.and(visible, g.table.audienceOf(f.require))
		all = append(all, g.access(f.coordinate, field.Directives, who))
		for _, a := range field.Arguments {
			may := g.table.and(who, g.table.audienceOf(f.arguments[a.Name]))
			all = append(all, g.inputAccess(f.coordinate+"("+a.Name+":)", a.Directives, may))
			g.table.addInput(inputs, a.Type.Name(), may)
		}
	}
	return all
}

func (g *Guard) access(coordinate string, list ast.DirectiveList, who audience) accessLine {
	a := Access{
		Coordinate: coordinate,
		Who:        g.describe(who),
		States:     states(list),
		SignsIn:    list.ForName(directiveSignsIn) != nil,
		Audience:   g.table.grants(who),
	}
	if a.SignsIn {
		a.Who += ", whom success signs in"
	}
	return accessLine{a, who}
}

// inputAccess makes the line of an argument or input field.
func (g *Guard) inputAccess(coordinate string, list ast.DirectiveList, who audience) accessLine {
	a := g.access(coordinate, list, who)
	a.Inherited = a.States == ""
	if list.ForName(directivePublic) != nil {
		a.Who += ", for any object"
	}
	return a
}

// states returns the rules of a place as they are written.
func states(list ast.DirectiveList) string {
	var all []string
	for _, d := range list {
		if d.Name != directiveAuth && d.Name != directivePublic && d.Name != directiveSignsIn {
			continue
		}
		var arguments []string
		for _, a := range d.Arguments {
			arguments = append(arguments, a.Name+": "+written(a.Value))
		}
		text := "@" + d.Name
		if len(arguments) > 0 {
			text += "(" + strings.Join(arguments, ", ") + ")"
		}
		all = append(all, text)
	}
	return strings.Join(all, " ")
}

// written returns a value of the schema as one writes it.
func written(v *ast.Value) string {
	var items []string
	switch v.Kind {
	case ast.ListValue:
		for _, item := range v.Children {
			items = append(items, written(item.Value))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case ast.ObjectValue:
		for _, f := range v.Children {
			items = append(items, f.Name+": "+written(f.Value))
		}
		return "{ " + strings.Join(items, ", ") + " }"
	}
	return v.String()
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
