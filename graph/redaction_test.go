package graph

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	gqlparser "github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/gatehouse/gatehouse/internal/graphqltest"
)

var word = regexp.MustCompile(`[_A-Za-z][_0-9A-Za-z]*`)

// schemaNames returns the names of the schema that a client does not know without it: all but those of every schema.
var schemaNames = sync.OnceValue(func() map[string]bool {
	schema := gqlparser.MustLoadSchema(sources...)
	names := map[string]bool{}
	for _, def := range schema.Types {
		if def.BuiltIn {
			continue
		}
		names[def.Name] = true
		for _, f := range def.Fields {
			names[f.Name] = true
			for _, a := range f.Arguments {
				names[a.Name] = true
			}
		}
		for _, v := range def.EnumValues {
			names[v.Name] = true
		}
	}
	delete(names, "input")     // a word of gqlparser's own: "non-input type"
	delete(names, "code")      // an extension of each error
	delete(names, "field")     // a word of messages, and an extension of BAD_USER_INPUT
	delete(names, "requestId") // an extension of INTERNAL: part of the protocol
	for _, word := range slices.Concat(schema.Types["ErrorCode"].EnumValues, schema.Types["InputProblem"].EnumValues) {
		delete(names, word.Name) // part of the protocol
	}
	for _, root := range []*ast.Definition{schema.Query, schema.Mutation, schema.Subscription} {
		if root != nil {
			delete(names, root.Name)
		}
	}
	return names
})

// invalidDocuments are wrong by each validation rule; %w is a name that a client guesses.
var invalidDocuments = []string{
	"{%w}", "{me{%w}}", "{me{%w{id}}}", "mutation{%w}", "mutation{%w(input:{})}", "mutation{%w(input:{}){%w}}", "{me}",
	"{me{id{%w}}}",
	"{user(%w:1){id}}", "{user{%w}}", "{users(firs:1){%w}}", "{me{sessions(%w:1){id}}}", "query($v:User){me{%w}}",
	"{me(%w:1){id}}", "{me{id@skip(%w:true)}}", "{me{id@%w}}", "{me{id@skip}}",
	"{...on %w{id}}", "{...F}fragment F on %w{id}", "{me{...on %w{id}}}", "{me{...on Session{%w}}}", "{me{...%w}}",
	"{me{...F}}fragment F on User{...F}",
	"query($v:%w){me{id}}", "query($v:%w!){user(id:$v){id}}", "query($v:[Int]){user(id:$v){%w}}",
	"query($%w:Int,$%w:Int){me{id}}", "query($v:Int=%w){users(first:$v){totalCount}}",
	"{users(filter:{%w:1}){totalCount}}", "{users(filter:{role:%w}){totalCount}}", "{users(filter:{role:1}){totalCount}}",
	"{users(first:%w){totalCount}}", "{users(first:1,first:2){totalCount}}",
	"mutation{login(input:{%w:1}){tokenType}}", "mutation{login(input:{email:1,email:1}){tokenType}}",
	"mutation{login(input:$%w){tokenType}}", "mutation{login{%w}}",
	"{x:me{id}x:users{totalCount}}", "{x:me{y:id y:%w}}", "%w{me}", "{me{id}}query Q{me{id}}",
	"query Q{me{id}}query Q{me{id}}", "subscription{%w}", "{me{id@skip(if:true)@skip(if:true)}}",
	"{me{id}}fragment F on %w{id}", "{me{...F}}fragment F on User{id}fragment F on User{id}", "{...on UserStatus{id}}",
	"{__schema{types{fields{type{fields{type{fields{%w}}}}}}}}",
}

// inMessages is the name of an argument that a message of gqlparser has as a word: "the same response name".
const inMessages = "response"

// learned returns the names of the schema that the answer to a request has and the request does not.
func learned(t *testing.T, h http.Handler, document string, variables ...map[string]any) (names []string) {
	t.Helper()
	sent := word.FindAllString(document+fmt.Sprint(variables), -1)
	for _, name := range word.FindAllString(graphqltest.Query(t, h, document, variables...).Text, -1) {
		if name == "Did" || name != inMessages && schemaNames()[name] && !slices.Contains(sent, name) {
			names = append(names, name)
		}
	}
	return names
}

