package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/dbtest"
)

// TestTheDashboardShowsWhatThereIs: no panel asks for a metric that is not served, and each of ours has a panel.
func TestTheDashboardShowsWhatThereIs(t *testing.T) {
	var dashboard struct {
		Panels []struct {
			ID      int
			Title   string
			GridPos struct{ X, Y, W, H int }
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(read(t, "deploy/grafana.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	s, ops := startWatched(t, "GATEHOUSE_DATABASE_URL="+dbtest.SQLite(t))
	_, _ = request(t, http.MethodPost, s.URL+"/graphql", `{"query":"{ me { id } }"}`, "Content-Type", "application/json") // so that each is there
	_, text := get(t, ops+"/metrics")
	served := map[string]bool{}
	for _, line := range regexp.MustCompile(`(?m)^# TYPE (\w+)`).FindAllStringSubmatch(text, -1) {
		served[line[1]] = true
	}
	shown, ids := map[string]bool{}, map[int]bool{}
	for _, p := range dashboard.Panels {
		if ids[p.ID] || p.GridPos.W == 0 || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("%s: panel %d at %+v", p.Title, p.ID, p.GridPos)
		}
		ids[p.ID] = true
		for _, target := range p.Targets {
			for _, name := range regexp.MustCompile(`\b(gatehouse|go|process)_\w+`).FindAllString(target.Expr, -1) {
				name = strings.TrimSuffix(name, "_bucket")
				shown[name] = true
				if !served[name] {
					t.Errorf("%s: %s is not served", p.Title, name)
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(served)) {
		if strings.HasPrefix(name, "gatehouse_") && !shown[name] {
			t.Errorf("%s has no panel", name)
		}
	}
}
