package authz_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// generator writes operations for every coordinate of a schema. It knows the schema, and of the resolver only which
// values to try for an argument.
type generator struct {
	schema *ast.Schema
	values func(coordinate string, t *ast.Type) []string // literals for a required argument
}

// route is a way to an object type: text around a selection on it, and the static type at that place.
type route struct {
	kind   string // query, mutation or subscription
	static string // the type that the selection stands on
	before string
	after  string
	depth  int
}

// objects lists the schema's object types that are not introspection.
func (g *generator) objects() (all []*ast.Definition) {
	for _, def := range g.schema.Types {
		if def.Kind == ast.Object && !strings.HasPrefix(def.Name, "__") {
			all = append(all, def)
		}
	}
	slices.SortFunc(all, func(a, b *ast.Definition) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// concrete lists the types that a value can have, interfaces that implement its own among them.
func (g *generator) concrete(t *ast.Type) []*ast.Definition {
	def := g.schema.Types[t.Name()]
	if def == nil || !def.IsCompositeType() {
		return nil
	}
	return g.schema.GetPossibleTypes(def)
}

// calls writes a field with each value of its required arguments; extra stands behind them.
func (g *generator) calls(typ *ast.Definition, f *ast.FieldDefinition, extra string) []string {
	all := []string{""}
	for _, a := range f.Arguments {
		if !a.Type.NonNull {
			continue
		}
		var more []string
		for _, before := range all {
			for _, v := range g.values(typ.Name+"."+f.Name+"("+a.Name+":)", a.Type) {
				more = append(more, before+a.Name+": "+v+" ")
			}
		}
		all = more
	}
	for i, args := range all {
		if args += extra; args != "" {
			all[i] = f.Name + "(" + strings.TrimSpace(args) + ")"
		} else {
			all[i] = f.Name
		}
	}
	return all
}

// routes lists the ways to each object type over at most depth fields.
func (g *generator) routes(depth int) map[string][]route {
	all := map[string][]route{}
	type end struct {
		typ *ast.Definition
		route
	}
	var ends []end
	for kind, root := range map[string]*ast.Definition{
		"query": g.schema.Query, "mutation": g.schema.Mutation, "subscription": g.schema.Subscription,
	} {
		if root != nil {
			ends = append(ends, end{root, route{kind, root.Name, kind + " Op%s {", "}", 0}})
		}
	}
	slices.SortFunc(ends, func(a, b end) int { return strings.Compare(a.kind, b.kind) })
	for ; len(ends) > 0; ends = ends[1:] {
		at := ends[0]
		all[at.typ.Name] = append(all[at.typ.Name], at.route)
		if at.depth == depth {
			continue
		}
		for _, f := range at.typ.Fields {
			if strings.HasPrefix(f.Name, "__") {
				continue
			}
			for _, t := range g.concrete(f.Type) {
				for _, call := range g.calls(at.typ, f, "") {
					before, after := call+" {", "}"
					if at.static != at.typ.Name {
						before, after = "... on "+at.typ.Name+" {"+before, after+"}"
					}
					ends = append(ends, end{t, route{at.kind, f.Type.Name(), at.before + before, after + at.after, at.depth + 1}})
				}
			}
		}
	}
	return all
}

// leaf writes a field with something selected below it.
func (g *generator) leaf(call string, t *ast.Type) string {
	possible := g.concrete(t)
	if len(possible) == 0 {
		return call
	}
	below := []string{"__typename"}
	for _, p := range possible {
		for _, f := range p.Fields {
			if len(g.concrete(f.Type)) == 0 && len(f.Arguments) == 0 && f.Directives.ForName("auth") == nil {
				below = append(below, "... on "+p.Name+" { "+p.Name+"_"+f.Name+": "+f.Name+" }")
				break
			}
		}
	}
	return call + " { " + strings.Join(below, " ") + " }"
}

// shape is a way to write a selection of a type: the selection's new text, and what stands outside of the operation.
type shape struct {
	name      string
	variables string // declared
	values    map[string]any
	rewrite   func(selection, typ string) string
	outside   func(selection, typ string) string
	several   bool // with other operations
}

func noneOutside(string, string) string { return "" }

func fragment(name string) func(string, string) string {
	return func(s, typ string) string { return fmt.Sprintf(" fragment %s on %s { %s }", name, typ, s) }
}

func shapes() []shape {
	plain := func(s, _ string) string { return s }
	spread := func(text string) func(string, string) string { return func(string, string) string { return text } }
	inline := func(head string) func(string, string) string {
		return func(s, typ string) string { return strings.ReplaceAll(head, "T", typ) + " { " + s + " }" }
	}
	const yes, no = "$yes: Boolean!", "$no: Boolean!"
	yesValue, noValue := map[string]any{"yes": true}, map[string]any{"no": false}
	return []shape{
		{"plain", "", nil, plain, noneOutside, false},
		{"alias", "", nil, func(s, _ string) string { return "__zz: " + s }, noneOutside, false},
		{"twice", "", nil, func(s, _ string) string { return s + " " + s }, noneOutside, false},
		{"inline fragment", "", nil, inline("... on T"), noneOutside, false},
		{"bare inline fragment", "", nil, inline("..."), noneOutside, false},
		{"named fragment", "", nil, spread("...F"), fragment("F"), false},
		{"nested fragments", "", nil, spread("...G ...F"), func(s, typ string) string {
			return fragment("F")(s, typ) + fragment("G")("...F ... { ...F }", typ)
		}, false},
		{"@include(if: $yes)", yes + ", " + no, map[string]any{"yes": true, "no": false},
			inline("... @include(if: $yes) @skip(if: $no)"), noneOutside, false},
		{"@include(if: $no)", no, noValue, inline("... @include(if: $no)"), noneOutside, false},
		{"@skip(if: $yes)", yes, yesValue, inline("... on T @skip(if: $yes)"), noneOutside, false},
		{"@skip(if: true)", "", nil, inline("... @skip(if: true)"), noneOutside, false},
		{"@skip(if: $no) twice", no, noValue, spread("...F @include(if: $no) ...F @skip(if: $no)"), fragment("F"), false},
		{"@include by a default", "$on: Boolean! = true, $off: Boolean! = false", nil,
			spread("...F @include(if: $on) ...F @include(if: $off)"), fragment("F"), false},
		{"with __typename", "", nil, func(s, _ string) string { return "__typename " + s }, noneOutside, false},
		{"one of several operations", "", nil, plain, noneOutside, true},
	}
}

// write puts a selection on a type, in a shape, at the end of a route.
func write(r route, typ, selection string, s shape, more variables) operation {
	inner := s.rewrite(selection, typ)
	if r.static != typ {
		inner = "... on " + typ + " { " + inner + " }"
	}
	declared := strings.Trim(s.variables+", "+more.declared, ", ")
	if declared != "" {
		declared = "(" + declared + ")"
	}
	text := fmt.Sprintf(r.before, declared) + inner + r.after + s.outside(selection, typ)
	o := operation{text: text, name: "Op", variables: map[string]any{}}
	maps.Copy(o.variables, s.values)
	maps.Copy(o.variables, more.values)
	if r.kind == "subscription" && strings.HasPrefix(inner, "__typename ") {
		o.text = fmt.Sprintf(r.before, declared) + strings.TrimPrefix(inner, "__typename ") + r.after
	}
	if s.several {
		o.text = "query Before { open } " + o.text + " mutation After { greet }"
	}
	return o
}

// variables are those that a supply declares, with their values.
type variables struct {
	declared string
	values   map[string]any
}

// supply is a way to supply an argument: its text behind the field's other arguments.
type supply struct {
	name string
	text string
	variables
}

// supplies lists the ways to supply an optional argument with a value, by literal and by variable.
func (g *generator) supplies(a *ast.ArgumentDefinition) (all []supply) {
	add := func(name, text, typ string, values map[string]any) {
		declared := ""
		if typ != "" {
			declared = "$v: " + typ
		}
		all = append(all, supply{name, a.Name + ": " + text, variables{declared, values}})
	}
	typ := a.Type.String()
	nullable := strings.TrimSuffix(typ, "!")
	if !a.Type.NonNull {
		add("null", "null", "", nil)
		add("variable null", "$v", typ, map[string]any{"v": nil})
		add("variable absent", "$v", typ, map[string]any{})
	}
	def := g.schema.Types[a.Type.Name()]
	if def.Kind != ast.InputObject {
		literal := map[string]string{"Boolean": "true", "Int": "1", "String": `"x"`, "ID": `"p1"`}[def.Name]
		add("literal", literal, "", nil)
		if !a.Type.NonNull {
			add("variable by default", "$v", typ+" = "+literal, nil)
		}
		var value any = map[string]any{"Boolean": true, "Int": 1, "String": "x", "ID": "p1"}[def.Name]
		add("variable", "$v", typ, map[string]any{"v": value})
		return all
	}
	for _, path := range g.inputPaths(def, 3) {
		wrap := func(s string) string { return lists(a.Type, s) }
		add("literal "+path.name, wrap(path.literal(path.leaf)), "", nil)
		add("literal null "+path.name, wrap(path.literal("null")), "", nil)
		add("nested variable "+path.name, wrap(path.literal("$v")), path.typ, map[string]any{"v": path.value})
		add("nested variable absent "+path.name, wrap(path.literal("$v")), path.typ, nil)
		add("nested variable null "+path.name, wrap(path.literal("$v")), path.typ, map[string]any{"v": nil})
		add("variable "+path.name, "$v", typ, map[string]any{"v": listsOf(a.Type, path.object())})
		add("variable by default "+path.name, "$v", nullable+" = "+wrap(path.literal(path.leaf)), nil)
		if a.Type.Elem == nil {
			add("item in list "+path.name, wrap(path.literal(path.leaf)), "", nil)
		} else {
			add("one item for a list "+path.name, path.literal(path.leaf), "", nil)
			add("variable in list "+path.name, lists(a.Type, "$v"), a.Type.Name()+"!", map[string]any{"v": path.object()})
		}
	}
	return all
}

// inputPath leads to a field of an input type; its literal and object hold only what is on the way.
type inputPath struct {
	name    string
	typ     string // of the field
	leaf    string
	value   any
	literal func(leaf string) string
	object  func() any
}

func (g *generator) inputPaths(def *ast.Definition, depth int) (all []inputPath) {
	for _, f := range def.Fields {
		inner := g.schema.Types[f.Type.Name()]
		if inner.Kind != ast.InputObject {
			leaf, value := `"x"`, any("x")
			if inner.Name == "Boolean" {
				leaf, value = "true", true
			}
			all = append(all, inputPath{f.Name, f.Type.String(), leaf, value,
				func(s string) string { return "{" + f.Name + ": " + s + "}" },
				func() any { return map[string]any{f.Name: value} }})
			continue
		}
		if depth == 1 {
			continue
		}
		for _, p := range g.inputPaths(inner, depth-1) {
			under := p
			under.name = f.Name + "." + p.name
			under.literal = func(s string) string { return "{" + f.Name + ": " + lists(f.Type, p.literal(s)) + "}" }
			under.object = func() any { return map[string]any{f.Name: listsOf(f.Type, p.object())} }
			all = append(all, under)
		}
	}
	return all
}

func lists(t *ast.Type, s string) string {
	if t.Elem == nil {
		return s
	}
	return "[" + lists(t.Elem, s) + "]"
}

func listsOf(t *ast.Type, v any) any {
	if t.Elem == nil {
		return v
	}
	return []any{listsOf(t.Elem, v)}
}