// TestValidation_WithoutIntrospectionNoRuleNamesTheSchema holds that a client that guesses names, in
// every place where a name can stand, learns no name of the schema that it did not send.
func TestValidation_WithoutIntrospectionNoRuleNamesTheSchema(t *testing.T) {
	schema := gqlparser.MustLoadSchema(sources...)
	open, closed := product(t, stub{}, readable), product(t, stub{})
	broken := map[string]bool{}  // by rule: some document breaks it
	teaching := map[string]int{} // by rule: documents that teach a name where the schema may be read
	guesses := append(slices.Sorted(maps.Keys(schemaNames())), "nonsense")
	for i, guess := range guesses {
		control := i == len(guesses)-1
		for _, pattern := range invalidDocuments {
			document := strings.ReplaceAll(pattern, "%w", guess)
			if names := learned(t, closed, document); names != nil {
				t.Fatalf("%s teaches %q", document, names)
			}
			if control {
				teaches := len(learned(t, open, document))
				for _, rule := range rulesBrokenBy(schema, document) {
					broken[rule], teaching[rule] = true, teaching[rule]+teaches
				}
			}
		}
	}
	for rule := range rules.NewDefaultRules().GetInner() {
		message, known := ruleMessages[rule]
		switch {
		case rule == "SingleFieldSubscriptions" && schema.Subscription == nil, rule == "MaxIntrospectionDepth":
			// No subscription can be valid enough to break the first; the second is reached with introspection only.
		case !broken[rule]:
			t.Errorf("no document breaks %s: add one to invalidDocuments", rule)
		case !known:
			t.Errorf("%s is not in ruleMessages", rule)
		case message != "" && teaching[rule] == 0:
			t.Errorf("%s names nothing of the schema with introspection on, so this test would not notice it", rule)
		}
	}
}

func rulesBrokenBy(schema *ast.Schema, document string) (broken []string) {
	doc, err := parser.ParseQuery(&ast.Source{Input: document})
	if err != nil {
		return nil
	}
	for _, e := range validator.ValidateWithRules(schema, doc, rules.NewDefaultRules()) {
		broken = append(broken, e.Rule)
	}
	return broken
}

func TestVariables_WithoutIntrospectionNoErrorNamesTheSchema(t *testing.T) {
	open, closed := product(t, stub{}, readable), product(t, stub{})
	taught := 0
	for _, guess := range append(slices.Sorted(maps.Keys(schemaNames())), "nonsense") {
		for document, values := range map[string][]any{
			"mutation($v:LoginInput!){login(input:$v){tokenType}}": {nil, guess, map[string]any{}, map[string]any{guess: 1},
				[]any{guess}, map[string]any{"email": "a", "password": "b", guess: true}},
			"mutation($v:SetRolesInput!){setRoles(input:$v){user{id}}}": {map[string]any{"userId": "a"},
				map[string]any{"userId": "a", "roles": guess},
				map[string]any{"userId": "a", "roles": []any{"USER", guess}},
				map[string]any{"userId": "a", "roles": []any{map[string]any{}}}},
		} {
			for _, value := range values {
				variables := map[string]any{"v": value}
				if names := learned(t, closed, document, variables); names != nil {
					t.Fatalf("the variable %v teaches %q", value, names)
				}
				taught += len(learned(t, open, document, variables))
			}
		}
	}
	if taught == 0 { // the control
		t.Error("nothing is named with introspection on")
	}
}

// BenchmarkRefusedDocument has 64 KiB of variables and five errors, with introspection off.
func BenchmarkRefusedDocument(b *testing.B) {
	h := product(b, stub{})
	list := make([]any, 900)
	for i := range list {
		list[i] = strings.Repeat("x", 60) + fmt.Sprint(i)
	}
	fields := "edges " + graphqltest.Repeat(4, "x%d:user ")
	body := graphqltest.Body("query($v:[String!]){"+fields+"users(role:1){x}}", map[string]any{"v": list})
	b.ReportAllocs()
	for b.Loop() {
		if got := graphqltest.Post(b, h, body); got.Code() != invalid {
			b.Fatal(got.Text)
		}
	}
}
