package graph

import (
	"slices"
	"strconv"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
)

// withoutRecentProof says why a mutation by which an administrator acts on another's account asks for no recent proof.
var withoutRecentProof = map[string]string{
	"reinstateUser":     "it gives access back and takes none away: the sessions of the account stay ended",
	"sendPasswordReset": "it mails a link to the user, and only the user can change something by it",
}

// maxProofAge is the oldest proof, in seconds, with which access may be taken away.
const maxProofAge = 300

// TestSchema_AnAdministratorsOldSessionTakesNoAccessAway: a thief of it, or a passer-by at a screen that was left
// alone, must not lock others out, nor let anybody in. So each mutation that a role opens asks for a recent proof, if it
// names an object or gives a role.
func TestSchema_AnAdministratorsOldSessionTakesNoAccessAway(t *testing.T) {
	schema := LoadSchema()
	for _, f := range schema.Mutation.Fields {
		reason, argued := withoutRecentProof[f.Name]
		switch open := roleSuffices(f.Directives.ForName("auth")) && names(schema, f.Arguments, "ID", "Role"); {
		case open && !argued:
			t.Errorf("%s: add maxAge: %d to its @auth(roles:), or say in withoutRecentProof why an old session may do it",
				f.Name, maxProofAge)
		case argued && !open:
			t.Errorf("%s asks for a recent proof, or acts on no other account: take its reason away, %q", f.Name, reason)
		}
	}
	for name := range withoutRecentProof {
		if schema.Mutation.Fields.ForName(name) == nil {
			t.Errorf("there is no mutation %s", name)
		}
	}
	if !roleSuffices(schema.Mutation.Fields.ForName("reinstateUser").Directives.ForName("auth")) {
		t.Error("reinstateUser asks for more than a role: this test finds nothing")
	}
}

// roleSuffices reports whether one of a rule's alternatives names a role, and accepts an old proof.
func roleSuffices(auth *ast.Directive) bool {
	if auth == nil {
		return false
	}
	var flat ast.ChildValueList
	for _, a := range auth.Arguments {
		flat = append(flat, &ast.ChildValue{Name: a.Name, Value: a.Value})
	}
	clauses := []ast.ChildValueList{flat}
	if alternatives := flat.ForName("any"); alternatives != nil {
		for _, c := range alternatives.Children {
			clauses = append(clauses, c.Value.Children)
		}
	}
	for _, c := range clauses {
		age := maxProofAge + 1
		if given := c.ForName("maxAge"); given != nil {
			age, _ = strconv.Atoi(given.Raw)
		}
		if c.ForName("roles") != nil && age > maxProofAge {
			return true
		}
	}
	return false
}

// names reports whether an argument, or a field of an input below it, is of one of these types.
func names(schema *ast.Schema, arguments ast.ArgumentDefinitionList, types ...string) bool {
	for _, a := range arguments {
		if typeNames(schema, a.Type.Name(), types, map[string]bool{}) {
			return true
		}
	}
	return false
}

func typeNames(schema *ast.Schema, name string, types []string, seen map[string]bool) bool {
	if slices.Contains(types, name) || seen[name] {
		return slices.Contains(types, name)
	}
	seen[name] = true
	for _, f := range schema.Types[name].Fields {
		if typeNames(schema, f.Type.Name(), types, seen) {
			return true
		}
	}
	return false
}
