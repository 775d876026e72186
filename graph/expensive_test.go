package graph

import (
	"testing"

	gqlparser "github.com/vektah/gqlparser/v2"

	"github.com/gatehouse/gatehouse/internal/querylimit"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// What the comment of querylimit.ExpensiveFields says of pages and sessions.
func TestExpensiveFields_TellLargeAnswersFromOthers(t *testing.T) {
	const (
		user     = "id email emailVerified name roles status createdAt updatedAt"
		sessions = "sessions { id current createdAt lastUsedAt expiresAt userAgent ip }"
		pageInfo = "pageInfo { startCursor endCursor hasNextPage hasPreviousPage }"
	)
	schema := LoadSchema()
	for query, want := range map[string]int{
		"{ users { edges { node { id email emailVerified name roles status createdAt } } } }": 802,
		"{ users { edges { cursor node { " + user + " } } totalCount " + pageInfo + " } }":    1008,
		"{ me { " + user + " " + sessions + " } }":                                            710,
		"{ me { " + user + " " + sessions + " again: " + sessions + " } }":                    1411,
	} {
		doc, errs := gqlparser.LoadQueryWithRules(schema, query, nil)
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		n := querylimit.AnswerFields(doc.Operations[0], querylimit.DefaultLimits().Page)
		testenv.Equal(t, want, n, "fields of %s", query)
		testenv.Equal(t, want > 1000, n >= querylimit.ExpensiveFields, "expensive is %s", query)
	}
}
