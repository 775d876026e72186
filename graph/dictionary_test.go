package graph

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"

	"github.com/gatehouse/gatehouse/internal/graphqltest"
)

// TestADictionaryTeachesNothing is G-028, G-029 and G-030: whoever guesses names, in every place where a name can
// stand, is told no name of the schema that they did not send, and nothing is suggested.
func TestADictionaryTeachesNothing(t *testing.T) {
	all := namesOf(gqlparser.MustLoadSchema(sources...))
	open, closed := product(t, stub{}, readable), product(t, stub{})
	learned := func(h http.Handler, document string, variables ...map[string]any) (names []string) {
		sent := word.FindAllString(document+fmt.Sprint(variables), -1)
		for _, e := range graphqltest.Query(t, h, document, variables...).Errors {
			for _, name := range word.FindAllString(e.Message, -1) {
				if name == "Did" || all[name] && !slices.Contains(sent, name) {
					names = append(names, e.Message)
				}
			}
		}
		return names
	}
	words, taught := dictionary(all), 0
	if testing.Short() {
		words = words[:len(words)/10]
	}
	for i, w := range words {
		twin := i < 50
		for _, pattern := range []string{
			"{%w}", "{me{%w}}", "{me{%w{id}}}", "mutation{%w}", "mutation{%w(input:{})}", "mutation{%w(input:{}){%w}}", "{user(%w:1){id}}", "{me(%w:1){id}}",
			"{me{id@skip(%w:true)}}", "{me{id@%w}}", "{...on %w{id}}", "{...F}fragment F on %w{id}", "query($v:%w){me{id}}", "query($v:%w!){user(id:$v){id}}",
			"{users(filter:{%w:1}){totalCount}}", "{users(filter:{role:%w}){totalCount}}", "mutation{login(input:{%w:1}){tokenType}}", "{users(first:%w){totalCount}}",
			"%w{me}", "{me{...%w}}", "{me}", "{me{id{%w}}}",
		} {
			document := strings.ReplaceAll(pattern, "%w", w)
			if names := learned(closed, document); names != nil {
				t.Fatalf("%s teaches %q", document, names)
			}
			if twin {
				taught += len(learned(open, document))
			}
		}
		for _, v := range []any{map[string]any{w: 1}, w, []any{w}, map[string]any{"email": "a", "password": "b", w: true}} {
			variables := map[string]any{"v": v}
			document := "mutation($v:LoginInput!){login(input:$v){tokenType}}"
			if names := learned(closed, document, variables); names != nil {
				t.Fatalf("the variable %v teaches %q", v, names)
			}
			if twin {
				taught += len(learned(open, document, variables))
			}
		}
	}
	t.Logf("%d words; where the schema may be read they teach %d names", len(words), taught)
	if taught == 0 { // the twin
		t.Error("nothing is told where the schema may be read")
	}
}

// A message that is cut off within a name does not tell its beginning.
func TestACutMessageTeachesNoPartOfAName(t *testing.T) {
	h := product(t, stub{})
	for n := range 300 {
		got := graphqltest.Query(t, h, "{me{"+strings.Repeat("x", n+1)+"}}")
		if got.Code() != invalid || strings.Contains(got.Text, `type \"U`) {
			t.Fatalf("a field of %d bytes: %s", n+1, got.Text)
		}
	}
}

// dictionary returns words as an attacker would try them: names of the schema itself, cut short, misspelt and joined,
// and nonsense. The order is always the same.
func dictionary(all map[string]bool) []string {
	random := rand.New(rand.NewPCG(7, 29))
	names := slices.Sorted(maps.Keys(all))
	words := slices.Clone(names)
	for _, name := range names {
		i := random.IntN(len(name))
		words = append(words, name[:len(name)-1], name+"s", strings.ToUpper(name), name[:i]+"x"+name[i:], name+names[random.IntN(len(names))])
	}
	for range 1000 {
		words = append(words, fmt.Sprintf("w%x", random.Uint32()))
	}
	return slices.DeleteFunc(words, func(w string) bool { return !word.MatchString(w) })
}
