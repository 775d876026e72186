package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/internal/passkey/passkeytest"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// bounds are min and max, 0 where there are none.
type bounds [2]float64

// wrongValue is a value that an input refuses, with the reason and the bounds that the error has.
type wrongValue struct {
	value  any
	reason string
	bounds bounds
}

// inputCase says what an input takes. Inputs of one name take the same everywhere.
type inputCase struct {
	good  any          // nil: left out
	wrong []wrongValue // none: every text is answered alike, or the schema's type allows no wrong value
	early bool         // it is refused before the field runs, so that what accounts refuses is not told with it
}

// inputCases has a row for each kind of input. The user is nobody's but the test's.
func inputCases(t *testing.T, user servertest.Account) map[string]inputCase {
	long := func(n int) string { return strings.Repeat("é", n) }
	var none bounds
	password, name := bounds{8, 128}, bounds{1, 100}
	chosen := []wrongValue{{"short", "TOO_SHORT", password}, {"", "REQUIRED", password}, {long(129), "TOO_LONG", password},
		{"password123", "TOO_COMMON", none}, {"a\x00bcdefgh", "MALFORMED", none}}
	id := []wrongValue{{"x", "MALFORMED", none}, {7, "MALFORMED", none}}
	page := bounds{0, 100}
	return map[string]inputCase{
		"email":    {good: servertest.NewAddress(), wrong: []wrongValue{{"x", "MALFORMED", none}, {" ", "REQUIRED", none}}},
		"password": {good: servertest.Password, wrong: chosen},
		"name": {good: "Ann", wrong: []wrongValue{{long(101), "TOO_LONG", name}, {" ", "TOO_SHORT", name},
			{"a\nb", "MALFORMED", none}}},
		"cookie":               {wrong: []wrongValue{{true, "NOT_ALLOWED", none}}}, // the request has no Origin
		"newPassword":          {good: servertest.Password, wrong: chosen},
		"device":               {},
		"currentPassword":      {good: servertest.AdminPassword},
		"refreshToken":         {good: "x"},
		"token":                {good: "x"},
		"code":                 {},
		"challenge":            {good: "x"},
		"recoveryCode":         {good: "x"},
		"response":             {good: passkeyResponse(t), wrong: []wrongValue{{"x", "MALFORMED", none}}},
		"locale":               {wrong: []wrongValue{{"no locale", "MALFORMED", none}, {"a\x00", "MALFORMED", none}}},
		"id":                   {good: user.ID, wrong: id, early: true},
		"userId":               {good: user.ID, wrong: id, early: true},
		"roles":                {good: []string{"USER", "ADMIN"}, wrong: []wrongValue{{[]string{"ADMIN"}, "REQUIRED", none}}},
		"allowUnverifiedEmail": {good: true, wrong: []wrongValue{{false, "REQUIRED", none}}},
		"first":                {wrong: []wrongValue{{101, "OUT_OF_RANGE", page}, {-1, "OUT_OF_RANGE", page}}},
		"last":                 {wrong: []wrongValue{{101, "OUT_OF_RANGE", page}, {-1, "OUT_OF_RANGE", page}}},
		"before":               {wrong: []wrongValue{{"x", "MALFORMED", none}}},
		"after":                {wrong: []wrongValue{{"x", "MALFORMED", none}}},
		"search":               {wrong: []wrongValue{{"a\x00", "MALFORMED", none}, {long(600), "TOO_LONG", bounds{0, 254}}}},
		"scopes": {good: []string{"account:read"},
			wrong: []wrongValue{{[]string{"x"}, "NOT_ALLOWED", none}, {[]string{}, "REQUIRED", none}}},
		"expiresAt": {good: time.Now().Add(time.Hour), wrong: []wrongValue{{time.Now(), "OUT_OF_RANGE", none},
			{time.Now().AddDate(2, 0, 0), "OUT_OF_RANGE", none}}},
		"status": {},
		"role":   {},
	}
}

// passkeyResponse reads as the answer of a browser that has made a passkey, and of one that has used it.
func passkeyResponse(t *testing.T) any {
	options := map[string]any{"challenge": "AAAA"}
	key, response := passkeytest.Create(t, servertest.PageOrigin, options)
	inner := response.(map[string]any)["response"].(map[string]any)
	maps.Copy(inner, key.Use(options).(map[string]any)["response"].(map[string]any))
	return response
}

// uniform are inputs whose every text is answered alike: of credentials, nobody learns which was wrong.
var uniform = map[string]bool{
	"LoginInput.email": true, "LoginInput.password": true, "ReauthenticateInput.password": true, "LoginInput.device": true,
}

// input is one value that a root field takes: an argument, or a field of an argument's input object.
type input struct {
	argument, name string // argument is "" where the input is one itself
	inputCase
}

