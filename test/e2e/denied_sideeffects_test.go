package e2e

import (
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
)

// TestDeniedOperations_RunNoStatement counts the SQL statements of denied operations and of their granted twins: each
// request has a trace of its own, and each statement is a span of it.
func TestDeniedOperations_RunNoStatement(t *testing.T) {
	t.Parallel()
	const namesAnn = `mutation { updateProfile(input: {name: "A"}) { user { name } } }`
	dbtest.Each(t, func(t *testing.T, url string) {
		collector := servertest.NewCollector(t)
		s := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+url, collector.Setting(), "GATEHOUSE_TRUSTED_PROXIES=127.0.0.0/8")
		token := s.Register().Access
		cases := []struct {
			name, token, query, code string
			least, most              int
		}{
			{"me, anonymous", "", "{ me { email } }", "UNAUTHENTICATED", 0, 0},
			{"me, garbage", "garbage", "{ me { email } }", "UNAUTHENTICATED", 0, 0},
			{"me, forged", token[:len(token)-4] + "AAAA", "{ me { email } }", "UNAUTHENTICATED", 0, 0},
			{"three changes, anonymous", "",
				`mutation { a: updateProfile(input: {name: "A"}) { user { id } } b: updateProfile(input: {name: "B"}) { user { id } } logout { success } }`, "UNAUTHENTICATED", 0, 0},
			{"users, anonymous", "", "{ users { totalCount } }", "UNAUTHENTICATED", 0, 0},
			{"users, a user", token, "{ users { totalCount } }", "FORBIDDEN", 0, 1}, // who they are
			{"a change and an admin's", token,
				`mutation { updateProfile(input: {name: "A"}) { user { id } } suspendUser(id: "00000000-0000-7000-8000-000000000000") { user { id } } }`, "FORBIDDEN", 0, 1},
			// The twins: what is granted does run statements, and so they are counted.
			{"me", token, "{ me { email } }", "", 1, 2}, // 2 when the session was not in the cache
			{"updateProfile", token, namesAnn, "", 4, 99},
		}
		trace := func(i int) string { return fmt.Sprintf("%032x", i+1) }
		for i, c := range cases {
			if a := s.Ask(c.token, c.query, "Traceparent", "00-"+trace(i)+"-00f067aa0ba902b7-01"); a.Code() != c.code {
				t.Errorf("%s: %v, want %q", c.name, a, c.code)
			}
		}
		s.Stop() // which sends the last spans
		statements := map[string]int{}
		for _, span := range collector.Spans() {
			if attribute(span, "db.query.text") != "" || span.Name == "BEGIN" || span.Name == "COMMIT" ||
				span.Name == "ROLLBACK" {
				statements[hex.EncodeToString(span.TraceId)]++
			}
		}
		for i, c := range cases {
			if n := statements[trace(i)]; n < c.least || n > c.most {
				t.Errorf("%s: %d statements, %d to %d wanted", c.name, n, c.least, c.most)
			}
		}
	})
}
