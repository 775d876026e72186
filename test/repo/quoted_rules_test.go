package repo

import (
	"regexp"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/internal/servertest"
)

var (
	quotedType = regexp.MustCompile(`(?m)^type (\w+) (@[^{\n]*(?:\{[^}\n]*\}[^{\n]*)*)?\{ (.*) \}`)
	quotedRule = regexp.MustCompile(`^(\w+)[^@]*(@.*)$`)
)

// TestReadme_QuotesTheRulesOfTheSchema compares each rule of README.md's schema with the one of schema.graphql.
func TestReadme_QuotesTheRulesOfTheSchema(t *testing.T) {
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: servertest.ReadFile(t, "schema.graphql")})
	quoted := quotedType.FindAllStringSubmatch(servertest.ReadFile(t, "README.md"), -1)
	if len(quoted) != 4 {
		t.Fatalf("README.md quotes %d rules, and says four: %q", len(quoted), quoted)
	}
	for _, q := range quoted {
		name, rules, field := q[1], q[2], quotedRule.FindStringSubmatch(q[3])
		has := schema.Types[name].Directives
		if field != nil {
			name, rules, has = name+"."+field[1], field[2], schema.Types[name].Fields.ForName(field[1]).Directives
		}
		var want strings.Builder
		for _, d := range has {
			want.WriteString("@" + d.Name)
			for _, a := range d.Arguments {
				want.WriteString("(" + a.Name + ":" + a.Value.String() + ")")
			}
		}
		plain := strings.NewReplacer(" ", "", ",", "", "(", "", ")", "")
		if got, want := plain.Replace(rules), plain.Replace(want.String()); got != want {
			t.Errorf("README.md says of %s %s, and schema.graphql %s", name, got, want)
		}
	}
}
