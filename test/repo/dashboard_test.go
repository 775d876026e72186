package repo

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/servertest"
)

// TestDashboard_ShowsWhatIsServed: no panel asks for a metric that is not served, and each of ours has a panel.
func TestDashboard_ShowsWhatIsServed(t *testing.T) {
	var dashboard struct {
		Panels []struct {
			ID      int
			Title   string
			GridPos struct{ X, Y, W, H int }
			Targets []struct{ Expr string }
		}
	}
	servertest.Check(t, json.Unmarshal([]byte(servertest.ReadFile(t, "deploy/grafana.json")), &dashboard))
	served, _ := servedMetrics(t)
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

// servedMetrics returns the names on /metrics, and all of it.
func servedMetrics(t *testing.T) (names map[string]bool, text string) {
	t.Helper()
	s := servertest.Start(t, "GATEHOUSE_OPS_ADDR=127.0.0.1:0")
	s.Ask("", servertest.Me) // so that each is there
	names, text = map[string]bool{}, s.Metrics()
	for _, line := range regexp.MustCompile(`(?m)^# TYPE (\w+)`).FindAllStringSubmatch(text, -1) {
		names[line[1]] = true
	}
	return names, text
}
