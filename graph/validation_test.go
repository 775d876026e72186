package graph

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/graphqltest"
)

// Without introspection the error of a variable names no type, and no field that was not sent.
func TestVariables_ErrorsNameThePath(t *testing.T) {
	open, closed := toy(t, readable), toy(t)
	typeName := regexp.MustCompile("(cannot use|is not a valid) .*")
	const echo = "query($v:%s){echo(%s:$v)}"
	for _, c := range []struct {
		typ, argument string
		value, right  any
		message       string
	}{
		{"String", "text", 12345, "12345", "$v is not a valid String"},
		{"String", "text", true, "true", "$v is not a valid String"},
		{"String", "text", []any{1}, "1", "$v is not a valid String"},
		{"Int", "number", "x", 1, "$v is not a valid Int"},
		{"Int", "number", 1.5, 2.0, "$v is not a valid Int"},
		{"Role", "role", "hunter2", "USER", "$v is not a valid Role"},
		{"Role", "role", "user", "USER", "$v is not a valid Role"},
		{"[Role!]", "roles", "user", "USER", "$v[0] is not a valid Role"},
		{"[Role!]", "roles", []any{"USER", "admin"}, []any{"USER", "ADMIN"}, "$v[1] is not a valid Role"},
		{
			"In", "in", map[string]any{"list": []any{map[string]any{"role": "User"}}}, map[string]any{"role": "USER"},
			"$v.list[0].role is not a valid Role",
		},
		{"In", "in", map[string]any{"s": 5}, map[string]any{"s": "5"}, "$v.s is not a valid String"},
		{"In", "in", map[string]any{"isAdmin": true}, map[string]any{}, "$v.isAdmin unknown field"},
		{"[[Int!]!]", "list", []any{[]any{nil}}, []any{[]any{1}}, "$v[0][0] cannot be null"},
	} {
		document := fmt.Sprintf(echo, c.typ, c.argument)
		redacted := typeName.ReplaceAllString(c.message, "does not fit its type")
		for message, h := range map[string]http.Handler{c.message: open, redacted: closed} {
			got := graphqltest.Query(t, h, document, map[string]any{"v": c.value})
			if got.StatusCode != 400 || got.Code() != invalid || got.Errors[0].Message != message || got.Errors[0].Path != nil {
				t.Errorf("%v as %s: %s, want %s", c.value, c.typ, got.Text, message)
			}
		}
		if got := graphqltest.Query(t, open, document, map[string]any{"v": c.right}); got.StatusCode != 200 {
			t.Errorf("%v as %s: %s", c.right, c.typ, got.Text)
		}
	}
	if got := graphqltest.Query(t, open, "query($v:In!){echo(in:$v)}"); got.Errors[0].Message != "$v must be defined" {
		t.Errorf("%s", got.Text)
	}
	const login = "mutation($v:LoginInput!){login(input:$v){tokenType}}"
	got := graphqltest.Query(t, product(t, stub{}), login, map[string]any{"v": map[string]any{"email": "a"}})
	if got.Code() != invalid || got.Errors[0].Message != "$v lacks a required field" {
		t.Errorf("%s", got.Text)
	}
}

// Seven kinds of message suggest parts of the schema. They do so only where the schema may be read.
func TestValidation_SuggestionsFollowIntrospection(t *testing.T) {
	open, closed := product(t, stub{}, readable), product(t, stub{})
	toyOpen, toyClosed := toy(t, readable), toy(t)
	for _, c := range []struct {
		toy      bool
		document string
	}{
		{false, "{mee{id}}"},
		{false, `mutation{login(inpu:{}){tokenType}}`},
		{false, "{me{id @skip(iff:true)}}"},
		{false, "{me{...F}} fragment F on Usr{id}"},
		{true, "{echo(role:ADMI)}"},
		{false, `mutation{login(input:{emai:"",password:""}){tokenType}}`},
		{false, "{me}"},
		{true, `{echo(role:"ADMI")}`},
	} {
		with, without := open, closed
		if c.toy {
			with, without = toyOpen, toyClosed
		}
		if got := graphqltest.Query(t, without, c.document); got.Code() != invalid ||
			strings.Contains(got.Text, "Did you mean") {
			t.Errorf("closed: %s: %s", c.document, got.Text)
		}
		if got := graphqltest.Query(t, with, c.document); got.Code() != invalid ||
			!strings.Contains(got.Text, "Did you mean") && !strings.HasPrefix(c.document, `{echo(role:"`) {
			t.Errorf("open: %s: %s", c.document, got.Text)
		}
	}
}

func TestValidation_MessagesAreFewAndShort(t *testing.T) {
	got := graphqltest.Query(t, toy(t), "{"+strings.Repeat("é", 1)+"}")
	if got.Code() != "GRAPHQL_PARSE_FAILED" {
		t.Errorf("%s", got.Text)
	}
	got = graphqltest.Query(t, toy(t), "{node{...F0}}"+graphqltest.Repeat(50, "fragment F%d on Node{id ...F%e}")+
		"fragment F50 on Node{"+strings.Repeat("x", 4000)+"}")
	if got.Code() != invalid || len(got.Text) > 3<<10 || len(got.Errors) != 5 {
		t.Errorf("%d errors, %d bytes", len(got.Errors), len(got.Text))
	}
}
