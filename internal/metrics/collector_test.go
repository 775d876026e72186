package metrics_test

import (
	"database/sql"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/authz"
	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/fairqueue"
	"github.com/gatehouse/gatehouse/internal/logging"
	"github.com/gatehouse/gatehouse/internal/metrics"
	"github.com/gatehouse/gatehouse/internal/token"
)

// TestRegister_EachSourceIsReadOnceAScrape: reading takes locks.
func TestRegister_EachSourceIsReadOnceAScrape(t *testing.T) {
	reads := map[string]int{}
	m := metrics.New("v1")
	m.Register(metrics.Sources{
		Accounts:   func() accounts.Stats { reads["accounts"]++; return accounts.Stats{} },
		Pool:       func() sql.DBStats { reads["pool"]++; return sql.DBStats{InUse: 3} },
		Statements: func() fairqueue.Stats { reads["statements"]++; return fairqueue.Stats{Slots: 8} },
		Tokens:     func() token.Stats { reads["tokens"]++; return token.Stats{Hits: 5} },
		Plans:      func() authz.PlanStats { reads["plans"]++; return authz.PlanStats{} },
		State:      func() metrics.State { reads["state"]++; return metrics.State{Ready: true} },
		Log:        func() logging.Stats { reads["log"]++; return logging.Stats{Waiting: 7, DroppedEvents: 2} },
	})
	clear(reads) // of the registration
	response := httptest.NewRecorder()
	m.Handler().ServeHTTP(response, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, want := range []string{
		`gatehouse_database_connections{state="in use"} 3`, `gatehouse_token_lookups_total{result="hit"} 5`,
		`gatehouse_build_info{version="v1"} 1`, `gatehouse_ready 1`, `gatehouse_log_waiting 7`,
		`gatehouse_log_dropped_total{kind="security event"} 2`,
		`gatehouse_statements_turns 8`,
	} {
		if !strings.Contains(response.Body.String(), want+"\n") {
			t.Errorf("%s is missing in\n%s", want, response.Body)
		}
	}
	for _, name := range []string{"accounts", "pool", "statements", "tokens", "plans", "state", "log"} {
		if reads[name] != 1 {
			t.Errorf("%s was read %d times", name, reads[name])
		}
	}
}
