package authz_test

import (
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/authz/testdata/allfeatures"
)

// TestBatchResolver_IsAskedOnlyAboutWhatTheViewerMaySee: gqlgen calls it once for all objects of a list.
func TestBatchResolver_IsAskedOnlyAboutWhatTheViewerMaySee(t *testing.T) {
	for name, c := range map[string]struct{ persona, text, asked, data string }{
		"the control": {"alice", `{ club(id: "c1") { drafts { score } } }`, "d1 d3",
			`{"club":{"drafts":[{"score":5},{"score":5}]}}`},
		"hidden siblings": {"bob", `{ draftsOrNull { score } }`, "d2", `{"draftsOrNull":[null,null,{"score":3},null]}`},
		"objects that are not hidden, but whose field is": {"administrator", `{ drafts { id score } }`, "",
			`{"drafts":[{"id":"d1","score":null},{"id":"d2","score":null},{"id":"d3","score":null}]}`},
		"an interface": {"alice", `{ nodes { ... on Draft { score } } }`, "d1",
			`{"nodes":[{},{"score":5},null,null,{},null,null,null]}`},
	} {
		t.Run(name, func(t *testing.T) {
			s, asked := mustServe(t, false), []string{}
			s.resolver.OnScore = func(all []*allfeatures.Draft) {
				for _, d := range all {
					asked = append(asked, d.ID)
				}
			}
			got, _, _ := strings.Cut(s.summary(t, c.persona, c.text), " | ")
			if strings.Join(asked, " ") != c.asked || got != c.data {
				t.Errorf("asked about %v\ngot  %s\nwant %s", asked, got, c.data)
			}
		})
	}
}
