package graph

import (
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/internal/querylimit"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestSchema_AnOperationHasOneSignIn lists the mutations that take a password or a refresh token.
func TestSchema_AnOperationHasOneSignIn(t *testing.T) {
	schema := LoadSchema()
	limits := querylimit.NewDocumentLimits(schema, querylimit.DefaultLimits(), true)
	signIns := map[string]bool{}
	for _, f := range schema.Mutation.Fields {
		if err := limits.Check(fmt.Sprintf("mutation{%s{__typename}}", f.Name)); err != nil {
			t.Errorf("one %s: %v", f.Name, err)
		}
		err := limits.Check(fmt.Sprintf("mutation{a:%[1]s{__typename} b:%[1]s{__typename}}", f.Name))
		if err != nil && err.Extensions["limit"] == "signIns" {
			signIns[f.Name] = true
		}
	}
	want := map[string]bool{"register": true, "login": true, "completeLogin": true, "passkeyLogin": true,
		"refresh": true, "reauthenticate": true, "changePassword": true, "resetPassword": true, "acceptInvitation": true}
	testenv.Equal(t, want, signIns, "sign-ins")
}

// TestSchema_IsOneFile: schema.graphql is what clients generate from and what the access matrix reads. A field of another
// file that gqlgen.yml lists would be served without either.
func TestSchema_IsOneFile(t *testing.T) {
	file, err := os.ReadFile("../schema.graphql")
	testenv.Check(t, err)
	published, err := gqlparser.LoadSchema(&ast.Source{Input: string(file)})
	testenv.Check(t, err)
	served := LoadSchema()
	for name, def := range served.Types {
		for _, f := range def.Fields {
			if of := published.Types[name]; !def.BuiltIn && (of == nil || of.Fields.ForName(f.Name) == nil) {
				t.Errorf("%s.%s is served and is not in schema.graphql; move it there", name, f.Name)
			}
		}
	}
	if d := cmp.Diff(string(file), SDL()); d != "" {
		t.Errorf("/schema.graphql is not schema.graphql (-file +served):\n%s", d)
	}
}
