package server

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

const revocationsToken = "GATEHOUSE_REVOCATIONS_TOKEN=0123456789abcdef0123456789abcdef"

// TestRoutes_AnswerNobodyAsTheirAudienceSays asks each route of the table without a credential. Only a route that the
// rules guard speaks GraphQL, and it denies.
func TestRoutes_AnswerNobodyAsTheirAudienceSays(t *testing.T) {
	s := open(t, Options{}, revocationsToken)
	from := "127.0.0.1:1"
	ask := func(method, target, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, target, strings.NewReader(body))
		r.RemoteAddr = from
		r.Header.Set("Content-Type", "application/json")
		r.Host = "127.0.0.1"
		answer := httptest.NewRecorder()
		s.Handler.ServeHTTP(answer, r)
		return answer
	}
	asked := map[audience]int{}
	for _, r := range s.table {
		asked[r.who]++
		if r.why == "" {
			t.Errorf("%s: the table does not say why it is for %s", r.pattern, r.who)
		}
		posted := ask(http.MethodPost, r.path(), `{"query":"`+deniedQuery+`"}`)
		if speaks := isGraphQL(posted.Body.Bytes()); speaks != (r.who == byRules) {
			t.Errorf("%s is for %s, and answers an operation with %s", r.pattern, r.who, posted.Body)
		}
		method := http.MethodGet
		if strings.HasPrefix(r.pattern, "POST ") {
			method = http.MethodPost
		}
		switch got := ask(method, r.path(), "").Code; {
		case r.who == byRules:
			if err := checkAuthorizationEnforced(t.Context(), s.Handler, r.path()); err != nil {
				t.Error(err)
			}
		case r.who == services && got != http.StatusUnauthorized, r.who != byRules && r.who != services && got != http.StatusOK:
			t.Errorf("%s is for %s, and answers nobody with %d", r.pattern, r.who, got)
		}
		from = "192.0.2.1:1"
		if got := ask(method, r.path(), "").Code; (got == http.StatusForbidden) != (r.who == thisMachine) {
			t.Errorf("%s is for %s, and answers another machine with %d", r.pattern, r.who, got)
		}
		from = "127.0.0.1:1"
	}
	if asked[byRules] < 2 || asked[services] != 2 || asked[everyone] < 8 || asked[thisMachine] != 2 {
		t.Errorf("asked %v", asked)
	}
}

func isGraphQL(body []byte) bool {
	var response struct{ Data, Errors json.RawMessage }
	return json.Unmarshal(body, &response) == nil && (response.Data != nil || response.Errors != nil)
}

// TestRoutes_AreAllInTheTable: nothing else of this package registers a path, but for the operators' listener.
func TestRoutes_AreAllInTheTable(t *testing.T) {
	files, err := filepath.Glob("*.go")
	testenv.Check(t, err)
	for _, name := range files {
		text, err := os.ReadFile(name)
		testenv.Check(t, err)
		registers := strings.Count(string(text), ".Handle(") + strings.Count(string(text), ".HandleFunc(")
		allowed := map[string]int{"routes.go": 1, "ops.go": registers, "routes_test.go": registers}[name]
		if registers != allowed {
			t.Errorf("%s registers %d paths; put them into the table of routes.go", name, registers)
		}
	}
}
