package authz

import (
	"context"
	"reflect"
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"github.com/gatehouse/gatehouse/authz/testdata/allfeatures"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestObjectFilter_HidesObjectsInListsOfValues: gqlgen can be configured to hold objects in lists as values, where a
// hidden one cannot be nil.
func TestObjectFilter_HidesObjectsInListsOfValues(t *testing.T) {
	guard := benchGuard(t)
	guard.config.Owners["AUTHOR"] = []Owner{OwnerOf(
		func(_ context.Context, _ Viewer, d *allfeatures.Draft) (bool, error) {
			return *d.AuthorID == "alice", nil
		},
	)}
	alice, bob := "alice", "bob"
	c := callerOf(guard.config.Viewer(t.Context()))
	d := &decision{&outcome{table: guard.table, have: guard.atomsOf(c)}, c}
	e := &execution{guard: guard, denied: map[string]*violation{}}
	field := guard.table.types["Query"].fields["draftsOrNull"]
	f := &objectFilter{execution: e, ctx: t.Context(), fc: &graphql.FieldContext{}, decision: d, field: field}
	for name, c := range map[string]struct {
		list   any
		hidden bool
	}{
		"values, all visible":  {[]allfeatures.Draft{{AuthorID: &alice}}, false},
		"values, one hidden":   {[]allfeatures.Draft{{AuthorID: &alice}, {AuthorID: &bob}}, true},
		"pointers, one hidden": {[]*allfeatures.Draft{{AuthorID: &alice}, {AuthorID: &bob}}, false},
		"no list":              {[]*allfeatures.Draft(nil), false},
	} {
		filtered, hidden := f.value(reflect.ValueOf(c.list), field.definition.Type, nil)
		testenv.Equal(t, c.hidden, hidden, "%s: hidden", name)
		list, ok := filtered.Interface().([]*allfeatures.Draft)
		if ok && len(list) == 2 && (list[0] == nil || list[1] != nil) {
			t.Errorf("%s: %v", name, list)
		}
	}
}
