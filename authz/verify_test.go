package authz

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/authz/testdata/allfeatures"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestVerifyExecution_FindsEachFieldThatTheDecisionForgot executes every field of the schema, for two viewers, under a
// decision that forbids nothing: as if the walk had a mistake. What the table denies does not run.
func TestVerifyExecution_FindsEachFieldThatTheDecisionForgot(t *testing.T) {
	guard := benchGuard(t)
	guard.config.VerifyExecution = true
	refused, ran := 0, 0
	for _, v := range []*allfeatures.Viewer{
		nil, {ID: "carol", Roles: []string{"USER"}, AuthTime: time.Now()},
		{ID: "root", Roles: []string{"USER", "EDITOR", "ADMIN"}, Scopes: []string{"a:read", "b:read"}, AuthTime: time.Now()},
	} {
		c := caller{reason: "missing"}
		if v != nil {
			c = caller{viewer: v}
		}
		d := &decision{&outcome{table: guard.table, have: guard.atomsOf(c)}, c}
		for _, typ := range guard.table.types {
			for name, rule := range typ.fields {
				want := !naivelyDenied(typ, rule, d)
				resolved, e := executeField(t.Context(), guard, d, typ.name, name, rule)
				for argument, need := range rule.arguments {
					supplied := &ast.Argument{Name: argument, Value: &ast.Value{Kind: ast.BooleanValue, Raw: "true"}}
					if ran, _ := executeField(t.Context(), guard, d, typ.name, name, rule, supplied); ran && d.verdict(need) == denied {
						t.Errorf("%s(%s:) of %+v: resolved", rule.coordinate, argument, v)
					}
				}
				if resolved != want || (len(e.unplanned) == 0) != want {
					t.Errorf("%s of %+v: resolved %t, want %t; unplanned %v", rule.coordinate, v, resolved, want, e.unplanned)
				}
				if want {
					ran++
				} else {
					refused++
				}
			}
		}
	}
	if refused < 50 || ran < 100 {
		t.Errorf("%d fields were refused and %d ran", refused, ran)
	}
}

// TestVerifyExecution_FindsAFieldOutsideOfThePlan, which only introspection may have.
func TestVerifyExecution_FindsAFieldOutsideOfThePlan(t *testing.T) {
	guard := benchGuard(t)
	e := &execution{guard: guard, plan: &plan{fields: map[fieldKey]bool{{"Query", "open"}: true}}}
	for field, want := range map[fieldKey]bool{
		{"Query", "open"}: false, {"Query", "staff"}: true, {"Post", "open"}: true, {"Query", "__type"}: false, {"__Type", "name"}: false,
	} {
		fc := &graphql.FieldContext{Object: field.object, Field: graphql.CollectedField{Field: &ast.Field{Name: field.field}}}
		for _, guard.config.VerifyExecution = range []bool{true, false} {
			testenv.Equal(t, want && guard.config.VerifyExecution, e.isUnplanned(fc), "%v", field)
		}
	}
}

// naivelyDenied reads the rules as nobody's object meets them: no owner clause holds.
func naivelyDenied(typ *objectType, rule *fieldRule, d *decision) bool {
	return !typ.require.holds(d.have) || !rule.require.holds(d.have)
}

func executeField(
	ctx context.Context, guard *Guard, d *decision, object, name string, rule *fieldRule, arguments ...*ast.Argument,
) (resolved bool, e *execution) {
	field := &ast.Field{Name: name, Alias: name, Definition: rule.definition, Arguments: arguments}
	e = &execution{
		guard: guard, decision: d, denied: map[string]*violation{}, nulls: map[string]bool{},
		plan: &plan{fields: map[fieldKey]bool{{object, name}: true}},
	}
	above := &graphql.FieldContext{Object: "Query", Result: &struct{}{}}
	fc := &graphql.FieldContext{Object: object, Parent: above, Field: graphql.CollectedField{Field: field}}
	_, _ = e.field(graphql.WithFieldContext(ctx, fc), func(context.Context) (any, error) {
		resolved = true
		return reflect.Zero(reflect.TypeFor[*struct{}]()).Interface(), nil
	})
	return resolved, e
}
