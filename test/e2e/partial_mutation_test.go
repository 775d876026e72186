package e2e

import (
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
)

// TestMutation_RefusedStatusMeansThatNothingWasDone: a client that is answered with 401 or 503 sends its request again.
// Each mutation is asked for behind one that takes the account away, so that it fails when it runs.
func TestMutation_RefusedStatusMeansThatNothingWasDone(t *testing.T) {
	t.Parallel()
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: servertest.ReadFile(t, "schema.graphql")})
	dbtest.Each(t, func(t *testing.T, url string) {
		s := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+url, servertest.Secret)
		done, refused := 0, 0
		for _, f := range schema.Mutation.Fields {
			a := s.Register()
			answer := s.Ask(a.Access, "mutation { gone: deleteAccount "+leafOf(schema, schema.Mutation.Fields.
				ForName("deleteAccount").Type)+" then: "+f.Name+servertest.Arguments(schema, f, nil)+leafOf(schema, f.Type)+" }")
			lives := s.Ask(a.Access, servertest.Me).OK()
			if lives != (answer.Status != 200) {
				t.Errorf("%s: %v, and the account lives: %v", f.Name, answer, lives)
			}
			if lives {
				refused++
			} else {
				done++
			}
		}
		if done == 0 || refused == 0 {
			t.Errorf("%d were done in part, %d refused", done, refused)
		}
	})
}

// TestMutation_TypenameBesideOneChangesNoStatus: it does nothing that could be done twice.
func TestMutation_TypenameBesideOneChangesNoStatus(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, "GATEHOUSE_THROTTLE=on")
	const login = `login(input: {email: "ada@example.com", password: "not the password"}) { tokenType }`
	statuses := map[int]int{}
	for range 10 {
		alone := s.Ask("", "mutation { "+login+" }")
		beside := s.Ask("", "mutation { __typename "+login+" }")
		if statuses[beside.Status]++; alone.Status == 429 && beside.Status != 429 {
			t.Errorf("alone %v, beside __typename %v", alone, beside)
		}
	}
	if statuses[200] == 0 || statuses[429] == 0 {
		t.Errorf("statuses %v", statuses)
	}
}
