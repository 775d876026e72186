package authz_test

import (
	"slices"
	"strings"
	"sync"
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
		"objects of which some have a field that is hidden": {"everything", `{ drafts { score } }`, "d1 d3",
			`{"drafts":[{"score":5},{"score":null},{"score":5}]}`},
		"hidden siblings, of an open field": {"bob", `{ draftsOrNull { words } }`, "d2",
			`{"draftsOrNull":[null,null,{"words":2},null]}`},
		"with a factor less": {"alice", `{ club(id: "c1") { drafts { rank } } }`, "d3",
			`{"club":{"drafts":[{"rank":null},{"rank":1}]}}`},
		"with two factors": {"alice, two factors", `{ club(id: "c1") { drafts { rank } } }`, "d1 d3",
			`{"club":{"drafts":[{"rank":1},{"rank":1}]}}`},
		"two fields": {"everything", `{ drafts { score words } }`, "d1 d1 d2 d3 d3",
			`{"drafts":[{"score":5,"words":2},{"score":null,"words":2},{"score":5,"words":2}]}`},
		"two lists": {"alice", `{ club(id: "c1") { drafts { score } } draftsOrNull { score } }`, "d1 d1 d3 d3",
			`{"club":{"drafts":[{"score":5},{"score":5}]},"draftsOrNull":[{"score":5},null,null,{"score":5}]}`},
		"an interface": {"alice", `{ nodes { ... on Draft { score } } }`, "d1",
			`{"nodes":[{},{"score":5},null,null,{},null,null,null]}`},
	} {
		t.Run(name, func(t *testing.T) {
			s, asked := mustServe(t, false), []string{}
			var mu sync.Mutex
			s.resolver.OnBatch = func(all []*allfeatures.Draft) {
				mu.Lock()
				defer mu.Unlock()
				for _, d := range all {
					asked = append(asked, d.ID)
				}
			}
			got, _, _ := strings.Cut(s.summary(t, c.persona, c.text), " | ")
			slices.Sort(asked)
			if strings.Join(asked, " ") != c.asked || got != c.data {
				t.Errorf("asked about %v\ngot  %s\nwant %s", asked, got, c.data)
			}
		})
	}
}
