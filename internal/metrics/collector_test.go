package metrics_test

import (
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/authz"
	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/fairqueue"
	"github.com/gatehouse/gatehouse/internal/graphqlhttp"
	"github.com/gatehouse/gatehouse/internal/httpserver"
	"github.com/gatehouse/gatehouse/internal/logging"
	"github.com/gatehouse/gatehouse/internal/metrics"
	"github.com/gatehouse/gatehouse/internal/outbox"
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
		GraphQL:    func() graphqlhttp.Stats { reads["graphql"]++; return graphqlhttp.Stats{} },
		Clients:    func() httpserver.Stats { reads["clients"]++; return httpserver.Stats{Places: 9} },
		Jobs:       func() (outbox.Stats, error) { reads["jobs"]++; return outbox.Stats{}, errors.New("no database") },
		Log:        func() logging.Stats { reads["log"]++; return logging.Stats{Waiting: 7, DroppedEvents: 2} },
	})
	clear(reads) // of the registration
	response := httptest.NewRecorder()
	m.Handler().ServeHTTP(response, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, want := range []string{
		`gatehouse_database_connections{state="in use"} 3`, `gatehouse_token_lookups_total{result="hit"} 5`,
		`gatehouse_build_info{version="v1"} 1`, `gatehouse_ready 1`, `gatehouse_log_waiting 7`,
		`gatehouse_log_dropped_total{kind="security event"} 2`,
		`gatehouse_statements_turns 8`, `gatehouse_jobs_waiting NaN`,
	} {
		if !strings.Contains(response.Body.String(), want+"\n") {
			t.Errorf("%s is missing in\n%s", want, response.Body)
		}
	}
	for _, name := range []string{"accounts", "pool", "statements", "tokens", "plans", "state", "log", "graphql", "clients", "jobs"} {
		if reads[name] != 1 {
			t.Errorf("%s was read %d times", name, reads[name])
		}
	}
}

// TestRegister_ServesEveryNumberOfItsSources: each field of what they return has a value of its own, which is served.
func TestRegister_ServesEveryNumberOfItsSources(t *testing.T) {
	var (
		n       = 1000.0
		stats   accounts.Stats
		tokens  token.Stats
		plans   authz.PlanStats
		log     logging.Stats
		state   metrics.State
		turns   fairqueue.Stats
		queues  graphqlhttp.Stats
		clients httpserver.Stats
		jobs    outbox.Stats
		pool    = sql.DBStats{InUse: 1, Idle: 2, MaxOpenConnections: 3, WaitCount: 4, WaitDuration: 5 * time.Second}
	)
	wanted := map[float64]string{1: "InUse", 2: "Idle", 3: "MaxOpenConnections", 4: "WaitCount", 5: "WaitDuration"}
	for _, source := range []any{&stats, &tokens, &plans, &log, &state, &turns, &queues, &clients, &jobs} {
		fill(reflect.ValueOf(source).Elem(), "", func(field string) float64 { n++; wanted[n] = field; return n })
	}
	maps.DeleteFunc(wanted, func(_ float64, field string) bool { return field == " Hashing Waiting" }) // by class
	m := metrics.New("v1")
	m.Register(metrics.Sources{
		Accounts: func() accounts.Stats { return stats }, Pool: func() sql.DBStats { return pool },
		Tokens: func() token.Stats { return tokens }, Plans: func() authz.PlanStats { return plans },
		Statements: func() fairqueue.Stats { return turns },
		GraphQL:    func() graphqlhttp.Stats { return queues }, Clients: func() httpserver.Stats { return clients },
		Jobs: func() (outbox.Stats, error) { return jobs, nil },
		Log:  func() logging.Stats { return log }, State: func() metrics.State { return state },
	})
	response := httptest.NewRecorder()
	m.Handler().ServeHTTP(response, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for value, field := range wanted {
		if !regexp.MustCompile(fmt.Sprintf(`(?m)^gatehouse_.* %v$`, value)).MatchString(response.Body.String()) {
			t.Errorf("%s is not served", field)
		}
	}
	if len(wanted) < 35 {
		t.Errorf("%d numbers", len(wanted))
	}
}

// fill gives each number in a value one of its own. Durations are of so many seconds.
func fill(v reflect.Value, name string, next func(field string) float64) {
	switch {
	case v.Type() == reflect.TypeFor[time.Duration]():
		v.SetInt(int64(next(name)) * int64(time.Second))
	case v.Kind() == reflect.Struct:
		for f, field := range v.Fields() {
			fill(field, name+" "+f.Name, next)
		}
	case v.Kind() == reflect.Map:
		v.Set(reflect.ValueOf(map[string]int{"a class": int(next(name))}))
	case v.CanInt():
		v.SetInt(int64(next(name)))
	case v.CanUint():
		v.SetUint(uint64(next(name)))
	}
}
