package authz

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestSuppliedInputs_WhatCannotBeReadSuppliesEachGuardedField, and as an ID names nobody's object: only the resolver
// knows what is in it.
func TestSuppliedInputs_WhatCannotBeReadSuppliesEachGuardedField(t *testing.T) {
	type object = map[string]any
	w := &walker{decision: &decision{outcome: &outcome{table: benchGuard(t).table}}}
	input := w.table.inputs["PostInput"] // of which pinned is guarded
	pinned := object{"title": "x", "pinned": nil}
	for _, c := range []struct {
		value any
		want  int
	}{
		{nil, 0}, {object{"title": "x"}, 0}, {pinned, 1}, {&pinned, 1}, {new(any(object{"title": "x"})), 0}, {(*object)(nil), 0},
		{[]any{pinned, nil, object{}, &pinned}, 2}, {object{"children": []any{pinned, pinned}}, 2},
		{7, 1}, {"pinned", 1}, {map[int]any{1: 2}, 1}, {struct{ Pinned bool }{}, 1}, {[]any{7, pinned}, 2},
	} {
		testenv.Equal(t, c.want, len(w.addValue(nil, input, c.value)), "%#v", c.value)
	}
	none := func(context.Context, string) (any, error) { panic("nothing is named") }
	w.guard = &Guard{}
	w.guard.config.Objects = map[string]func(context.Context, string) (any, error){"at": none}
	for _, value := range []any{unreadable{}, object{}, []any{nil, true}} {
		if v := w.foreign(guardedInput{coordinate: "at", supplied: value}); v == nil || v.code != NotFound || v.err != nil {
			t.Errorf("an ID that is %v: %+v", value, v)
		}
	}
	texts, ok := idsOf([]any{"a", new("b"), nil, new(any(7)), []string{"c"}})
	testenv.Equal(t, "a b 7 c true", fmt.Sprint(strings.Join(texts, " "), " ", ok), "IDs")
	tooLarge := &ast.Value{Kind: ast.IntValue, Raw: "99999999999999999999"}
	testenv.Equal(t, any(unreadable{}), w.valueOf(tooLarge), "the value of a literal that has none")
}
