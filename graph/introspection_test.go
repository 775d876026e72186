package graph

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/graphqltest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// What GraphiQL and graphql-codegen send passes where the schema may be read, and nothing of it where it may not.
func TestIntrospection_FollowsItsSwitch(t *testing.T) {
	text, err := os.ReadFile("testdata/introspection.graphql")
	testenv.Check(t, err)
	open, closed := product(t, stub{}, readable), product(t, stub{})
	if got := graphqltest.Query(t, open, string(text)); got.StatusCode != 200 ||
		!strings.Contains(got.Text, "LoginInput") || len(got.Errors) > 0 {
		t.Errorf("%d %.300s", got.StatusCode, got.Text)
	}
	first := ""
	for _, document := range []string{
		string(text), "{__schema{queryType{name}}}", `{__type(name:"User"){name}}`, `{__type(name:"Nothing"){name}}`,
		"{__schema #\n {queryType{name}}}",
		"{a:__schema{queryType{name}}}", "{...F} fragment F on Query{__schema{queryType{name}}}",
		"{...{__schema{queryType{name}}}}", "{__typename __schema{directive}}",
	} {
		got := graphqltest.Query(t, closed, document)
		if first == "" {
			first = got.Text
		}
		if got.StatusCode != 400 || got.Code() != invalid || got.Text != first {
			t.Errorf("%s: %d %.300s", document, got.StatusCode, got.Text)
		}
	}
	if got := graphqltest.Query(t, closed, "{__typename}"); got.StatusCode != 200 {
		t.Errorf("__typename: %s", got.Text)
	}
	types := func(n int) string { // has 3n+1 fields below __schema
		return "{__schema{types{" + strings.Repeat("kind name ofType{", n) + "name" + strings.Repeat("}", n) + "}}}"
	}
	if got := graphqltest.Query(t, open, types(99)); got.StatusCode != 200 {
		t.Errorf("within the limit: %.300s", got.Text)
	}
	for limit, document := range map[string]string{
		"fields":  types(100),
		"aliases": "{__schema{types{" + graphqltest.Repeat(16, "a%d:name ") + "}}}",
	} {
		if got := graphqltest.Query(t, open, document); got.Code() != "LIMIT_EXCEEDED" || got.Limit() != limit {
			t.Errorf("%s: %.300s", limit, got.Text)
		}
	}
	if got := graphqltest.Query(t, open,
		"{__schema{types{fields{type{fields{type{fields{name}}}}}}}}"); got.Code() != invalid {
		t.Errorf("lists within lists: %.300s", got.Text)
	}
}

// Tools read the directives to know what they may send. gqlparser adds @defer to every schema, which is refused.
func TestIntrospection_ListsTheDirectivesThatAreAccepted(t *testing.T) {
	h := newHandler(t, NewSchema(LoadSchema(), nil, nil), readable)
	var data struct {
		Schema struct {
			Directives []struct {
				Name      string
				Locations []string
			}
		} `json:"__schema"`
	}
	got := graphqltest.Query(t, h, "{__schema{directives{name locations}}}")
	testenv.Check(t, json.Unmarshal(got.Data, &data))
	names := map[string]bool{}
	for _, d := range data.Schema.Directives {
		names[d.Name] = true
		if slices.Contains(d.Locations, "FIELD") {
			arguments := map[string]string{"skip": "(if:false)", "include": "(if:true)"}[d.Name]
			got := graphqltest.Query(t, h, "{__typename @"+d.Name+arguments+"}")
			if len(got.Errors) > 0 {
				t.Errorf("@%s is listed and refused: %s", d.Name, got.Text)
			}
		}
	}
	want := map[string]bool{"skip": true, "include": true, "deprecated": true, "specifiedBy": true, "oneOf": true}
	for _, match := range regexp.MustCompile(`(?m)^directive @(\w+)`).FindAllStringSubmatch(SDL(), -1) {
		want[match[1]] = true
	}
	testenv.Equal(t, want, names, "names")
}
