package authz

import (
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestSuppliedInputs_WhatCannotBeReadSuppliesEachGuardedField: only the resolver knows what is in it.
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
	tooLarge := &ast.Value{Kind: ast.IntValue, Raw: "99999999999999999999"}
	testenv.Equal(t, any(unreadable{}), w.valueOf(tooLarge), "the value of a literal that has none")
}
