package authz_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/gatehouse/gatehouse/authz"
	"github.com/gatehouse/gatehouse/authz/testdata/allfeatures"
)

// TestAccess_NobodyElseReachesAField holds the access table against what operations of the matrix execute: a field never
// runs for a caller whom its row does not let in. Sign-ins are left out: below them the caller is another.
func TestAccess_NobodyElseReachesAField(t *testing.T) {
	s := mustServe(t, false)
	ran := make(chan string, 10_000)
	s.exec.AroundFields(func(ctx context.Context, next graphql.Resolver) (any, error) {
		fc := graphql.GetFieldContext(ctx)
		ran <- fc.Object + "." + fc.Field.Name
		return next(ctx)
	})
	table := map[string]authz.Access{}
	for _, a := range s.guard.Access() {
		table[a.Coordinate] = a
	}
	reached := map[string]bool{}
	for i, c := range sample(cells(t, load(t, allfeatures.SDL))) {
		if i%8 != 0 || strings.Contains(c.text, "sign") {
			continue
		}
		for _, p := range personas() {
			ask(t, s, p.Viewer, c.operation)
			for range len(ran) {
				coordinate := <-ran
				reached[coordinate] = true
				if row, ok := table[coordinate]; ok && !row.Grants(principal(p)) {
					t.Errorf("%s ran for %s, and is for %s\n%s", coordinate, p.name, row.Who, c.text)
				}
			}
		}
	}
	if len(reached) < scaled(60, 60, 45) {
		t.Errorf("only %d fields ran", len(reached))
	}
}

// principal is a persona as the access table knows it, who owns whatever they reach.
func principal(p persona) authz.Principal {
	if isAnonymous(p.Viewer) {
		return authz.Principal{}
	}
	return authz.Principal{
		SignedIn: true, Restricted: p.Restrict, Roles: p.Roles, Scopes: p.Scopes, Owners: []string{"AUTHOR", "MEMBER"},
		Reauthenticated: !p.AuthTime.IsZero() && now.Sub(p.AuthTime) <= 300*time.Second,
		MFA:             p.TwoFactors,
	}
}
