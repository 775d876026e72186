package graph

import (
	"fmt"
	"testing"

	"github.com/gatehouse/gatehouse/internal/querylimit"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestSchema_AnOperationHasOneSignIn lists the mutations that take a password or a refresh token.
func TestSchema_AnOperationHasOneSignIn(t *testing.T) {
	schema := NewSchema(nil).Schema()
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
	want := map[string]bool{"register": true, "login": true, "refresh": true, "reauthenticate": true,
		"changePassword": true}
	testenv.Equal(t, want, signIns, "sign-ins")
}
