package authz_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/authz"
	"github.com/gatehouse/gatehouse/authz/testdata/allfeatures"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestStepUp_SaysWhatIsToBeProved: what is lacking, of all rules of a coordinate, and nothing else.
func TestStepUp_SaysWhatIsToBeProved(t *testing.T) {
	const (
		age    = `{"code":"REAUTHENTICATION_REQUIRED","coordinate":"Query.x","maxAge":60}`
		mfa    = `{"code":"REAUTHENTICATION_REQUIRED","coordinate":"Query.x","mfa":true}`
		both   = `{"code":"REAUTHENTICATION_REQUIRED","coordinate":"Query.x","maxAge":60,"mfa":true}`
		again  = "authenticate again; the last time may be at most 60 s ago."
		second = "authenticate with a second factor."
		all    = "authenticate again, with a second factor; the last time may be at most 60 s ago."
	)
	for name, c := range map[string]struct{ persona, ofRoot, ofField, extensions, message string }{
		"a factor":                     {"alice", "", "mfa: true", mfa, second},
		"a factor and an age":          {"alice, stale", "", "mfa: true, maxAge: 60", both, all},
		"only the age":                 {"alice, two factors, stale", "", "mfa: true, maxAge: 60", age, again},
		"only the factor":              {"alice, just now", "", "mfa: true, maxAge: 60", mfa, second},
		"of two rules":                 {"alice, stale", "mfa: true", "maxAge: 60", both, all},
		"of two rules, reversed":       {"alice, stale", "maxAge: 60", "mfa: true", both, all},
		"the shorter age":              {"alice, stale", "maxAge: 300, mfa: true", "maxAge: 60", both, all},
		"the shorter age first":        {"alice, stale", "maxAge: 60", "maxAge: 300, mfa: true", both, all},
		"the easier alternative":       {"alice, stale", "", "any: [{mfa: true}, {maxAge: 60}]", age, again},
		"the easier alternative first": {"alice, stale", "", "any: [{maxAge: 60}, {mfa: true}]", age, again},
		"beside a missing scope": {"restricted to a", "", `scopes: ["z"], mfa: true`,
			`{"code":"INSUFFICIENT_SCOPE","coordinate":"Query.x","missingScopes":["z"]}`,
			"the access token lacks scope z."},
		"beside a missing role": {"alice", "mfa: true", "roles: [ADMIN], mfa: true",
			`{"code":"FORBIDDEN","coordinate":"Query.x"}`, "it needs role ADMIN and a second factor."},
		"nobody": {"expired, two factors", "", "mfa: true",
			`{"code":"UNAUTHENTICATED","coordinate":"Query.x","reason":"expired"}`, "the access token has expired; refresh it."},
	} {
		t.Run(name, func(t *testing.T) {
			root := "type Query"
			if c.ofRoot != "" {
				root += " @auth(" + c.ofRoot + ")"
			}
			schema := load(t, directives+root+" { x: Int @auth("+c.ofField+") }")
			config := testConfig(false)
			config.Owners, config.Objects = nil, nil
			persona := c.persona
			if persona == "alice, just now" {
				persona = "alice"
				config.Clock = viewerNamed(t, "alice").AuthenticatedAt
			}
			errs := rejectAll(t, schema, config, viewerNamed(t, persona))
			if len(errs) != 1 {
				t.Fatalf("%v", errs)
			}
			testenv.Equal(t, c.extensions, string(must(json.Marshal(errs[0].Extensions))), "extensions")
			if !strings.HasSuffix(errs[0].Message, c.message) {
				t.Errorf("%q does not end with %q", errs[0].Message, c.message)
			}
		})
	}
}

// TestMultiFactorViewer_WhoDoesNotSayHasNone: a viewer without the method MFA, such as one that wraps another and does
// not pass it on, is denied, and so is one whose method panics.
func TestMultiFactorViewer_WhoDoesNotSayHasNone(t *testing.T) {
	proved := viewerNamed(t, "alice, two factors")
	for name, c := range map[string]struct {
		viewer authz.Viewer
		want   string
	}{
		"the control":         {proved, `{"open":"open","twofold":"twofold"}`},
		"wrapped":             {wrapped{proved}, `{"open":"open","twofold":null} | REAUTHENTICATION_REQUIRED Query.twofold @twofold`},
		"wrapped, passing on": {passing{wrapped{proved}}, `{"open":"open","twofold":"twofold"}`},
		"panics":              {panicking{wrapped{proved}}, `{"open":"open","twofold":null} | INTERNAL @twofold`},
	} {
		s := serveWith(t, func(config *authz.Config) {
			config.Viewer = func(context.Context) (authz.Viewer, error) { return c.viewer, nil }
		})
		testenv.Equal(t, c.want, s.summary(t, "no viewer", `{ open twofold }`), "%s", name)
	}
}

