package querylimit

import (
	"testing"

	gqlparser "github.com/vektah/gqlparser/v2"

	"github.com/gatehouse/gatehouse/internal/graphqltest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

func TestAnswerFields_CountsRowsOfFullPages(t *testing.T) {
	schema := graphqltest.Schema().Schema()
	for query, want := range map[string]int{
		"{ node { id } }":                            2,
		"{ node { pass { id } name } }":              4,
		"{ ping ...F } fragment F on Query { ping }": 2,
		"{ __schema { types { name kind } } }":       2 + 2*100,
		"{ __schema { types { ...F } } } fragment F on __Type { ... { fields { name } } }": 2 + 100 + 100*100,
		"{ __schema { types { fields { args { type { fields { args { name } } } } } } } }": maxCount,
	} {
		doc, errs := gqlparser.LoadQueryWithRules(schema, query, nil)
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		testenv.Equal(t, want, AnswerFields(doc.Operations[0], 100), "fields of %s", query)
	}
}
