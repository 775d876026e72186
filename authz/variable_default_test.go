package authz_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/authz/testdata/allfeatures"
)

// TestVariableDefault_OfAnotherOperationIsGuarded shares a fragment between two operations. gqlparser binds the
// fragment's variable to the operation that it walked last, and the executor then takes that one's default.
func TestVariableDefault_OfAnotherOperationIsGuarded(t *testing.T) {
	s := must(serve(t, allfeatures.SDL, testConfig(false)))
	for name, c := range map[string]struct{ variable, leaked, control, field string }{
		"in an object":           {"$s: String", ` = "leaked"`, "", "count(filter: {internal: $s})"},
		"in an object in a list": {"$s: String", ` = "leaked"`, "", "count(list: [{internal: $s}])"},
		"a complete object":      {"$s: Filter", ` = {internal: "leaked"}`, ` = {text: "open"}`, "count(filter: {not: $s})"},
	} {
		t.Run(name, func(t *testing.T) {
			text := func(other string) string {
				return fmt.Sprintf("query Op(%[1]s) { ...F } query B(%[1]s%[2]s) { ...F } fragment F on Query { %[3]s }",
					c.variable, other, c.field)
			}
			got := s.summary(t, "missing", text(c.leaked))
			if !strings.HasPrefix(got, "rejected | UNAUTHENTICATED Filter.internal") {
				t.Errorf("got %s", got)
			}
			if got := s.summary(t, "missing", text(c.control)); !strings.HasPrefix(got, `{"count":`) {
				t.Errorf("the control: got %s", got)
			}
		})
	}
}
