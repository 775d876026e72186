package authz_test

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// random writes operations that a schema allows, as trees that tests can change.
type random struct {
	*rand.Rand
	g         *generator
	declared  []string
	values    map[string]any
	keys      int
	variables int
}

// tree is a selection: a field or fragment head, and what is selected below it on the static type.
type tree struct {
	alias, field string // of a field
	head         string // of an inline fragment
	after        string // directives
	static       string // type of under
	under        []*tree
}

type written struct {
	kind     string
	root     *tree
	declared []string
	values   map[string]any
}

func (r *random) write() written {
	r.declared, r.values, r.keys, r.variables = nil, map[string]any{}, 0, 0
	kind, def := "query", r.g.schema.Query
	switch r.IntN(6) {
	case 0:
		kind, def = "mutation", r.g.schema.Mutation
	case 1:
		kind, def = "subscription", r.g.schema.Subscription
	}
	root := &tree{static: def.Name}
	if kind == "subscription" {
		fields := own(def)
		root.under = []*tree{r.field(def, fields[r.IntN(len(fields))], 3)}
		root.under[0].after = ""
	} else {
		root.under = r.selections(def, 4)
	}
	return written{kind, root, r.declared, r.values}
}

func own(def *ast.Definition) (all []*ast.FieldDefinition) {
	for _, f := range def.Fields {
		if !strings.HasPrefix(f.Name, "__") {
			all = append(all, f)
		}
	}
	return all
}

func (r *random) selections(def *ast.Definition, depth int) []*tree {
	var all []*tree
	for range 1 + r.IntN(4) {
		fields := own(def)
		switch n := r.IntN(10); {
		case n == 0:
			r.keys++
			all = append(all, &tree{alias: fmt.Sprintf("k%d", r.keys), field: "__typename"})
		case n < 3 || len(fields) == 0:
			t := r.overlapping(def)
			head := "... on " + t.Name
			all = append(all, &tree{head: head, after: r.condition(), static: t.Name, under: r.selections(t, depth)})
		default:
			all = append(all, r.field(def, fields[r.IntN(len(fields))], depth))
		}
	}
	if r.IntN(8) == 0 {
		all = append(all, all[r.IntN(len(all))]) // a duplicate, which is merged
	}
	return all
}

// overlapping picks a type that an object of def can have.
func (r *random) overlapping(def *ast.Definition) *ast.Definition {
	possible := r.g.schema.GetPossibleTypes(def)
	t := possible[r.IntN(len(possible))]
	if above := r.g.schema.GetImplements(t); len(above) > 0 && r.IntN(3) == 0 {
		return above[r.IntN(len(above))]
	}
	return t
}

func (r *random) field(def *ast.Definition, f *ast.FieldDefinition, depth int) *tree {
	r.keys++
	t := &tree{alias: fmt.Sprintf("k%d", r.keys), after: r.condition(), static: f.Type.Name()}
	extra := ""
	for _, a := range f.Arguments {
		if !a.Type.NonNull && r.IntN(2) == 0 {
			ways := r.g.supplies(a)
			extra += r.supply(ways[r.IntN(len(ways))])
		}
	}
	calls := r.g.calls(def, f, extra)
	t.field = calls[r.IntN(len(calls))]
	if below := r.g.schema.Types[f.Type.Name()]; below.IsCompositeType() {
		if depth == 0 {
			r.keys++
			t.under = []*tree{{alias: fmt.Sprintf("k%d", r.keys), field: "__typename"}}
		} else {
			t.under = r.selections(below, depth-1)
		}
	}
	return t
}

// supply renames the way's variable, so that each use declares its own.
func (r *random) supply(way supply) string {
	if way.declared == "" {
		return way.text + " "
	}
	r.variables++
	name := fmt.Sprintf("v%d", r.variables)
	r.declared = append(r.declared, strings.Replace(way.declared, "$v", "$"+name, 1))
	if value, given := way.values["v"]; given {
		r.values[name] = value
	}
	return strings.Replace(way.text, "$v", "$"+name, 1) + " "
}

func (r *random) condition() string {
	name := []string{"include", "skip"}[r.IntN(2)]
	switch r.IntN(12) {
	case 0:
		return fmt.Sprintf(" @%s(if: %t)", name, r.IntN(2) == 0)
	case 1:
		r.variables++
		v := fmt.Sprintf("v%d", r.variables)
		if r.IntN(3) == 0 {
			r.declared = append(r.declared, fmt.Sprintf("$%s: Boolean = %t", v, r.IntN(2) == 0))
		} else {
			r.declared = append(r.declared, "$"+v+": Boolean!")
			r.values[v] = r.IntN(2) == 0
		}
		return fmt.Sprintf(" @%s(if: $%s)", name, v)
	default:
		return ""
	}
}

// text writes the operation; style writes each selection set.
func (w written) text(style func(set, static string) string) operation {
	body := w.root.set(style)
	var declared string
	for _, d := range w.declared {
		if name, _, _ := strings.Cut(d, ":"); uses(body, name) {
			declared += d + " "
		}
	}
	if declared != "" {
		declared = "(" + declared + ")"
	}
	return operation{text: w.kind + " Op" + declared + " " + body, name: "Op", variables: w.values}
}

func uses(body, variable string) bool {
	for _, end := range []string{" ", ")", "}", "]", ","} {
		if strings.Contains(body, variable+end) {
			return true
		}
	}
	return false
}

func (t *tree) set(style func(set, static string) string) string {
	var all []string
	for _, s := range t.under {
		head := s.head
		if head == "" {
			head = s.alias + ": " + s.field
		}
		head += s.after
		if s.under != nil {
			head += " " + s.set(style)
		}
		all = append(all, head)
	}
	return "{ " + style(strings.Join(all, " "), t.static) + " }"
}

// without returns the tree without its nth selection (counted over all of it), and how many it counted.
func (t *tree) without(n *int) *tree {
	out := *t
	out.under = nil
	for _, s := range t.under {
		*n--
		if *n == -1 && len(t.under) > 1 {
			continue
		}
		out.under = append(out.under, s.without(n))
	}
	return &out
}

func (t *tree) size() int {
	n := 0
	for _, s := range t.under {
		n += 1 + s.size()
	}
	return n
}

func plainly(set, _ string) string { return set }
