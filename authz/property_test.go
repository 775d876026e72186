package authz_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/authz/testdata/allfeatures"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// rounds is how many random operations a property is tried on.
func rounds() int { return scaled(3_000, 60, 60) }

// scaled chooses a number for TEST_LONG=matrix, for an ordinary run, or for a short one.
func scaled(long, ordinary, short int) int {
	switch {
	case testenv.Long("matrix"):
		return long
	case testing.Short():
		return short
	}
	return ordinary
}

func newRandom(t testing.TB, seed uint64) *random {
	t.Helper()
	return &random{Rand: rand.New(rand.NewPCG(seed, 0)), g: schemaGenerator(load(t, allfeatures.SDL))}
}

// TestRandomOperations_GuardAgreesWithTheEvaluator compares the guard with the evaluator on random operations.
func TestRandomOperations_GuardAgreesWithTheEvaluator(t *testing.T) {
	t.Parallel()
	r := newRandom(t, 1)
	m := newMatrix(t, r.g.schema)
	for i := range rounds() {
		if message := m.differs(cell{"random", fmt.Sprint(i), r.write().text(plainly)}); message != "" {
			t.Fatal(message)
		}
	}
	t.Logf("%d answers compared: %d rejected, %d with data and denials", m.compared, m.rejected, m.partial)
}

// TestAddedSelection_GrantsNothing: what an operation does not show, it does not show with more selections either.
func TestAddedSelection_GrantsNothing(t *testing.T) {
	t.Parallel()
	r, s, all := newRandom(t, 2), mustServe(t, false), personas()
	for range rounds() {
		more := r.write()
		less := more
		n := r.IntN(more.root.size())
		less.root = more.root.without(&n)
		p := all[r.IntN(len(all))]
		few, many := less.text(plainly), more.text(plainly)
		a, b := ask(t, s, p.Viewer, few), ask(t, s, p.Viewer, many)
		if len(a) == 0 || len(b) == 0 {
			continue // a subscription to nothing
		}
		if a[0].Rejected && less.kind != "query" && !b[0].Rejected {
			t.Fatalf("%s: rejected, but granted with more\n%s\n%s %v", p.name, few.text, many.text, more.values)
		}
		for i := range min(len(a), len(b)) {
			if !a[i].Rejected && !within(b[i].Data, a[i].Data) {
				t.Fatalf("%s: more is shown with more selections\n%s\n%s %v\n%v\n%v",
					p.name, few.text, many.text, more.values, a[i].Data, b[i].Data)
			}
		}
	}
}

// TestRemovedRight_GrantsNothing: a caller with fewer rights sees no more.
func TestRemovedRight_GrantsNothing(t *testing.T) {
	t.Parallel()
	r, s, all := newRandom(t, 3), mustServe(t, false), personas()
	for range rounds() {
		o := r.write().text(plainly)
		p := all[r.IntN(len(all))]
		if p.Viewer == nil {
			continue
		}
		less, what := lessOf(r, *p.Viewer)
		a, b := ask(t, s, p.Viewer, o), ask(t, s, &less, o)
		for i := range min(len(a), len(b)) {
			if a[i].Rejected && !b[i].Rejected {
				t.Fatalf("%s %s: granted\n%s %v", p.name, what, o.text, o.variables)
			}
			if !within(b[i].Data, a[i].Data) {
				t.Fatalf("%s %s: more is shown\n%s %v\n%v\n%v", p.name, what, o.text, o.variables, a[i].Data, b[i].Data)
			}
		}
	}
}

// TestPlan_WhatWasDecidedForAnotherCallerIsWhatWouldBeDecided: callers in turn ask for an operation whose plan is cached,
// and each asks for it as if it were new.
func TestPlan_WhatWasDecidedForAnotherCallerIsWhatWouldBeDecided(t *testing.T) {
	t.Parallel()
	r, s, all := newRandom(t, 6), mustServe(t, false), personas()
	for range rounds() {
		o := r.write().text(plainly)
		for n := range 8 {
			p, fresh := all[r.IntN(len(all))], o
			fresh.text += fmt.Sprintf("\n# %d", n)
			for name := range o.variables { // other values for the same plan
				if _, ok := o.variables[name].(bool); ok {
					o.variables[name] = r.IntN(2) == 0
				}
			}
			got, want := ask(t, s, p.Viewer, o), ask(t, s, p.Viewer, fresh)
			if !reflect.DeepEqual(want, got) {
				t.Fatalf("%s: as new\n%v\nas others have asked\n%v\n%s %v", p.name, want, got, o.text, o.variables)
			}
		}
	}
}

