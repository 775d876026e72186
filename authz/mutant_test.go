package authz_test

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/authz"
	"github.com/gatehouse/gatehouse/authz/testdata/allfeatures"
)

var statement = regexp.MustCompile(`@auth\([^)]*\)|@auth\b|@public\b|@signsIn\b`)

// mutant is the SDL of allfeatures without one of its statements.
type mutant struct {
	name string
	sdl  string
	at   string // the coordinate, or the type's with a dot behind it
}

// mutants removes each statement in turn, and each single requirement of the rules that have more than one.
func mutants(sdl string) (all []mutant) {
	policy := strings.Index(sdl, "interface Node")
	for _, at := range statement.FindAllStringIndex(sdl, -1) {
		if at[0] < policy {
			continue // the directives' own definitions
		}
		text := sdl[at[0]:at[1]]
		line := sdl[strings.LastIndexByte(sdl[:at[0]], '\n')+1 : at[0]]
		owner := regexp.MustCompile(`(?m)^(?:type|input) (\w+)`).FindAllStringSubmatch(sdl[:at[0]], -1)
		typ := owner[len(owner)-1][1]
		word := typ + "."
		if names := regexp.MustCompile(`(\w+)(?:\(|:)`).FindAllStringSubmatch(line, -1); len(names) > 0 {
			word += names[len(names)-1][1]
		}
		add := func(what, instead string) {
			name := typ + ": " + strings.TrimSpace(line) + " " + what
			all = append(all, mutant{name, sdl[:at[0]] + instead + sdl[at[1]:], word})
		}
		add("without "+text, "")
		for _, weaker := range weakenings(text) {
			add(text+" → "+weaker, weaker)
		}
	}
	return all
}

// weakenings are a rule with one of its requirements removed.
func weakenings(rule string) (all []string) {
	for _, term := range []string{
		`scopes: ["a:read"], `, `, scopes: ["a:read"]`, `, "b:read"`, `"a:read", `,
		`, maxAge: 300`, `roles: [EDITOR], `, `owner: AUTHOR, `, `, ADMIN`, `EDITOR, `,
	} {
		if strings.Contains(rule, term) {
			all = append(all, strings.Replace(rule, term, "", 1))
		}
	}
	return append(all, withoutEachMFA(rule)...)
}

// withoutEachMFA takes one mfa: true at a time away; the comma that it leaves means nothing in GraphQL.
func withoutEachMFA(rule string) (all []string) {
	if rule == "@auth(mfa: true)" {
		return []string{"@auth"}
	}
	for _, at := range regexp.MustCompile(`mfa: true`).FindAllStringIndex(rule, -1) {
		all = append(all, rule[:at[0]]+rule[at[1]:])
	}
	return all
}

// TestMutants_EachLostStatementIsDetected: a schema with one statement less is rejected, or the matrix tells it from
// the complete policy. TEST_LONG=matrix tries all of them; else those of mfa are tried, and every third of the others.
func TestMutants_EachLostStatementIsDetected(t *testing.T) {
	schema := load(t, allfeatures.SDL)
	all := cells(t, schema)
	killed := map[string]int{}
	for i, m := range mutants(allfeatures.SDL) {
		if i%scaled(1, 3, 7) != 0 && !strings.Contains(m.name, "mfa: true") {
			continue
		}
		s, err := serve(t, m.sdl, testConfig(false))
		var rejected *authz.SchemaError
		switch {
		case errors.As(err, &rejected):
			killed["at the start"]++
		case err != nil:
			t.Errorf("%s: %v", m.name, err)
		case distinguishes(&matrix{schema: schema, resolver: allfeatures.NewResolver(), plain: s, verifying: s}, all, m.at):
			killed["by the matrix"]++
		default:
			t.Errorf("survived: %s", m.name)
		}
	}
	t.Logf("killed %v", killed)
}

// distinguishes looks for a cell that tells a mutant from the policy: first among those that mention its place.
func distinguishes(m *matrix, all []cell, at string) bool {
	_, name, _ := strings.Cut(at, ".")
	mentions := func(c cell) bool {
		return strings.HasPrefix(c.coordinate, at) || strings.HasSuffix(c.coordinate, "("+name+":)") ||
			name != "" && strings.HasSuffix(c.coordinate, ":)") && strings.Contains(c.shape, " "+name)
	}
	for _, depth := range []func(int, cell) bool{
		func(i int, c cell) bool { return mentions(c) && strings.HasPrefix(c.shape, "plain") },
		func(i int, c cell) bool { return mentions(c) },
		func(i int, c cell) bool { return i%23 == 0 || c.coordinate == "by hand" },
	} {
		i := -1
		if slices.ContainsFunc(all, func(c cell) bool { i++; return depth(i, c) && m.differs(c) != "" }) {
			return true
		}
	}
	return false
}
