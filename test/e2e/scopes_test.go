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
		if slices.Contains([]string{"sessions", "one_time_tokens", "access_tokens", "users", "addresses", "jobs",
			"totp_factors", "recovery_codes"}, table) {
			lines = append(lines, used.ReplaceAllString(line, ""))
		}
	}
	return strings.Join(lines, "")
}

// used is what using a session or a token changes, and what programsMayChange do: a name and a status; an account that is
// reinstated forgets its devices.
var used = regexp.MustCompile(` (last_used_at|updated_at|name|status|credential_generation)="[^"]*"`)

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