type wrapped struct{ authz.Viewer }
type passing struct{ wrapped }
type panicking struct{ wrapped }

func (p passing) MFA() bool { return p.Viewer.(*allfeatures.Viewer).MFA() }
func (panicking) MFA() bool { panic("no database") }

// TestMultiFactorRoles_CountOnlyWithASecondFactor holds a guard with such a role against one whose schema says so at each
// place: what it decides for every persona and operation of the matrix, and its access table.
func TestMultiFactorRoles_CountOnlyWithASecondFactor(t *testing.T) {
	sdl := allfeatures.SDL
	for _, named := range []struct{ from, to string }{
		{`roles: [EDITOR, ADMIN])`, `any: [{roles: [ADMIN], mfa: true}, {roles: [EDITOR]}])`},
		{`roles: [USER, ADMIN])`, `any: [{roles: [ADMIN], mfa: true}, {roles: [USER]}])`},
		{`{ roles: [ADMIN], mfa: true }`, `{ roles: [ADMIN] mfa: true }`},
		{`{ roles: [ADMIN] }`, `{ roles: [ADMIN], mfa: true }`},
		{`(roles: [ADMIN])`, `(roles: [ADMIN], mfa: true)`},
	} {
		if !strings.Contains(sdl, named.from) {
			t.Fatalf("the schema has no %s", named.from)
		}
		sdl = strings.ReplaceAll(sdl, named.from, named.to)
	}
	written := must(serve(t, sdl, testConfig(false)))
	configured := serveWith(t, func(c *authz.Config) { c.MultiFactorRoles = []string{"ADMIN"} })
	table := map[string]string{}
	for _, a := range written.guard.Access() {
		table[a.Coordinate] = a.Who
	}
	for _, a := range configured.guard.Access() {
		testenv.Equal(t, table[a.Coordinate], a.Who, "%s", a.Coordinate)
	}
	reauthenticate := 0
	for i, c := range sample(cells(t, load(t, allfeatures.SDL))) {
		if i%4 != 0 && c.coordinate != "by hand" {
			continue
		}
		for _, p := range personas() {
			want := ask(t, written, p.Viewer, c.operation)
			if got := ask(t, configured, p.Viewer, c.operation); !same(want, got) {
				t.Fatalf("%s\n%s\n%v\n%v", p.name, c.text, want, got)
			}
			if strings.HasPrefix(p.name, "administrator") && len(want) > 0 &&
				strings.Contains(strings.Join(want[0].Denials, " "), "REAUTHENTICATION_REQUIRED") {
				reauthenticate++
			}
		}
	}
	if reauthenticate < 10 {
		t.Errorf("only %d administrators were asked for a second factor", reauthenticate)
	}
	wrong := testConfig(false)
	wrong.MultiFactorRoles = []string{"ADMIM"}
	_, err := serve(t, allfeatures.SDL, wrong)
	if err == nil || !strings.Contains(err.Error(), "Config.MultiFactorRoles: names ADMIM, which is not a value of enum Role") {
		t.Errorf("a misspelt role: %v", err)
	}
}

// TestConfigRules_MayWantASecondFactor as the directives do.
func TestConfigRules_MayWantASecondFactor(t *testing.T) {
	schema := load(t, directives+`type Query { made: Int }`)
	config := testConfig(false)
	config.Owners, config.Objects = nil, nil
	config.Rules = map[string]authz.Rule{"Query.made": {{MFA: true}}}
	for persona, want := range map[string]string{
		"alice":                        "REAUTHENTICATION_REQUIRED Query.made",
		"restricted to a, two factors": "FORBIDDEN Query.made",
	} {
		errs := rejectAll(t, schema, config, viewerNamed(t, persona))
		if len(errs) != 1 || denialOf(errs[0]) != want {
			t.Errorf("%s: %v, want %s", persona, errs, want)
		}
	}
	row := must(authz.New(schema, config)).Access()[0]
	testenv.Equal(t, "signed-in users with a second factor", row.Who, "who")
	if !row.Grants(authz.Principal{SignedIn: true, MFA: true}) || row.Grants(authz.Principal{SignedIn: true}) {
		t.Errorf("%+v", row)
	}
}
