package authz_test

import (
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/authz/testdata/allfeatures"
)

// TestVariableDefault_OfAnotherOperationIsGuarded shares a fragment between two operations. gqlparser binds the
// fragment's variable to the operation that it walked last, and the executor then takes that one's default.
func TestVariableDefault_OfAnotherOperationIsGuarded(t *testing.T) {
	s, err := serve(t, allfeatures.SDL, testConfig(false))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ text, twin string }{
		"in an object": {
			`query Op($s: String) { ...F } query B($s: String = "leaked") { ...F } fragment F on Query { count(filter: {internal: $s}) }`,
			`query Op($s: String) { ...F } query B($s: String) { ...F } fragment F on Query { count(filter: {internal: $s}) }`},
		"in an object in a list": {
			`query Op($s: String) { ...F } query B($s: String = "leaked") { ...F } fragment F on Query { count(list: [{internal: $s}]) }`,
			`query Op($s: String) { ...F } query B($s: String) { ...F } fragment F on Query { count(list: [{internal: $s}]) }`},
		"a whole object": {
			`query Op($s: Filter) { ...F } query B($s: Filter = {internal: "leaked"}) { ...F } fragment F on Query { count(filter: {not: $s}) }`,
			`query Op($s: Filter) { ...F } query B($s: Filter = {text: "open"}) { ...F } fragment F on Query { count(filter: {not: $s}) }`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := s.summary(t, viewerNamed(t, "missing"), operation{text: c.text, name: "Op"}); !strings.HasPrefix(got, "rejected | UNAUTHENTICATED Filter.internal") {
				t.Errorf("got %s", got)
			}
			if got := s.summary(t, viewerNamed(t, "missing"), operation{text: c.twin, name: "Op"}); !strings.HasPrefix(got, `{"count":`) {
				t.Errorf("the twin: got %s", got)
			}
		})
	}
}
