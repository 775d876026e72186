package e2e

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/graph"
	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// programsMayChange are the mutations that a program may run with all scopes, of an administrator.
var programsMayChange = []string{"reinstateUser", "updateProfile"}

// TestScopes_NoProgramMakesOrEndsACredential runs each mutation that is not open to everyone, prepared so that a session
// succeeds with it: of a program with every scope, of an administrator, two succeed, and they change no session, password,
// address, token, right or link.
func TestScopes_NoProgramMakesOrEndsACredential(t *testing.T) {
	t.Parallel()
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: servertest.ReadFile(t, "schema.graphql")})
	servertest.Check(t, err)
	var all []string
	for _, scope := range accounts.Scopes() {
		all = append(all, string(scope))
	}
	dbtest.Each(t, func(t *testing.T, url string) {
		s := newPersonas(t, url)
		program := s.AccessToken(s.Admin(), all...)
		var done []string
		for _, f := range schema.Mutation.Fields {
			if f.Directives.ForName("public") != nil {
				continue
			}
			a, before := newAudited(s), ""
			a.succeed(schema, f, func() {
				a.waitForMails() // of what was asked for before: they make links
				before = s.credentials()
				query := a.fill("mutation { " + f.Name + servertest.Arguments(schema, f, a.values(audited[f.Name].values)) + " { __typename } }")
				if answer := s.Ask(program, query); answer.OK() {
					done = append(done, f.Name)
				} else if code := answer.Code(); code != "FORBIDDEN" && code != "NOT_FOUND" {
					t.Errorf("%s: %v", query, answer)
				}
				testenv.Equal(t, before, s.credentials(), "the credentials after %s by a program", f.Name)
			})
		}
		slices.Sort(done)
		testenv.Equal(t, programsMayChange, done, "what a program with every scope may run")
	})
}

// credentials are the rows of what opens an account, without when it was used.
func (s *personas) credentials() string {
	s.t.Helper()
	var lines []string
	for line := range strings.Lines(rows(s.t, s.db)) {
		table, _, _ := strings.Cut(line, " ")
		if !slices.Contains([]string{"audit_events", "audit_seals", "changes", "throttles"}, table) {
			lines = append(lines, used.ReplaceAllString(line, ""))
		}
	}
	return strings.Join(lines, "")
}

// used is what using a session or a token changes, and what programsMayChange do: a name and a status; an account that is
// reinstated forgets its devices.
var used = regexp.MustCompile(` (last_used_at|updated_at|name|status|credential_generation)="[^"]*"`)

// TestScopes_WhatEveryoneMayUseTellsAProgramNoMoreThanNobody, whatever its user has: a public field has no rule that would
// look at scopes. But permissions says to a program what its denials would, as the matrix holds.
func TestScopes_WhatEveryoneMayUseTellsAProgramNoMoreThanNobody(t *testing.T) {
	t.Parallel()
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: servertest.ReadFile(t, "schema.graphql")})
	servertest.Check(t, err)
	dbtest.Each(t, func(t *testing.T, url string) {
		s := newPersonas(t, url)
		user := s.Register()
		s.AddPasskey(user.Access)
		program := s.AccessToken(user.Access, "account:read", "account:write")
		if a := s.Ask(user.Access, "mutation { startPasskeyLogin { options } }"); !a.Has("allowCredentials") {
			t.Fatalf("a session is told no more than nobody: %v", a) // the control
		}
		fields := 0
		for _, root := range []*ast.Definition{schema.Query, schema.Mutation} {
			for _, f := range root.Fields {
				if f.Directives.ForName("public") == nil || f.Name == "permissions" {
					continue
				}
				ask := func(token string) servertest.Answer {
					return s.Ask(token, strings.ToLower(root.Name)+" { "+f.Name+servertest.Arguments(schema, f, map[string]string{
						"email": servertest.JSON(servertest.NewAddress()), "password": servertest.JSON(servertest.Password)})+
						leavesOf(schema, f.Type)+" }")
				}
				fields++
				if nobody, byProgram := ask(""), ask(program); byProgram.Code() != "FORBIDDEN" {
					testenv.Equal(t, membersOf(nobody.Body), membersOf(byProgram.Body), "%s by a program", f.Name)
				}
			}
		}
		if fields < 10 {
			t.Errorf("only %d fields are public", fields)
		}
	})
}

// leavesOf selects all fields of a type that have no fields of their own.
func leavesOf(schema *ast.Schema, typ *ast.Type) string {
	names := "__typename"
	for _, f := range schema.Types[typ.Name()].Fields {
		if schema.Types[f.Type.Name()].IsLeafType() && len(f.Arguments) == 0 {
			names += " " + f.Name
		}
	}
	return " { " + names + " }"
}

// membersOf is a response without the values of its strings and numbers.
func membersOf(body string) string {
	return regexp.MustCompile(`:("(\\.|[^"\\])*"|[0-9.]+)`).ReplaceAllString(body, ":")
}

// TestScopes_AreThoseOfTheSchema: what it names can be given, and what can be given it names.
func TestScopes_AreThoseOfTheSchema(t *testing.T) {
	t.Parallel()
	named := map[string]bool{}
	for _, list := range regexp.MustCompile(`scopes: \[([^\]]*)\]`).FindAllStringSubmatch(graph.SDL(), -1) {
		for _, name := range regexp.MustCompile(`"([^"]+)"`).FindAllStringSubmatch(list[1], -1) {
			named[name[1]] = true
		}
	}
	var want []string
	for _, scope := range accounts.Scopes() {
		want = append(want, string(scope))
	}
	var got []string
	for name := range named {
		got = append(got, name)
	}
	slices.Sort(got)
	testenv.Equal(t, want, got, "scopes")
}