// TestPlan_WhatAVariableLeavesOutIsDecidedWhenItLeavesItIn: the plan is the same for both values.
func TestPlan_WhatAVariableLeavesOutIsDecidedWhenItLeavesItIn(t *testing.T) {
	for _, part := range []string{
		`draft(id: "d2") @include(if: $on) { id }`, `... @include(if: $on) { draft(id: "d2") { id } }`,
		`...F @include(if: $on)`,
	} {
		s, text := mustServe(t, false), "query Op($on: Boolean!) { open "+part+" }"
		if strings.Contains(part, "F") {
			text += ` fragment F on Query { draft(id: "d2") { id } }`
		}
		for range 2 {
			for on, want := range map[bool]string{
				false: `{"open":"open"}`, true: `{"open":"open","draft":null} | NOT_FOUND Query.draft @draft`,
			} {
				testenv.Equal(t, want, s.summary(t, "alice", text, map[string]any{"on": on}), "%s: %t", text, on)
			}
		}
	}
}

func lessOf(r *random, p allfeatures.Viewer) (allfeatures.Viewer, string) {
	switch n := r.IntN(6); {
	case n == 0 && len(p.Roles) > 0:
		p.Roles = p.Roles[1:]
		return p, "without a role"
	case n == 1 && len(p.Scopes) > 0:
		p.Scopes = p.Scopes[1:]
		return p, "without a scope"
	case n == 2:
		p.AuthTime = p.AuthTime.AddDate(0, 0, -1)
		return p, "a day later"
	case n == 4 && p.TwoFactors:
		p.TwoFactors = false
		return p, "without the second factor"
	case n == 3:
		p.ID = "other"
		return p, "under another id"
	default:
		return allfeatures.Viewer{AnonymousReason: "expired"}, "signed out"
	}
}

// TestAliasesAndFragments_ChangeNoVerdict rewrites each operation with fragments and with other aliases.
func TestAliasesAndFragments_ChangeNoVerdict(t *testing.T) {
	t.Parallel()
	r, s, all := newRandom(t, 4), mustServe(t, false), personas()
	for range rounds() {
		w := r.write()
		p := all[r.IntN(len(all))]
		plain := ask(t, s, p.Viewer, w.text(plainly))
		fragments := ""
		styles := map[string]func(string, string) string{
			"inline fragments":      func(set, static string) string { return "... on " + static + " { " + set + " }" },
			"bare inline fragments": func(set, _ string) string { return "... { ... @include(if: true) { " + set + " } }" },
			"named fragments": func(set, static string) string {
				name := fmt.Sprintf("F%d", strings.Count(fragments, "fragment "))
				fragments += fmt.Sprintf(" fragment %s on %s { %s }", name, static, set)
				return "..." + name + " ..." + name
			},
		}
		for name, style := range styles {
			fragments = ""
			o := w.text(style)
			for _, d := range w.declared { // those used in fragments only
				if name, _, _ := strings.Cut(d, ":"); !uses(o.text, name) && uses(fragments, name) {
					o.text = declare(o.text, d)
				}
			}
			o.text += fragments
			if got := ask(t, s, p.Viewer, o); !same(plain, got) {
				t.Fatalf("%s, %s\n%s\n%s %v\n%v\n%v", p.name, name, w.text(plainly).text, o.text, w.values, plain, got)
			}
		}
		o := w.text(plainly)
		o.text = strings.NewReplacer(" k", " zz_k").Replace(o.text)
		if got := renamed(t, ask(t, s, p.Viewer, o)); !same(plain, got) {
			t.Fatalf("%s, aliases\n%s %v\n%v\n%v", p.name, o.text, w.values, plain, got)
		}
	}
}

func declare(text, variable string) string {
	if head, rest, has := strings.Cut(text, " Op("); has {
		return head + " Op(" + variable + " " + rest
	}
	return strings.Replace(text, " Op ", " Op("+variable+") ", 1)
}

func renamed(t *testing.T, all []answer) (out []answer) {
	for _, a := range all {
		text := must(json.Marshal(a.Data))
		back := answer{Rejected: a.Rejected, Denials: a.Denials}
		testenv.Check(t, json.Unmarshal([]byte(strings.ReplaceAll(string(text), `"zz_k`, `"k`)), &back.Data))
		out = append(out, back)
	}
	return out
}

func same(a, b []answer) bool {
	return slices.EqualFunc(a, b, func(x, y answer) bool { return reflect.DeepEqual(x, y) })
}

// within reports whether a shows nothing that b does not show: a is b with parts left out or null. Keys that only a
// selects do not count.
func within(a, b any) bool {
	switch a := a.(type) {
	case nil:
		return true
	case map[string]any:
		of, ok := b.(map[string]any)
		if !ok {
			return false
		}
		for key, value := range of {
			if got, asked := a[key]; asked && !within(got, value) {
				return false
			}
		}
		return true
	case []any:
		of, ok := b.([]any)
		if !ok || len(a) != len(of) {
			return false
		}
		for i := range a {
			if !within(a[i], of[i]) {
				return false
			}
		}
		return true
	default:
		return reflect.DeepEqual(a, b)
	}
}

func ask(t *testing.T, s *server, p *allfeatures.Viewer, o operation) []answer {
	t.Helper()
	all, err := s.ask(p, o)
	if err != nil {
		t.Fatalf("%v\n%s %v", err, o.text, o.variables)
	}
	for _, a := range all {
		for _, d := range a.Denials {
			if strings.Contains(d, "must subscribe to exactly one stream") {
				return nil
			}
		}
	}
	return all
}
