package e2e

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
)

// TestMetrics_CountWhatHappened on both databases, to the figure where nothing else moves it.
func TestMetrics_CountWhatHappened(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, url string) {
		s := startWithOps(t, url)
		token := s.Register().Access
		for range 5 {
			s.Ask(token, "query Me { me { id } }")
		}
		s.Ask("x.y.z", "query Me { me { id } }")
		s.Ask("x.y.z", "query Junk { users { totalCount } }")
		s.Ask(token, "query Admin { users { totalCount } }")
		s.Ask(token, "{ users { totalCount } }")
		s.Ask(token, "{")
		s.Ask("", `mutation { login(input: {email: "a@example.com", password: "wrong password"}) { tokenType } }`)
		s.Logout(token)
		text := s.Metrics()
		for _, want := range []string{
			`gatehouse_requests_total{operation="me",status="200",type="query"} 5`,
			`gatehouse_requests_total{operation="me",status="401",type="query"} 5`, // four of the start's self-test
			`gatehouse_requests_total{operation="users",status="401",type="query"} 1`,
			`gatehouse_requests_total{operation="users",status="403",type="query"} 2`,
			`gatehouse_requests_total{operation="",status="400",type=""} 1`,
			`gatehouse_requests_total{operation="login",status="200",type="mutation"} 1`,
			`gatehouse_request_duration_seconds_count{operation="me"} 10`,
			`gatehouse_errors_total{code="GRAPHQL_PARSE_FAILED"} 1`,
			`gatehouse_errors_total{code="INVALID_CREDENTIALS"} 1`,
			`gatehouse_denials_total{code="FORBIDDEN",coordinate="Query.users"} 2`,
			`gatehouse_security_events_total{event="account_created"} 1`,
			`gatehouse_security_events_total{event="signed_in"} 1`,
			`gatehouse_security_events_total{event="sign_in_failed"} 1`,
			`gatehouse_security_events_total{event="session_ended"} 1`,
			`gatehouse_security_events_total{event="keys_rotated"} 0`,
			`gatehouse_panics_total 0`,
			`gatehouse_hashing_running 0`,
			`gatehouse_hashing_refused_total 0`,
			`gatehouse_token_lookups_total{result="miss"} 3`, // one good, two forged
			`gatehouse_token_lookups_total{result="hit"} 8`,
			`gatehouse_sessions_remembered 0`,
		} {
			if !strings.Contains(text, want+"\n") {
				name := regexp.MustCompile(`\w+`).FindString(want)
				found := regexp.MustCompile(`(?m)^`+name+`.*$`).FindAllString(text, 8)
				t.Errorf("want %s, got\n%s", want, strings.Join(found, "\n"))
			}
		}
		servertest.Eventually(t, "in touch", servertest.HangGuard, func() bool {
			text := s.Metrics()
			return strings.Contains(text, "gatehouse_revocations_in_touch 1\n") &&
				!strings.Contains(text, "gatehouse_revocations_lag_seconds 0\n")
		})
		for _, positive := range []string{`plan_lookups_total{result="hit"}`, `session_lookups_total{result="miss"}`,
			`database_connections_max`, `hashing_turns`, `transactions_turns`, `statements_turns`} {
			if !regexp.MustCompile(`(?m)^gatehouse_` + regexp.QuoteMeta(positive) + ` [1-9]`).MatchString(text) {
				t.Errorf("%s is not above 0", positive)
			}
		}
	})
}

// TestMetrics_LabelsAreOfTheSchema: each root field in each shape that the access matrix knows, from a user and from
// nobody, under a name of its own each time. A label costs memory here and in Prometheus until a restart.
func TestMetrics_LabelsAreOfTheSchema(t *testing.T) {
	t.Parallel()
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: servertest.ReadFile(t, "schema.graphql")})
	servertest.Check(t, err)
	s := startWithOps(t, dbtest.SQLite(t))
	names, fields := 0, map[string]bool{"": true, "__typename": true, "__schema": true, "__type": true}
	for _, token := range []string{"", s.Register().Access} {
		for _, root := range []*ast.Definition{schema.Query, schema.Mutation} {
			for _, f := range root.Fields {
				fields[f.Name] = true
				for _, o := range shapesOf(schema, root, f, leafOf(schema, f.Type)) {
					if o.operation != "" || o.method != http.MethodPost || f.Name == "deleteAccount" {
						continue
					}
					kind, rest, _ := strings.Cut(o.query, " ")
					names++
					query := fmt.Sprintf("%s Name%d %s", kind, names, rest)
					s.Do(servertest.Request{Token: token, Query: query, Variables: o.variables})
				}
			}
		}
		s.Ask(token, "query Mine { me { id } }")
	}
	text := s.Metrics()
	seen := map[string]bool{}
	for _, label := range regexp.MustCompile(`operation="([^"]*)"`).FindAllStringSubmatch(text, -1) {
		seen[label[1]] = true
		if !fields[label[1]] {
			t.Errorf("%q is no field of the schema", label[1])
		}
	}
	if len(seen) < 10 || !seen["me"] || names < 200 {
		t.Errorf("%d labels of %d operations", len(seen), names)
	}
}
