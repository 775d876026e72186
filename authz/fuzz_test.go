package authz_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/authz/testdata/allfeatures"
)

// FuzzPlanAgainstEvaluator compares the guard with the evaluator on any document, variables (as JSON) and viewer (as
// bits). What gqlgen itself rejects, or answers in several parts (@defer), is not compared.
func FuzzPlanAgainstEvaluator(f *testing.F) {
	schema := load(f, allfeatures.SDL)
	addSeeds(f, schema)
	resolver, servers := allfeatures.NewResolver(), []*server{mustServe(f, false), mustServe(f, true)}
	f.Fuzz(func(t *testing.T, text, variables string, bits uint16) {
		o := named(text)
		if json.Unmarshal([]byte(variables), &o.variables) != nil ||
			len(text) > 2000 || strings.Count(text, "...") > 12 || strings.Contains(text, "@defer") {
			return
		}
		e, err := evaluate(schema, resolver, o)
		if err != nil {
			return
		}
		p, s := viewerOf(bits), servers[bits>>15]
		got, err := s.ask(p, o)
		if err != nil || strings.Contains(strings.Join(denialsOf(got), " "), "unexpected") {
			return // a value that gqlgen does not take
		}
		want := e.expect(p)
		if e.op.Operation == ast.Subscription {
			alignNulls(want, got)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%+v\n%s", p, diff)
		}
	})
}

// addSeeds adds a few operations of the matrix, those by hand, and random ones.
func addSeeds(f *testing.F, schema *ast.Schema) {
	for i, c := range cells(f, schema) {
		if i%997 == 0 || c.coordinate == "by hand" {
			variables, _ := json.Marshal(c.variables)
			f.Add(strings.Replace(c.text, "After", "A", 1), string(variables), uint16(i))
		}
	}
	r := newRandom(f, 5)
	for i := range 60 {
		o := r.write().text(plainly)
		variables, _ := json.Marshal(o.variables)
		f.Add(o.text, string(variables), uint16(i*797))
	}
}

func denialsOf(all []answer) (denials []string) {
	for _, a := range all {
		denials = append(denials, a.Denials...)
	}
	return denials
}

func viewerOf(bits uint16) *allfeatures.Viewer {
	set := func(i int) bool { return bits&(1<<i) != 0 }
	if set(0) && set(1) && set(2) {
		return nil
	}
	p := &allfeatures.Viewer{ID: []string{"alice", "bob", "carol", ""}[bits&3]}
	if set(2) && set(3) {
		p.AnonymousReason = []string{"missing", "expired", "revoked", "invalid"}[bits>>4&3]
	}
	for i, role := range []string{"USER", "EDITOR", "ADMIN"} {
		if set(4 + i) {
			p.Roles = append(p.Roles, role)
		}
	}
	for i, scope := range []string{"a:read", "b:read"} {
		if set(7 + i) {
			p.Scopes = append(p.Scopes, scope)
		}
	}
	if set(9) {
		p.AuthTime = now.Add(-time.Duration(bits>>10&1) * 24 * time.Hour)
	}
	p.Restrict, p.TwoFactors = set(11), set(12)
	return p
}
