package e2e

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestClientKit_KnowsTheCoordinatesThatAServerTakes asks a server about every coordinate of the kit's type.
func TestClientKit_KnowsTheCoordinatesThatAServerTakes(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+dbtest.SQLite(t))
	var all []string
	for _, match := range regexp.MustCompile(`(?m)^  \| '(.+)'`).FindAllStringSubmatch(
		servertest.ReadFile(t, kit+"/src/schema.ts"), -1) {
		all = append(all, match[1])
	}
	if len(all) < 100 {
		t.Fatalf("%d coordinates in %s/src/schema.ts", len(all), kit)
	}
	ask := func(coordinates ...string) string {
		return s.Ask("", "{ permissions(coordinates: "+servertest.JSON(coordinates)+") { coordinate } }").Body
	}
	for some := range slices.Chunk(all, 100) {
		testenv.Equal(t, len(some), strings.Count(ask(some...), `"coordinate":"`), "answers")
	}
	if refused := ask("Query.nobody"); !strings.Contains(refused, "BAD_USER_INPUT") {
		t.Errorf("a coordinate that is not there: %s", refused)
	}
}