// TestBadInput_EveryWrongFieldIsNamed sends each root field of the schema each of its inputs wrong alone, and all of
// them wrong together.
func TestBadInput_EveryWrongFieldIsNamed(t *testing.T) {
	t.Parallel()
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: servertest.ReadFile(t, "schema.graphql")})
	s := servertest.Start(t)
	s.CreateAdmin()
	token, cases, sent := s.Admin(), inputCases(t, s.Register()), 0
	s.AddPasskey(token)
	factor, user := cases["id"], cases["id"]
	factor.good = s.Must(token, "{ me { factors { id } } }").Field("id")
	for _, root := range []*ast.Definition{schema.Query, schema.Mutation} {
		for _, f := range root.Fields {
			if strings.HasPrefix(f.Name, "__") {
				continue
			}
			if cases["id"] = user; f.Name == "renameFactor" { // the guard refuses what is not the caller's first
				cases["id"] = factor
			}
			inputs := inputsOf(schema, f, cases)
			all := map[bool]map[string]wrongValue{true: {}, false: {}} // by early
			for _, in := range inputs {
				for _, w := range in.wrong {
					sent++
					askWrong(t, s, token, root, f, inputs, map[string]wrongValue{in.name: w})
				}
				if len(in.wrong) > 0 {
					all[in.early][in.name] = in.wrong[0]
				}
			}
			for _, wrong := range all {
				if len(wrong) > 1 {
					sent++
					askWrong(t, s, token, root, f, inputs, wrong)
				}
			}
		}
	}
	t.Logf("%d operations", sent)
}

// inputsOf returns the inputs of a root field. Of one without a case it is only expected that an ID is a UUID, and that
// text has no NUL, which Postgres does not store.
func inputsOf(schema *ast.Schema, f *ast.FieldDefinition, cases map[string]inputCase) (all []input) {
	add := func(argument, name, coordinate string, typ *ast.Type) {
		c, ok := cases[name]
		switch {
		case !ok && typ.Name() == "ID":
			c = cases["id"]
		case !ok && typ.Name() == "String":
			c = inputCase{good: "text", wrong: []wrongValue{{"a\x00b", "MALFORMED", bounds{}}}}
		}
		if uniform[coordinate] {
			c.wrong = nil
		}
		all = append(all, input{argument, name, c})
	}
	for _, a := range f.Arguments {
		if definition := schema.Types[a.Type.Name()]; definition.Kind == ast.InputObject {
			for _, field := range definition.Fields {
				add(a.Name, field.Name, definition.Name+"."+field.Name, field.Type)
			}
			continue
		}
		add("", a.Name, f.Name+"."+a.Name, a.Type)
	}
	return all
}

// askWrong sends a root field with the given inputs wrong and the others right, and expects one error for each of them.
func askWrong(t *testing.T, s *servertest.Process, token string, root *ast.Definition, f *ast.FieldDefinition,
	inputs []input, wrong map[string]wrongValue) {
	t.Helper()
	variables := map[string]any{}
	for _, in := range inputs {
		value := in.good
		if w, ok := wrong[in.name]; ok {
			value = w.value
		}
		if value == nil {
			continue
		}
		if in.argument == "" {
			variables[in.name] = value
			continue
		}
		if variables[in.argument] == nil {
			variables[in.argument] = map[string]any{}
		}
		variables[in.argument].(map[string]any)[in.name] = value
	}
	var declared, passed []string
	for _, a := range f.Arguments {
		if variables[a.Name] != nil {
			declared, passed = append(declared, "$"+a.Name+": "+a.Type.String()), append(passed, a.Name+": $"+a.Name)
		}
	}
	query := fmt.Sprintf("%s (%s) { %s(%s) { __typename } }",
		strings.ToLower(root.Name), strings.Join(declared, ", "), f.Name, strings.Join(passed, ", "))
	a := s.Decided(servertest.Request{Token: token, Variables: variables, Query: query})
	var answer struct {
		Errors []struct {
			Path       []string
			Locations  []any
			Extensions struct {
				Code, Field, Reason string
				Min, Max            float64
			}
		}
	}
	if err := json.Unmarshal([]byte(a.Body), &answer); err != nil {
		t.Errorf("%s: %v", f.Name, err)
	}
	for _, e := range answer.Errors {
		x := e.Extensions
		w, ok := wrong[x.Field]
		if !ok || x.Code != "BAD_USER_INPUT" || x.Reason != w.reason || (bounds{x.Min, x.Max}) != w.bounds ||
			len(e.Path) != 1 || e.Path[0] != f.Name || len(e.Locations) != 1 {
			t.Errorf("%s with %v: %s", f.Name, wrong, a.Body)
		}
	}
	testenv.Equal(t, len(wrong), len(answer.Errors), "%s with %v: errors, one for each: %s", f.Name, wrong, a.Body)
}
